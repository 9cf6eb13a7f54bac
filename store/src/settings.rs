//! The workspace's settings.

use lifecycle::authority::Actor;
pub use lifecycle::workspace::Settings;

use crate::{Error, Result, Store};

/// The settings in force.
pub async fn get(_store: &Store, _actor: &Actor) -> Result<Settings> {
    Err(Error::Internal("settings::get".into()))
}

/// Replaces the settings.
pub async fn update(_store: &Store, _actor: &Actor, _settings: Settings) -> Result<Settings> {
    Err(Error::Internal("settings::update".into()))
}
