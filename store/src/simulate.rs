//! Cases for simulations that live in the database.

use lifecycle::{
    authority::Actor,
    replay::{Case, Dataset},
};

use crate::{Error, Result, Store};

/// The cases of a dataset: `fixtures`, or the newest `count` of `recorded`.
pub async fn cases(
    _store: &Store,
    _actor: &Actor,
    _dataset: Dataset,
    _count: Option<u32>,
    _seed: Option<u64>,
) -> Result<Vec<Case>> {
    Err(Error::Internal("simulate::cases".into()))
}
