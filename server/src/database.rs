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
    private: Option<Private>,
}

impl Database {
    /// Opens the database at `url`, or starts the private one below `data_dir`. Blocks until the private one is ready.
    ///
    /// # Errors
    /// A sentence about what is missing and what to do.
    pub fn open(url: Option<&str>, data_dir: &Path) -> Result<Self, CliError> {
        match url.filter(|url| !url.is_empty()) {
            Some(url) => Ok(Self { options: parse(url)?, private: None }),
            None => {
                let private = Private::start(data_dir, &Options::default())
                    .map_err(|error| CliError::Refused(error.to_string()))?;
                Ok(Self { options: private.options(), private: Some(private) })
            }
        }
    }

    /// Like [`Self::open`], for a command that may run alongside a server: uses the server's private PostgreSQL, and
    /// waits for one that is still starting.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_shared(url: Option<&str>, data_dir: &Path) -> Result<Self, CliError> {
        if url.is_some_and(|url| !url.is_empty()) {
            return Self::open(url, data_dir);
        }
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Some(options) = Private::running(data_dir) {
                return Ok(Self { options, private: None });
            }
            match Private::start(data_dir, &Options::default()) {
                Ok(private) => return Ok(Self { options: private.options(), private: Some(private) }),
                Err(Error::InUse(_)) if Instant::now() < deadline => thread::sleep(Duration::from_millis(100)),
                Err(error) => return Err(CliError::Refused(error.to_string())),
            }
        }
    }

    /// The options for connecting to the database.
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Shuts the private server down in an orderly way, if this process started it.
    pub fn close(self) {
        if let Some(private) = self.private {
            private.stop();
        }
    }
}

fn parse(url: &str) -> Result<PgConnectOptions, CliError> {
    PgConnectOptions::from_str(url).map_err(|error| {
        // The address may contain a password, so it is not repeated.
        CliError::Usage(format!("DATABASE_URL is not an address such as `postgres://user:password@host/name`: {error}"))
    })
}
