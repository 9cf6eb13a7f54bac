//! The state that every request can reach.

use std::{sync::Arc, time::Instant};

use axum::extract::FromRef;
use leptos::config::LeptosOptions;
use lifecycle::problem::Problem;
use store::{Store, postgres::Condition};
use tokio::sync::watch;

use app::{account_links::AccountLinks, context::AppContext};

use crate::{
    auth::TrustedProxies, evaluation::EvaluationService, heartbeats::Heartbeats, live_events::LiveEvents,
    metrics_cache::MetricsCache, oidc::Provider, open_places::OpenPlaces, rate_limits::RateLimits, shared_reading::SharedReading,
};

/// The state shared by all requests. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The database.
    pub store: Store,
    /// The evaluation service.
    pub live: EvaluationService,
    /// Whether the loops of this server live.
    pub heartbeats: Heartbeats,
    /// Whether the database takes writes, for `/readyz`; else why not.
    pub writable: SharedReading<Instant, Result<(), Problem>>,
    /// What open pages show.
    pub events: LiveEvents,
    /// Polls that wait for an approval.
    pub approval_polls: OpenPlaces,
    /// How often callers may ask.
    pub limits: RateLimits,
    /// Whether the role of this server owns the tables, and so could switch their triggers off.
    pub owns_tables: bool,
    /// The condition of the private server of the database, if this process runs one.
    pub private_postgres: Condition,
    /// Delivers the links with which people choose a password.
    pub links: AccountLinks,
    /// The sign-in provider, if the host trusts one.
    pub provider: Option<Arc<Provider>>,
    /// Whether the example workspace is served.
    pub demo: bool,
    /// The metrics of the workspace for `/metrics`.
    pub metrics: MetricsCache,
    /// Whether `/metrics` needs no token: on a loopback address, or when configured so.
    pub open_metrics: bool,
    /// Whether cookies may travel without TLS: only on a loopback address.
    pub plain_http: bool,
    /// The proxies that are believed about who asked them.
    pub trusted_proxies: TrustedProxies,
    /// Turns true when the server shuts down, so that endless streams end.
    pub stopping: Arc<watch::Sender<bool>>,
    /// The options of leptos.
    pub leptos: LeptosOptions,
}

impl AppState {
    /// What pages and server functions get.
    pub fn context(&self) -> AppContext {
        AppContext {
            store: self.store.clone(),
            demo: self.demo,
            links: self.links.clone(),
            provider: self.provider.as_ref().map(|provider| provider.name()),
        }
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}
