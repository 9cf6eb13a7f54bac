//! Answers about changes of what is served.

use axum::Json;
use serde::Serialize;
use store::system::Servers;

use crate::state::AppState;

/// An answer about a change of what is served, and how many servers have followed it.
#[derive(Serialize)]
pub struct Served<T> {
    #[serde(flatten)]
    changed: T,
    /// `None` while the database does not say.
    servers: Option<Servers>,
}

impl<T> Served<T> {
    /// Serves the change here, and counts.
    pub async fn of(state: &AppState, changed: T) -> Json<Self> {
        Json(Self { changed, servers: state.live.count_servers().await })
    }
}
