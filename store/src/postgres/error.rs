//! Why a private PostgreSQL could not be started. Every message says where the problem is, and what to do.

use std::{io, path::PathBuf};

/// Why a private PostgreSQL could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No server programs are installed.
    #[error(
        "PostgreSQL is not installed: no `initdb` and `postgres` were found in {searched}. Install it (Debian: `apt-get \
         install postgresql`), set COUNTERSIGN_PG_BIN to the folder of its programs, or set DATABASE_URL to use another server"
    )]
    NotInstalled {
        /// The folders that were searched.
        searched: String,
    },
    /// The data was written by another major version.
    #[error(
        "the data in `{}` was made by PostgreSQL {wanted}, but only {found} is installed: install PostgreSQL {wanted}. With \
         both installed, `countersign db upgrade` moves the data to the newer one",
        .cluster.display()
    )]
    WrongVersion {
        /// The data directory.
        cluster: PathBuf,
        /// The major version that created the data.
        wanted: u32,
        /// The major versions that are installed.
        found: String,
    },
    /// No program of PostgreSQL's client is new enough.
    #[error(
        "the database is a PostgreSQL {wanted}, which needs `{program}` of PostgreSQL {wanted} or newer{}: install it \
         (Debian: `apt-get install postgresql-client-{wanted}`), or set COUNTERSIGN_PG_BIN to the folder it is in",
        installed(.found)
    )]
    NoClient {
        /// The program.
        program: &'static str,
        /// The major version of the server.
        wanted: u32,
        /// The major versions that are installed.
        found: Vec<u32>,
    },
    /// PostgreSQL refuses to run as root and no other account can be used.
    #[error(
        "PostgreSQL does not run as root, and there is no account `countersign`, `postgres` or `nobody` to run it as: add one, or start as another user"
    )]
    NoAccount,
    /// Another Countersign process uses the same data.
    #[error("`{}` is in use by another Countersign: stop it, or choose another data directory", .0.display())]
    InUse(PathBuf),
    /// A file or folder could not be used.
    #[error("cannot {action} `{}`: {source}", .path.display())]
    Io {
        /// The action that was attempted.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A program of PostgreSQL failed.
    #[error("`{program}` failed: {output}")]
    Failed {
        /// The program.
        program: &'static str,
        /// The end of the program's output.
        output: String,
    },
    /// The server exited, or did not become ready in time.
    #[error("PostgreSQL did not start; the end of `{}` says: {tail}", .log.display())]
    NotStarted {
        /// The server's log.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// There is no data to move to another version.
    #[error("there is no private PostgreSQL in `{}`: nothing is to be upgraded", .0.display())]
    NothingThere(PathBuf),
    /// The data is that of the newest version installed.
    #[error("the data in `{}` is that of PostgreSQL {major}, the newest installed: install a newer one first", .cluster.display())]
    IsNewest {
        /// The data directory.
        cluster: PathBuf,
        /// Its major version.
        major: u32,
    },
    /// An upgrade was cut off between two steps.
    #[error("an upgrade was cut off: `{}` is missing, and `{}` has the data. Rename it to go on", .cluster.display(), .found.display())]
    CutOff {
        /// Where the data belongs.
        cluster: PathBuf,
        /// Where the data is.
        found: PathBuf,
    },
    /// An earlier server on this data does not stop.
    #[error("an earlier PostgreSQL (process {pid}) still runs on `{}` and does not stop: end it, then start again", .cluster.display())]
    StillRunning {
        /// The server's process id.
        pid: i32,
        /// The data directory.
        cluster: PathBuf,
    },
}

impl Error {
    /// An I/O error with the attempted action and its path.
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

/// What is installed instead, for a sentence.
fn installed(found: &[u32]) -> String {
    if found.is_empty() {
        return String::new();
    }
    let versions = found.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    format!("; only {versions} is installed")
}
