//! The data directory and the database, for commands that work on them without a server.

use std::path::{Path, PathBuf};

use lifecycle::signing::Key;
use sqlx::postgres::PgConnectOptions;
use store::Store;

use crate::{
    database::Database,
    error::CliError,
    signing_keys::{self, SigningKeyArguments, Use},
};

/// Location of the data, and the database to use. Flattened into every command that needs them.
#[derive(Debug, Clone, clap::Args)]
pub struct StorageArguments {
    /// Directory for the private database, keys and buffers [default: $XDG_DATA_HOME/countersign or
    /// ~/.local/share/countersign, for root /var/lib/countersign].
    #[arg(long, env = "COUNTERSIGN_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Database to use, such as `postgres://user:password@host/name`. Without it a private PostgreSQL is run in the
    /// data directory.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// The same database for the role that owns the tables and may change the schema. Without it, the role of
    /// DATABASE_URL does that.
    #[arg(long, env = "COUNTERSIGN_MIGRATE_URL", hide_env_values = true, value_name = "URL")]
    pub migrate_url: Option<String>,
    #[command(flatten)]
    pub keys: SigningKeyArguments,
}

impl StorageArguments {
    /// The data directory, created if it is missing.
    ///
    /// # Errors
    /// [`CliError::Usage`] when there is no directory to which this process can write.
    pub fn directory(&self) -> Result<PathBuf, CliError> {
        let directory = self.wanted_directory()?;
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

    /// The data directory, which may not exist yet.
    ///
    /// # Errors
    /// [`CliError::Usage`] when none is given and there is no home directory.
    pub fn wanted_directory(&self) -> Result<PathBuf, CliError> {
        self.data_dir.clone().map_or_else(default_directory, Ok)
    }

    /// Runs `work` on the database, which is migrated first; only if this process holds the key that signs, and that key
    /// is long enough.
    ///
    /// # Errors
    /// The database cannot be reached or used, or `work` fails.
    pub fn with_store<T, E: Into<CliError>>(
        &self,
        work: impl AsyncFnOnce(Store) -> Result<T, E>,
    ) -> Result<T, CliError> {
        self.with_key(Length::Enough, async |store, _| work(store).await)
    }

    /// As [`Self::with_any_key`]; `work` also gets the way to the database for the role that owns the tables.
    ///
    /// # Errors
    /// As [`Self::with_store`].
    pub fn with_owner<T, E: Into<CliError>>(
        &self,
        work: impl AsyncFnOnce(Store, PgConnectOptions) -> Result<T, E>,
    ) -> Result<T, CliError> {
        self.with_key(Length::Any, work)
    }

    /// As [`Self::with_store`], also with a key that is too short: to replace it.
    ///
    /// # Errors
    /// As [`Self::with_store`].
    pub fn with_any_key<T, E: Into<CliError>>(
        &self,
        work: impl AsyncFnOnce(Store) -> Result<T, E>,
    ) -> Result<T, CliError> {
        self.with_key(Length::Any, async |store, _| work(store).await)
    }

    fn with_key<T, E: Into<CliError>>(
        &self,
        allowed: Length,
        work: impl AsyncFnOnce(Store, PgConnectOptions) -> Result<T, E>,
    ) -> Result<T, CliError> {
        let data_dir = self.directory()?;
        let database = Database::open_shared(self.database_url.as_deref(), self.migrate_url.as_deref(), &data_dir)?;
        let result = runtime()?.block_on(async {
            let ring = || signing_keys::ring(&self.keys, &data_dir, Use::Sign);
            let options = database.writable().await?;
            store::key_check::check_before_migration(&options, ring).await?;
            let owner = database.writable_as_owner().await?;
            store::migrate(&owner).await?;
            let keys = signing_keys::for_workspace(&self.keys, &data_dir, &options).await?;
            let store = Store::connect(database.hosts(), keys).await?;
            store::key_check::check(&store).await?;
            if allowed == Length::Enough {
                refuse_short(&store.keys().current)?;
            }
            let result = work(store.clone(), owner).await.map_err(Into::into);
            store.close().await;
            result
        });
        database.close();
        result
    }
}

/// How long the key that signs has to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    /// As long as a key that signs needs to be.
    Enough,
    /// It may be too short: it is about to be replaced.
    Any,
}

/// Refuses to sign with a key of an earlier release that can be guessed.
fn refuse_short(key: &Key) -> Result<(), CliError> {
    if key.secret_bytes() >= Key::MIN_SECRET_BYTES {
        return Ok(());
    }
    Err(CliError::Refused(format!(
        "this workspace is signed with the key `{}`, which has {} bytes, and a key that signs needs at least {}. Give a new \
         one as HMAC_SECRET and this one as HMAC_PREVIOUS={}:SECRET, then run `countersign keys rotate`",
        key.id,
        key.secret_bytes(),
        Key::MIN_SECRET_BYTES,
        key.id
    )))
}

/// The data directory when none is given.
///
/// # Errors
/// [`CliError::Usage`] when there is no home directory either.
pub fn default_directory() -> Result<PathBuf, CliError> {
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/countersign"));
    }
    let below = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    below("XDG_DATA_HOME")
        .or_else(|| below("HOME").map(|home| home.join(".local/share")))
        .map(|base| base.join("countersign"))
        .ok_or_else(|| CliError::Usage("there is no HOME to keep data in; name a directory with --data-dir".to_owned()))
}

fn make_writable(directory: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let probe = directory.join(format!(".writable-{}", std::process::id()));
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(probe)
}

/// The runtime for the server, and for commands that need the database.
///
/// # Errors
/// [`CliError::Refused`] when the system cannot start threads.
pub fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Refused(format!("the system gives no threads to work with: {error}")))
}
