//! What the first page and the navigation show.

use lifecycle::{
    authority::Actor,
    workspace::{Badges, Overview},
};

use crate::{Error, Result, Store};

/// The first page.
pub async fn overview(_store: &Store, _actor: &Actor) -> Result<Overview> {
    Err(Error::Internal("home::overview".into()))
}

/// The counts of the navigation.
pub async fn badges(_store: &Store, _actor: &Actor) -> Result<Badges> {
    Err(Error::Internal("home::badges".into()))
}
