//! What every request can reach.

use std::sync::Arc;

use axum::extract::FromRef;
use leptos::config::LeptosOptions;
use store::Store;
use tokio::sync::watch;

use crate::{evaluation::EvaluationService, metrics::Remembered};

/// Shared by all requests. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// What is remembered.
    pub store: Store,
    /// The evaluation service.
    pub live: EvaluationService,
    /// Whether the example workspace is served.
    pub demo: bool,
    /// What `/metrics` tells of the database.
    pub figures: Remembered,
    /// Whether `/metrics` answers strangers: on a loopback address, or when asked for.
    pub open_metrics: bool,
    /// Whether cookies may travel without TLS: only on a loopback address.
    pub plain_http: bool,
    /// Turns true when the server goes down, so that streams without an end find one.
    pub stopping: Arc<watch::Sender<bool>>,
    /// What leptos wants to know.
    pub leptos: LeptosOptions,
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}
