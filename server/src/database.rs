//! The database: the one `DATABASE_URL` names, or a private PostgreSQL in the data directory.

use std::{
    path::Path,
    str::FromStr,
    thread,
    time::{Duration, Instant},
};

use sqlx::postgres::PgConnectOptions;
use store::{
    Hosts,
    postgres::{Condition, Error, Options, Private},
};

use crate::error::CliError;

/// Time limit for another process to start the private server.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Where the database is, and the private server if this process started one. Dropping the value stops that
/// server.
pub struct Database {
    hosts: Hosts,
    /// For the role that owns the tables and migrates them.
    owner: Hosts,
    private: Option<Private>,
}

impl Database {
    /// Opens the database at `url`, or starts the private one below `data_dir`. Blocks until the private one is ready.
    /// `owner_url` names the same database for the role that owns the tables; without it, the role of `url` migrates.
    ///
    /// # Errors
    /// A sentence about what is missing and what to do.
    pub fn open(url: Option<&str>, owner_url: Option<&str>, data_dir: &Path) -> Result<Self, CliError> {
        match Self::given(url, owner_url)? {
            Some(given) => Ok(given),
            None => Self::start(data_dir),
        }
    }

    /// Starts the private PostgreSQL below `data_dir`. Blocks until it is ready.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn start(data_dir: &Path) -> Result<Self, CliError> {
        let started = Private::start(data_dir, &Options::default());
        started.map(Self::private).map_err(|error| CliError::Refused(error.to_string()))
    }

    /// The database that `DATABASE_URL` and `COUNTERSIGN_MIGRATE_URL` name, if they do.
    ///
    /// # Errors
    /// [`CliError::Usage`] when one of them is no address.
    pub fn given(url: Option<&str>, owner_url: Option<&str>) -> Result<Option<Self>, CliError> {
        let (url, owner_url) = (url.filter(|url| !url.is_empty()), owner_url.filter(|url| !url.is_empty()));
        match (url, owner_url) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(CliError::Usage(
                "COUNTERSIGN_MIGRATE_URL is given without DATABASE_URL: name the database for the serving role too"
                    .to_owned(),
            )),
            (Some(url), owner_url) => {
                let hosts = parse("DATABASE_URL", url)?;
                let owner = owner_url.map(|url| parse("COUNTERSIGN_MIGRATE_URL", url)).transpose()?;
                Ok(Some(Self { owner: owner.unwrap_or_else(|| hosts.clone()), hosts, private: None }))
            }
        }
    }

    fn private(private: Private) -> Self {
        Self { hosts: private.options().into(), owner: private.owner_options().into(), private: Some(private) }
    }

    /// Like [`Self::open`], for a command that may run alongside a server: uses the server's private PostgreSQL, and
    /// waits for one that is still starting.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_shared(url: Option<&str>, owner_url: Option<&str>, data_dir: &Path) -> Result<Self, CliError> {
        if let Some(given) = Self::given(url, owner_url)? {
            return Ok(given);
        }
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Some((options, owner)) = Private::running(data_dir) {
                return Ok(Self { hosts: options.into(), owner: owner.into(), private: None });
            }
            match Private::start(data_dir, &Options::default()) {
                Ok(private) => return Ok(Self::private(private)),
                Err(Error::InUse(_)) if Instant::now() < deadline => thread::sleep(Duration::from_millis(100)),
                Err(error) => return Err(CliError::Refused(error.to_string())),
            }
        }
    }

    /// The servers of the database.
    pub fn hosts(&self) -> Hosts {
        self.hosts.clone()
    }

    /// Whether this process runs a private server.
    pub fn is_private(&self) -> bool {
        self.private.is_some()
    }

    /// The condition of the private server, if this process started one.
    pub fn condition(&self) -> Condition {
        self.private.as_ref().map(Private::condition).unwrap_or_default()
    }

    /// The server that takes writes now, for the role that serves.
    ///
    /// # Errors
    /// [`CliError::Unreachable`], with the reason of each server.
    pub async fn writable(&self) -> Result<PgConnectOptions, CliError> {
        writable(&self.hosts).await
    }

    /// The server that takes writes now, for the role that owns the tables.
    ///
    /// # Errors
    /// As [`Self::writable`].
    pub async fn writable_as_owner(&self) -> Result<PgConnectOptions, CliError> {
        writable(&self.owner).await
    }

    /// Shuts the private server down in an orderly way, if this process started it.
    pub fn close(self) {
        if let Some(private) = self.private {
            private.stop();
        }
    }
}

async fn writable(hosts: &Hosts) -> Result<PgConnectOptions, CliError> {
    hosts.writable().await.map_err(|error| match error {
        store::Error::Unavailable(cause) => CliError::Unreachable(cause.to_string()),
        other => other.into(),
    })
}

fn parse(name: &str, url: &str) -> Result<Hosts, CliError> {
    Hosts::from_str(url).map_err(|error| {
        // The address may contain a password, so it is not repeated.
        CliError::Usage(format!("{name} is not an address such as `postgres://user:password@host/name`: {error}"))
    })
}
