//! The state of the frame around every page.

use leptos::prelude::*;
use lifecycle::{authority::Actor, overview::Badges, settings::Change, system::System};
use policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{AppError, Reply};

/// The signed-in person, the live state and the counts of tasks that wait for the person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameState {
    /// The signed-in person.
    pub me: Actor,
    /// Their name.
    pub name: String,
    /// The state of the system.
    pub system: System,
    /// The counts of tasks that wait for the person.
    pub badges: Badges,
    /// The safeguards that are weaker than by default.
    pub weakened: Vec<Change>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// The state of the frame.
///
/// # Errors
/// `unauthenticated` without a signed-in person; `unavailable` when the database cannot be read.
#[server(prefix = "/api", endpoint = "live/frame", output = Reply)]
pub async fn read_frame() -> Result<FrameState, AppError> {
    let me = crate::context::actor()?;
    let store = crate::context::app_context()?.store;
    Ok(FrameState {
        name: crate::context::caller().name.unwrap_or_else(|| me.name.clone()),
        system: store::system::get(&store, &me).await?,
        badges: store::home::badges(&store, &me).await?,
        weakened: store::settings::below_default(&store, &me).await?,
        as_of: crate::context::now(),
        me,
    })
}
