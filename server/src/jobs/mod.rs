//! Background jobs, one per file. Each starts with the server, ends when the store is closed, and is started again when it
//! panics or hangs.

mod announcements;
mod approvals;
mod audit_chain;
mod automatic_promotion;
mod automatic_rollback;
mod decision_log;
mod key_rotation;
mod kpi_monitor;
mod periodic;
mod provider_check;
mod refusals;
mod serving_check;
mod session_cleanup;

use std::{path::Path, pin::Pin, sync::Arc, time::Duration};

use app::account_links::AccountLinks;
use lifecycle::signing::KeyRing;
use store::Store;
use tokio::runtime::Handle;

use crate::{
    heartbeats::{Heartbeat, Heartbeats},
    oidc::Provider,
    safety_thread::SafetyThread,
};

pub use audit_chain::{CHECKPOINT_FILE, checkpoint};
pub use key_rotation::{host, servers};
pub use provider_check::check_sessions;
pub use refusals::write as write_refusals;

/// How long a run of a job may take, unless another limit is named.
const RUN_WITHIN: Duration = Duration::from_secs(120);
/// The same where somebody outside is asked or written to about many people: the sign-in provider, the mail server.
const ASK_WITHIN: Duration = Duration::from_secs(15 * 60);
/// The same for adding counts of decisions together, which takes longer after a long stop.
const FOLD_WITHIN: Duration = Duration::from_secs(15 * 60);
/// The same for closing and archiving the days of the decision log.
const DAYS_WITHIN: Duration = Duration::from_secs(3 * 60 * 60);
/// How long one look at a canary may take: afterwards another one is due.
const WATCH_WITHIN: Duration = Duration::from_secs(20);

/// What jobs need.
pub struct Needs<'a> {
    /// The store.
    pub store: &'a Store,
    /// Delivers letters about accounts.
    pub links: &'a AccountLinks,
    /// The keys that the server was started with; the data directory may get others.
    pub keys: &'a KeyRing,
    /// The data directory.
    pub data_dir: &'a Path,
    /// The sign-in provider.
    pub provider: Option<&'a Arc<Provider>>,
    /// Where the job runs that safety depends on.
    pub safety: &'a SafetyThread,
    /// Who looks whether the jobs live.
    pub heartbeats: &'a Heartbeats,
}

/// Starts all jobs.
pub fn start(needs: &Needs<'_>) {
    let Needs { store, links, keys, data_dir, provider, safety, heartbeats } = *needs;
    let threads = Handle::current();
    let closed = store.clone();
    let is_over = move || closed.pool().is_closed();
    let watched = store.watching();
    let watch = move |heartbeat| automatic_rollback::run(watched.clone(), heartbeat);
    heartbeats.supervise(safety.handle(), ("automatic_rollback", WATCH_WITHIN), is_over.clone(), watch);
    let supervise_within = |limit, name, run: Run| {
        heartbeats.supervise(&threads, (name, limit), is_over.clone(), run);
    };
    let supervise = |name, run| supervise_within(RUN_WITHIN, name, run);
    let of = |run: fn(Store, Heartbeat) -> Running| -> Run {
        let store = store.clone();
        Box::new(move |heartbeat| run(store.clone(), heartbeat))
    };
    if let Some(provider) = provider {
        let (store, provider) = (store.clone(), Arc::clone(provider));
        let run = move |heartbeat| -> Running {
            Box::pin(provider_check::run(store.clone(), Arc::clone(&provider), heartbeat))
        };
        supervise_within(ASK_WITHIN, "provider_check", Box::new(run));
    }
    let (announced, links) = (store.clone(), links.clone());
    let announce =
        move |heartbeat| -> Running { Box::pin(announcements::run(announced.clone(), links.clone(), heartbeat)) };
    supervise_within(ASK_WITHIN, "announcements", Box::new(announce));
    supervise_within(
        FOLD_WITHIN,
        "decision_counts",
        of(|store, heartbeat| Box::pin(decision_log::fold(store, heartbeat))),
    );
    let (logged, archive) = (store.clone(), data_dir.join(decision_log::ARCHIVE));
    let keep_days =
        move |heartbeat| -> Running { Box::pin(decision_log::keep_days(logged.clone(), archive.clone(), heartbeat)) };
    supervise_within(DAYS_WITHIN, "decision_days", Box::new(keep_days));
    // Says that the server runs: no report may stand in the way of that.
    let (rotated, keys, data_dir) = (store.identifying(), keys.clone(), data_dir.to_owned());
    let rotate = move |heartbeat| -> Running {
        Box::pin(key_rotation::run(rotated.clone(), keys.clone(), data_dir.clone(), heartbeat))
    };
    supervise("key_rotation", Box::new(rotate));
    supervise("approvals", of(|store, heartbeat| Box::pin(approvals::run(store, heartbeat))));
    supervise("audit_chain", of(|store, heartbeat| Box::pin(audit_chain::run(store, heartbeat))));
    supervise("automatic_promotion", of(|store, heartbeat| Box::pin(automatic_promotion::run(store, heartbeat))));
    supervise("kpi_monitor", of(|store, heartbeat| Box::pin(kpi_monitor::run(store, heartbeat))));
    supervise("refusals", of(|store, heartbeat| Box::pin(refusals::run(store, heartbeat))));
    supervise("serving_check", of(|store, heartbeat| Box::pin(serving_check::run(store, heartbeat))));
    supervise("session_cleanup", of(|store, heartbeat| Box::pin(session_cleanup::run(store, heartbeat))));
}

/// A job that runs.
type Running = Pin<Box<dyn Future<Output = ()> + Send>>;
/// Starts a job, also again.
type Run = Box<dyn Fn(Heartbeat) -> Running + Send>;
