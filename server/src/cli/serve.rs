//! `countersign serve`

use std::{io::IsTerminal, net::SocketAddr, process::ExitCode};

use tracing_subscriber::EnvFilter;

use super::storage::{StorageArguments, runtime};
use crate::{
    auth::ProxyNetwork,
    database::Database,
    error::CliError,
    evaluation::Durability,
    mail::{SmtpArguments, SmtpMailer},
    oidc::{OidcArguments, Provider},
    public_url::PublicUrl,
    signing_keys::{self, Use},
    start, unprivileged,
};

/// Run the server.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: countersign serve --demo\n\nLogging is set by RUST_LOG, e.g. RUST_LOG=server=debug.")]
pub struct Arguments {
    /// Address and port to listen on.
    #[arg(long, env = "COUNTERSIGN_ADDR", default_value = "127.0.0.1:3000", value_name = "ADDR:PORT")]
    addr: SocketAddr,
    #[command(flatten)]
    storage: StorageArguments,
    /// Load the example workspace. Its people sign in with one click, so only a loopback address is allowed.
    #[arg(long, env = "COUNTERSIGN_DEMO")]
    demo: bool,
    /// Let the agents of the example ask, wait for approvals and act by themselves.
    #[arg(long, env = "COUNTERSIGN_DEMO_TRAFFIC", requires = "demo")]
    demo_traffic: bool,
    /// Answer /metrics/errors without a token on other than loopback addresses too.
    #[arg(long, env = "COUNTERSIGN_PUBLIC_METRICS")]
    public_metrics: bool,
    /// Address and port of a listener for /metrics alone, which needs no token: for a network that only monitoring reaches.
    #[arg(long, env = "COUNTERSIGN_METRICS_ADDR", value_name = "ADDR:PORT")]
    metrics_addr: Option<SocketAddr>,
    /// Address at which people reach this server, when a proxy stands before it. Links in mail begin with it; with
    /// https cookies travel encrypted only, and metrics need a token or --public-metrics.
    #[arg(long, env = "COUNTERSIGN_PUBLIC_URL", value_name = "URL")]
    public_url: Option<PublicUrl>,
    /// Network of proxies before this server, such as 10.0.0.0/8; may be given several times. Only they are believed about
    /// the address that a request comes from (X-Forwarded-For), which sign-ins are slowed down and recorded by.
    #[arg(long, env = "COUNTERSIGN_TRUSTED_PROXY", value_name = "CIDR", value_delimiter = ',')]
    trusted_proxy: Vec<ProxyNetwork>,
    #[command(flatten)]
    smtp: SmtpArguments,
    #[command(flatten)]
    oidc: OidcArguments,
    /// When a decision is answered: once it is committed, or once it waits in memory to be written with others.
    #[arg(long, env = "COUNTERSIGN_DECISION_LOG", value_enum, default_value_t, value_name = "MODE")]
    decision_log: Durability,
}

/// Runs until the process gets SIGTERM or SIGINT.
pub fn run(arguments: Arguments) -> Result<ExitCode, CliError> {
    log_to_stderr();
    if arguments.demo && !arguments.addr.ip().is_loopback() {
        return Err(CliError::Usage(format!(
            "--demo lets everyone sign in without a password, so it listens on a loopback address only; `{}` is none",
            arguments.addr
        )));
    }
    if let Some(url) = arguments.public_url.as_ref().filter(|url| arguments.demo && !url.is_loopback()) {
        return Err(CliError::Usage(format!(
            "--demo lets everyone sign in without a password, so nobody else may reach this server; `{url}` is no address \
             of this machine alone"
        )));
    }
    if arguments.demo && !arguments.trusted_proxy.is_empty() {
        return Err(CliError::Usage(
            "--demo lets everyone sign in without a password, so no proxy may stand before it: leave --trusted-proxy out"
                .to_owned(),
        ));
    }
    if arguments.smtp.smtp_url.is_some() && arguments.public_url.is_none() && !arguments.addr.ip().is_loopback() {
        return Err(CliError::Usage(
            "links in mail need the address of this server: give --public-url, too".to_owned(),
        ));
    }
    SmtpMailer::new(&arguments.smtp)?;
    let with_provider =
        Provider::new(&arguments.oidc, &PublicUrl::base(arguments.public_url.as_ref(), arguments.addr))?;
    if with_provider.is_some() && arguments.public_url.is_none() && !arguments.addr.ip().is_loopback() {
        return Err(CliError::Usage(
            "the sign-in provider sends browsers back to the address of this server: give --public-url, too".to_owned(),
        ));
    }
    // Mistakes in addresses and keys are reported before anything is started or given away.
    let storage = &arguments.storage;
    let given = Database::given(storage.database_url.as_deref(), storage.migrate_url.as_deref())?;
    let data_dir = storage.directory()?;
    signing_keys::ring(&storage.keys, &data_dir, Use::Sign)?;
    // Bound before the slow parts, so that a busy port is reported at once.
    let listeners = start::Listeners {
        all: start::listen(arguments.addr, "--addr")?,
        metrics: arguments.metrics_addr.map(|address| start::listen(address, "--metrics-addr")).transpose()?,
    };
    unprivileged::go_on(&data_dir)?;
    let runtime = runtime()?;
    let stop = runtime.block_on(async { start::stop_signal() })?;
    let database = given.map_or_else(|| Database::start(&data_dir), Ok)?;
    for host in database.hosts().unencrypted() {
        tracing::warn!("the connection to `{host}` may be without encryption: remove sslmode from DATABASE_URL");
    }
    let keys = runtime.block_on(async {
        let ring = || signing_keys::ring(&storage.keys, &data_dir, Use::Sign);
        let options = database.writable().await?;
        store::key_check::check_before_migration(&options, ring).await?;
        store::migrate(&database.writable_as_owner().await?).await?;
        signing_keys::for_workspace(&storage.keys, &data_dir, &options).await
    });
    let keys = match keys {
        Ok(keys) => keys,
        Err(error) => {
            database.close();
            return Err(error);
        }
    };
    let settings = start::Settings {
        database: database.hosts(),
        private_postgres: database.condition(),
        keys,
        data_dir,
        demo: arguments.demo,
        demo_traffic: arguments.demo_traffic,
        public_metrics: arguments.public_metrics,
        durability: arguments.decision_log,
        public_url: arguments.public_url,
        trusted_proxies: arguments.trusted_proxy,
        smtp: arguments.smtp,
        oidc: arguments.oidc,
    };
    let result = runtime.block_on(start::serve(settings, listeners, stop));
    // Close the connections first, then the database.
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
