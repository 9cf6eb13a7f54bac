//! The database to work on: the one `DATABASE_URL` names, or a private PostgreSQL in the data directory.

use std::{
    path::Path,
    str::FromStr,
    thread,
    time::{Duration, Instant},
};

use sqlx::postgres::PgConnectOptions;
use store::postgres::{Error, Options, Private};

use crate::cli::CliError;

/// How long another process may take to start the private server.
const STARTING: Duration = Duration::from_secs(20);

/// How to connect, and the private server when there is one. Dropping it stops that server.
pub struct Database {
    options: PgConnectOptions,
    private: Option<Private>,
}

impl Database {
    /// Opens the database at `url`, or starts the private one below `data_dir`. Blocks until it answers.
    ///
    /// # Errors
    /// One sentence that says what is missing and what to do.
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

    /// The same for a command that may run beside a server: a private PostgreSQL that is running already is used, also
    /// one that is just starting.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_beside(url: Option<&str>, data_dir: &Path) -> Result<Self, CliError> {
        if url.is_some_and(|url| !url.is_empty()) {
            return Self::open(url, data_dir);
        }
        let deadline = Instant::now() + STARTING;
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

    /// How to connect.
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Stops the private server in an orderly way, if there is one.
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
