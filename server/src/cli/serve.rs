//! `countersign serve`

use std::{io::IsTerminal, net::SocketAddr, path::PathBuf, process::ExitCode};

use tracing_subscriber::EnvFilter;

use super::{CliError, runtime};
use crate::{database::Database, evaluation::Durability, keys, start};

/// Where the data is and which database to use; the same for all commands that need it.
#[derive(Debug, Clone, clap::Args)]
pub struct Place {
    /// Directory for the private database, keys and buffers [default: $XDG_DATA_HOME/countersign or
    /// ~/.local/share/countersign, for root /var/lib/countersign].
    #[arg(long, env = "COUNTERSIGN_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Database to use, such as `postgres://user:password@host/name`. Without it a private PostgreSQL is run in the
    /// data directory.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,
    #[command(flatten)]
    pub keys: keys::Given,
}

impl Place {
    /// The data directory, made if need be.
    pub fn directory(&self) -> Result<PathBuf, CliError> {
        let directory = match &self.data_dir {
            Some(given) => given.clone(),
            None => Self::default_directory()?,
        };
        make_writable(&directory).map_err(|error| {
            let shown = directory.display();
            CliError::Usage(format!(
                "cannot write to the data directory `{shown}`: {error}; choose another with --data-dir"
            ))
        })?;
        directory.canonicalize().map_err(|error| {
            CliError::Usage(format!("cannot open the data directory `{}`: {error}", directory.display()))
        })
    }

    /// Where data is kept when nobody says.
    pub fn default_directory() -> Result<PathBuf, CliError> {
        if rustix::process::geteuid().is_root() {
            return Ok(PathBuf::from("/var/lib/countersign"));
        }
        let below = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        below("XDG_DATA_HOME")
            .or_else(|| below("HOME").map(|home| home.join(".local/share")))
            .map(|base| base.join("countersign"))
            .ok_or_else(|| {
                CliError::Usage("there is no HOME to keep data in; name a directory with --data-dir".to_owned())
            })
    }
}

fn make_writable(directory: &std::path::Path) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let probe = directory.join(format!(".writable-{}", std::process::id()));
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(probe)
}

/// Run the server.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: countersign serve --demo\n\nLogging is set by RUST_LOG, e.g. RUST_LOG=server=debug.")]
pub struct Arguments {
    /// Address and port to listen on.
    #[arg(long, env = "COUNTERSIGN_ADDR", default_value = "127.0.0.1:3000", value_name = "ADDR:PORT")]
    addr: SocketAddr,
    #[command(flatten)]
    place: Place,
    /// Load the example workspace. Its people sign in with one click, so only a loopback address is allowed.
    #[arg(long, env = "COUNTERSIGN_DEMO")]
    demo: bool,
    /// Answer /metrics/errors without a token on other than loopback addresses too.
    #[arg(long, env = "COUNTERSIGN_PUBLIC_METRICS")]
    public_metrics: bool,
    /// When a decision is answered: once it is committed, or once it waits in memory to be written with others.
    #[arg(long, env = "COUNTERSIGN_DECISION_LOG", value_enum, default_value_t, value_name = "MODE")]
    decision_log: Durability,
}

/// Runs until it is told to stop (SIGTERM, SIGINT).
pub fn run(arguments: Arguments) -> Result<ExitCode, CliError> {
    log_to_stderr();
    if arguments.demo && !arguments.addr.ip().is_loopback() {
        return Err(CliError::Usage(format!(
            "--demo lets anybody sign in as anybody, so it listens on a loopback address only; `{}` is none",
            arguments.addr
        )));
    }
    let data_dir = arguments.place.directory()?;
    // Taken before the slow parts, so that a busy port is said at once.
    let listener = start::listen(arguments.addr)?;
    let keys = keys::ring(&arguments.place.keys, &data_dir)?;
    let runtime = runtime()?;
    let stop = runtime.block_on(async { start::stop_signal() })?;
    let database = Database::open(arguments.place.database_url.as_deref(), &data_dir)?;
    let settings = start::Settings {
        database: database.options(),
        keys,
        data_dir,
        demo: arguments.demo,
        public_metrics: arguments.public_metrics,
        durability: arguments.decision_log,
    };
    let result = runtime.block_on(start::serve(settings, listener, stop));
    // Connections close first, the database after them.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    database.close();
    result.map(|()| ExitCode::SUCCESS)
}

fn log_to_stderr() {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,server=info,store=info,sqlx=error"));
    // A second attempt (in tests) changes nothing.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init();
}
