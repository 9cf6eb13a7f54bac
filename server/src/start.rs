//! From settings to a running server, and back down.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use axum::{ServiceExt, serve::ListenerExt};
use leptos::config::{Env, LeptosOptions};
use lifecycle::signing::KeyRing;
use sqlx::postgres::PgConnectOptions;
use store::Store;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::{
    assets,
    cli::CliError,
    evaluation::{Durability, EvaluationService},
    http, keeper,
    metrics::Remembered,
    state::AppState,
};

/// How long open requests may take after the server was told to stop.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the last checkpoint of the audit record may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What a server needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How to reach the database.
    pub database: PgConnectOptions,
    /// What records are signed with.
    pub keys: KeyRing,
    /// Where buffers and the demo's credentials are kept.
    pub data_dir: PathBuf,
    /// Whether to serve the example workspace.
    pub demo: bool,
    /// Whether measurements are open on any address.
    pub public_metrics: bool,
    /// When a decision is answered.
    pub durability: Durability,
}

/// Takes the port.
///
/// # Errors
/// A sentence: it is busy, or may not be taken.
pub fn listen(address: SocketAddr) -> Result<TcpListener, CliError> {
    let listener = TcpListener::bind(address).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => CliError::Refused(format!(
            "port {} is in use; choose another with --addr {}:PORT",
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

/// Turns true when the process is told to stop.
///
/// # Errors
/// The system refuses to tell about signals.
pub fn stop_signal() -> Result<watch::Receiver<bool>, CliError> {
    let fail = |error: std::io::Error| CliError::Refused(format!("cannot wait for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(fail)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(fail)?;
    let (told, stop) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        let _ = told.send(true);
        told.closed().await;
    });
    Ok(stop)
}

/// Brings the schema up to date, loads what is live, and answers requests until `stop` turns true.
///
/// # Errors
/// The database cannot be reached or used.
pub async fn serve(settings: Settings, listener: TcpListener, mut stop: watch::Receiver<bool>) -> Result<(), CliError> {
    let address = listener.local_addr().map_err(|error| CliError::Refused(format!("cannot listen: {error}")))?;
    let state = tokio::select! {
        state = prepare(&settings, address) => state?,
        _ = told(&mut stop) => return Ok(()),
    };
    let listener = tokio::net::TcpListener::from_std(listener)
        .map_err(|error| CliError::Refused(format!("cannot listen: {error}")))?;
    let service = http::service(state.clone()).into_make_service_with_connect_info::<SocketAddr>();
    announce(&settings, &state, address).await;

    let mut graceful = stop.clone();
    let stopping = state.stopping.clone();
    // Answers are small and wanted at once.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
    });
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        told(&mut graceful).await;
        stopping.send_replace(true);
    });
    let out_of_patience = async {
        told(&mut stop).await;
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        result = server => result.map_err(|error| CliError::Refused(format!("the server ended: {error}")))?,
        () = out_of_patience => tracing::info!("open requests were cut off"),
    }
    // Nobody asks any more: what was answered ahead of the database is written now.
    if tokio::time::timeout(PATIENCE, state.live.log.drain()).await.is_err() {
        tracing::error!("answered decisions could not be written in time");
    }
    // A database that is away does not hold up the end.
    let _late = tokio::time::timeout(LAST_WORDS, keeper::checkpoint(&state.store, 0)).await;
    state.store.pool().close().await;
    Ok(())
}

async fn told(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody can tell any more, which is as good as being told.
    let _ = stop.wait_for(|told| *told).await;
}

async fn prepare(settings: &Settings, address: SocketAddr) -> Result<AppState, CliError> {
    let store = Store::connect(settings.database.clone(), settings.keys.clone()).await?;
    store.migrate().await?;
    if settings.demo {
        crate::demo::load(&store, &settings.data_dir).await?;
    }
    state(store, settings, address).await
}

/// What requests share.
///
/// # Errors
/// The database cannot be read.
pub async fn state(store: Store, settings: &Settings, address: SocketAddr) -> Result<AppState, CliError> {
    let store = store.with_checkpoint_file(&settings.data_dir.join(keeper::FILE));
    let live = EvaluationService::start(store.clone(), &settings.data_dir, settings.durability).await?;
    keeper::start(store.clone());
    let loopback = address.ip().is_loopback();
    Ok(AppState {
        store,
        live,
        demo: settings.demo,
        figures: Remembered::default(),
        open_metrics: settings.public_metrics || loopback,
        plain_http: loopback,
        stopping: Arc::new(watch::channel(false).0),
        leptos: leptos_options(address),
    })
}

/// Nothing is read from the environment or `Cargo.toml` at run time.
fn leptos_options(address: SocketAddr) -> LeptosOptions {
    LeptosOptions::builder().output_name("countersign").site_pkg_dir("pkg").site_addr(address).env(Env::PROD).build()
}

/// The last lines of the start: where it is and how to sign in.
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
    } else if nobody_yet(&state.store).await {
        println!(
            "Nobody can sign in yet. Add the first person with: countersign user add you@example.com --role admin"
        );
    } else {
        println!("Sign in with your email and password.");
    }
}

async fn nobody_yet(store: &Store) -> bool {
    store::people::list(store, &crate::cli::administrator()).await.is_ok_and(|people| people.is_empty())
}
