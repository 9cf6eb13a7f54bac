//! The database: the one `DATABASE_URL` names, or a private PostgreSQL in the data directory.

use std::{
    path::Path,
    str::FromStr,
    thread,
    time::{Duration, Instant},
};

use sqlx::postgres::PgConnectOptions;
use store::postgres::{Error, Options, Private};

use crate::error::CliError;

/// Time limit for another process to start the private server.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// The options for connecting, and the private server if this process started one. Dropping the value stops that
/// server.
pub struct Database {
    options: PgConnectOptions,
    /// For the role that owns the tables and migrates them.
    owner: PgConnectOptions,
    private: Option<Private>,
}

impl Database {
    /// Opens the database at `url`, or starts the private one below `data_dir`. Blocks until the private one is ready.
    /// `owner_url` names the same database for the role that owns the tables; without it, the role of `url` migrates.
    ///
    /// # Errors
    /// A sentence about what is missing and what to do.
    pub fn open(url: Option<&str>, owner_url: Option<&str>, data_dir: &Path) -> Result<Self, CliError> {
        match given(url, owner_url)? {
            Some(given) => Ok(given),
            None => Private::start(data_dir, &Options::default())
                .map(Self::private)
                .map_err(|error| CliError::Refused(error.to_string())),
        }
    }

    fn private(private: Private) -> Self {
        Self { options: private.options(), owner: private.owner_options(), private: Some(private) }
    }

    /// Like [`Self::open`], for a command that may run alongside a server: uses the server's private PostgreSQL, and
    /// waits for one that is still starting.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_shared(url: Option<&str>, owner_url: Option<&str>, data_dir: &Path) -> Result<Self, CliError> {
        if let Some(given) = given(url, owner_url)? {
            return Ok(given);
        }
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Some((options, owner)) = Private::running(data_dir) {
                return Ok(Self { options, owner, private: None });
            }
            match Private::start(data_dir, &Options::default()) {
                Ok(private) => return Ok(Self::private(private)),
                Err(Error::InUse(_)) if Instant::now() < deadline => thread::sleep(Duration::from_millis(100)),
                Err(error) => return Err(CliError::Refused(error.to_string())),
            }
        }
    }

    /// The options for connecting to the database.
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// The options for connecting as the role that owns the tables.
    pub fn owner_options(&self) -> PgConnectOptions {
        self.owner.clone()
    }

    /// Shuts the private server down in an orderly way, if this process started it.
    pub fn close(self) {
        if let Some(private) = self.private {
            private.stop();
        }
    }
}

/// The database that `DATABASE_URL` and `COUNTERSIGN_MIGRATE_URL` name.
fn given(url: Option<&str>, owner_url: Option<&str>) -> Result<Option<Database>, CliError> {
    let (url, owner_url) = (url.filter(|url| !url.is_empty()), owner_url.filter(|url| !url.is_empty()));
    match (url, owner_url) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(CliError::Usage(
            "COUNTERSIGN_MIGRATE_URL is given without DATABASE_URL: name the database for the serving role too"
                .to_owned(),
        )),
        (Some(url), owner_url) => {
            let options = parse("DATABASE_URL", url)?;
            let owner = owner_url.map(|url| parse("COUNTERSIGN_MIGRATE_URL", url)).transpose()?;
            Ok(Some(Database { owner: owner.unwrap_or_else(|| options.clone()), options, private: None }))
        }
    }
}

fn parse(name: &str, url: &str) -> Result<PgConnectOptions, CliError> {
    PgConnectOptions::from_str(url).map_err(|error| {
        // The address may contain a password, so it is not repeated.
        CliError::Usage(format!("{name} is not an address such as `postgres://user:password@host/name`: {error}"))
    })
}
