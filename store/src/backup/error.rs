//! Why a backup was not written or not brought back.

use std::{io, path::PathBuf};

use crate::{Error, postgres};

/// Why a backup was not written or not brought back. Every message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is a file already.
    #[error("`{}` exists already: a backup never overwrites a file; choose another name", .0.display())]
    Exists(PathBuf),
    /// A file could not be used.
    #[error("cannot {action} `{}`: {source}", .path.display())]
    Io {
        /// The action that was attempted.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A program of PostgreSQL failed.
    #[error("`{program}` failed: {output}")]
    Program {
        /// The program.
        program: &'static str,
        /// The end of its output.
        output: String,
    },
    /// The file is no backup, or not the one that was written.
    #[error("`{}` cannot be used: {why}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The place to restore to is in use.
    #[error("{0}")]
    NotEmpty(String),
    /// The server lacks roles that have rights in the backup; with the statements that make them.
    #[error(
        "the database in the backup gives rights to roles that this PostgreSQL does not have: make them (`{}`, with `login` \
         for those that sign in), then restore",
        .0.join("; ")
    )]
    MissingRoles(Vec<String>),
    /// What was written is not what was read.
    #[error("the copy differs from the original: {0}. The original was not changed")]
    Differs(String),
    /// The private PostgreSQL could not be run.
    #[error(transparent)]
    Postgres(#[from] postgres::Error),
    /// The database failed, or refused.
    #[error(transparent)]
    Store(#[from] Error),
}

impl BackupError {
    /// An I/O error with the attempted action and its path.
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
