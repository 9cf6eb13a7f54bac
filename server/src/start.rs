//! Starting a server from its settings, and shutting it down.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use app::account_links::{AccountLinks, Mailer};
use leptos::config::{Env, LeptosOptions};
use lifecycle::{
    problem::Code,
    signing::{Key, KeyRing},
};
use store::{Hosts, Store, key_rotation::Announced, postgres::Condition};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::{
    auth::{ProxyNetwork, TrustedProxies, local_administrator},
    connections, demo_traffic,
    error::CliError,
    evaluation::{Durability, EvaluationService},
    heartbeats::Heartbeats,
    http::{
        self,
        routes::{approvals, assets, health::OWNS_TABLES},
    },
    jobs,
    live_events::LiveEvents,
    mail::{SmtpArguments, SmtpMailer},
    metrics_cache::MetricsCache,
    oidc::{OidcArguments, Provider},
    open_places::OpenPlaces,
    public_url::PublicUrl,
    state::AppState,
};

/// Time limit for open requests once the server is asked to stop.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Time limit for closing the connections to the database.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Time limit for the last checkpoint of the audit record.
const CHECKPOINT_TIMEOUT: Duration = Duration::from_secs(2);

/// The settings of a server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The servers of the database.
    pub database: Hosts,
    /// The condition of the private server of the database, if this process runs one.
    pub private_postgres: Condition,
    /// The keys that records are signed with.
    pub keys: KeyRing,
    /// Whether agents of the example workspace ask and act by themselves.
    pub demo_traffic: bool,
    /// The directory for buffers and the credentials of the demo.
    pub data_dir: PathBuf,
    /// Whether to serve the example workspace.
    pub demo: bool,
    /// Whether metrics need no token on any address.
    pub public_metrics: bool,
    /// The moment at which a decision is answered.
    pub durability: Durability,
    /// The address at which people reach the server, when it is not the one it listens on.
    pub public_url: Option<PublicUrl>,
    /// The networks of the proxies that are believed about who asked them.
    pub trusted_proxies: Vec<ProxyNetwork>,
    /// The mail server.
    pub smtp: SmtpArguments,
    /// The sign-in provider.
    pub oidc: OidcArguments,
}

/// Where requests come in.
#[derive(Debug)]
pub struct Listeners {
    /// For everything.
    pub all: TcpListener,
    /// For `/metrics` alone, which needs no token there.
    pub metrics: Option<TcpListener>,
}

/// Binds the port that `flag` names.
///
/// # Errors
/// [`CliError::Refused`] when the port is in use or may not be bound.
pub fn listen(address: SocketAddr, flag: &str) -> Result<TcpListener, CliError> {
    let listener = TcpListener::bind(address).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => CliError::Refused(format!(
            "port {} is in use; choose another with {flag} {}:PORT",
            address.port(),
            address.ip()
        )),
        _ => CliError::Refused(format!("cannot listen on {address}: {error}")),
    })?;
    listener
        .set_nonblocking(true)
        .map_err(|error| CliError::Refused(format!("cannot listen on {address}: {error}")))?;
    Ok(listener)
}

/// Turns true when the process gets SIGTERM or SIGINT.
///
/// # Errors
/// [`CliError::Refused`] when signals cannot be received.
pub fn stop_signal() -> Result<watch::Receiver<bool>, CliError> {
    let fail = |error: std::io::Error| CliError::Refused(format!("cannot wait for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(fail)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(fail)?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        let _ = stop.send(true);
        stop.closed().await;
    });
    Ok(stopped)
}

/// Migrates the database, loads the bundles in service, and answers requests until `stop` turns true.
///
/// # Errors
/// The database cannot be reached or used.
pub async fn serve(settings: Settings, listeners: Listeners, mut stop: watch::Receiver<bool>) -> Result<(), CliError> {
    let cannot_listen = |error: std::io::Error| CliError::Refused(format!("cannot listen: {error}"));
    let address = listeners.all.local_addr().map_err(cannot_listen)?;
    let state = tokio::select! {
        state = prepare(&settings, address) => state?,
        _ = stopped(&mut stop) => return Ok(()),
    };
    let listener = tokio::net::TcpListener::from_std(listeners.all).map_err(cannot_listen)?;
    let service = http::service(state.clone());
    if state.owns_tables {
        tracing::warn!("{OWNS_TABLES}");
    }
    announce(&settings, &state, address).await;
    if settings.demo_traffic {
        demo_traffic::start(&state, &settings.data_dir);
    }
    if let Some(listener) = listeners.metrics {
        let listener = tokio::net::TcpListener::from_std(listener).map_err(cannot_listen)?;
        println!("Metrics are at http://{}/metrics", listener.local_addr().map_err(cannot_listen)?);
        tokio::spawn(connections::serve(listener, http::metrics_service(state.clone()), stop.clone(), Duration::ZERO));
    }

    // Endless streams end when the server stops; they would hold it up.
    let (stopping, mut signal) = (state.stopping.clone(), stop.clone());
    tokio::spawn(async move {
        stopped(&mut signal).await;
        stopping.send_replace(true);
    });
    if !connections::serve(listener, service, stop, SHUTDOWN_TIMEOUT).await {
        tracing::info!("open requests were cut off");
    }
    // No request is answered any more: decisions that were answered before they were committed are written now.
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, state.live.log.drain()).await.is_err() {
        tracing::error!("answered decisions could not be written in time");
    }
    // An unreachable database must not delay the shutdown.
    let _late = tokio::time::timeout(CHECKPOINT_TIMEOUT, store::key_rotation::leave(&state.store)).await;
    let last = async {
        jobs::write_refusals(&state.store).await;
        jobs::checkpoint(&state.store, 0).await;
    };
    let _late = tokio::time::timeout(CHECKPOINT_TIMEOUT, last).await;
    // A statement under way holds its connection; the process ends all the same.
    if tokio::time::timeout(CLOSE_TIMEOUT, state.store.close()).await.is_err() {
        tracing::info!("statements under way were cut off");
    }
    Ok(())
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is as good as a signal.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn prepare(settings: &Settings, address: SocketAddr) -> Result<AppState, CliError> {
    let store = Store::connect(settings.database.clone(), settings.keys.clone()).await?;
    start_with_keys(&store, &settings.keys).await?;
    if settings.demo {
        crate::demo::load(&store, &settings.data_dir).await?;
    } else {
        store::demo::refuse_people(&store).await?;
    }
    state(store, settings, address).await
}

/// Refuses to run without the workspace's key. A key that is new here signs once every running server has it.
async fn start_with_keys(store: &Store, ring: &KeyRing) -> Result<(), CliError> {
    store::key_rotation::beat(store, &jobs::host(), ring.clone()).await?;
    match store::key_rotation::announce(store, &jobs::servers(), ring).await {
        Ok(Announced::InUse) => {}
        Ok(Announced::Waiting(servers)) => tracing::warn!(
            key = ring.current.id,
            servers = servers.join(", "),
            "the new signing key signs once these servers have it too"
        ),
        // The key that signs was found above: the workspace goes on with that one.
        Err(store::Error::Refused(problem)) if problem.code == Code::Conflict => {
            tracing::warn!(detail = problem.detail, "HMAC_SECRET is not the key that signs");
        }
        Err(error) => return Err(error.into()),
    }
    let signs = &store.keys().current;
    if signs.secret_bytes() < Key::MIN_SECRET_BYTES {
        tracing::warn!(
            key = signs.id,
            bytes = signs.secret_bytes(),
            "the key that signs can be guessed; it is replaced once every server has the new one"
        );
    }
    Ok(())
}

/// The state that requests share; starts the evaluation service and the jobs.
///
/// # Errors
/// The database cannot be read.
pub async fn state(store: Store, settings: &Settings, address: SocketAddr) -> Result<AppState, CliError> {
    let store = store.with_checkpoint_file(&settings.data_dir.join(jobs::CHECKPOINT_FILE));
    let heartbeats = Heartbeats::default();
    let live = EvaluationService::start(store.clone(), &settings.data_dir, settings.durability, &heartbeats).await?;
    let base = PublicUrl::base(settings.public_url.as_ref(), address);
    let provider = Provider::new(&settings.oidc, &base)?.map(Arc::new);
    let owns_tables = store.owns_tables().await?;
    // Behind a proxy every caller comes from a loopback address.
    let behind_proxy = settings.public_url.is_some() || !settings.trusted_proxies.is_empty();
    let loopback = address.ip().is_loopback() && !behind_proxy;
    let https = settings.public_url.as_ref().is_some_and(PublicUrl::is_https);
    let mailer = SmtpMailer::new(&settings.smtp)?.map(|mailer| Arc::new(mailer) as Arc<dyn Mailer>);
    let links = AccountLinks::new(&base, mailer);
    jobs::start(&jobs::Needs {
        store: &store,
        links: &links,
        keys: &settings.keys,
        data_dir: &settings.data_dir,
        provider: provider.as_ref(),
        safety: &live.safety,
        heartbeats: &heartbeats,
    });
    Ok(AppState {
        store,
        heartbeats,
        writable: Default::default(),
        events: LiveEvents::default(),
        approval_polls: OpenPlaces::new(approvals::POLLS, "polls"),
        limits: live.limits.clone(),
        owns_tables,
        private_postgres: settings.private_postgres.clone(),
        live,
        links,
        provider,
        demo: settings.demo,
        metrics: MetricsCache::default(),
        open_metrics: settings.public_metrics || loopback,
        plain_http: address.ip().is_loopback() && !https,
        trusted_proxies: TrustedProxies::new(&settings.trusted_proxies),
        stopping: Arc::new(watch::channel(false).0),
        leptos: leptos_options(address),
    })
}

/// Set in code, so that nothing is read from the environment or `Cargo.toml` at run time.
fn leptos_options(address: SocketAddr) -> LeptosOptions {
    LeptosOptions::builder().output_name("countersign").site_pkg_dir("pkg").site_addr(address).env(Env::PROD).build()
}

/// Prints the server's address and how to sign in.
async fn announce(settings: &Settings, state: &AppState, address: SocketAddr) {
    if !assets::present() {
        tracing::warn!("this build has no styles and scripts inside; `make build` makes one that has");
    }
    println!("Countersign is ready at http://{address}");
    if settings.demo {
        let credentials = settings.data_dir.join(crate::demo::FILE);
        println!(
            "Sign in with one click as any of the demo people; their passwords and tokens are in {}",
            credentials.display()
        );
    } else if has_no_people(&state.store).await {
        println!(
            "Nobody can sign in yet. Add the first person with: countersign user add you@example.com --role admin"
        );
    } else {
        println!("Sign in with your email and password.");
    }
}

async fn has_no_people(store: &Store) -> bool {
    store::people::list(store, &local_administrator()).await.is_ok_and(|people| people.is_empty())
}
