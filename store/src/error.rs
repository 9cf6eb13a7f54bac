//! Why a use case failed. What a caller may know becomes a [`Problem`]; the rest is for the log.

use lifecycle::{
    authority::{Denied, Role},
    problem::{Code, Problem},
    signing::SignatureError,
};
use serde_json::Value;

/// The result of every use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The use case was refused for a reason the caller can do something about.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The actor's roles do not allow the use case.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The database cannot be reached or used; trying again later may work.
    #[error("the database cannot be used: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// The database refused something it should not have refused.
    #[error("database: {0}")]
    Database(#[source] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the schema could not be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// Something stored cannot be read back.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
    /// Something failed for no fault of the caller.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// Whether the database cannot be used, so that the same call may work later.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Whether what was asked for does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(problem) if problem.code == Code::NotFound)
    }

    /// Whether the content of the call is at fault, so that the same call cannot work later either: the database
    /// refuses such a value or row, or the content could not be encoded or decoded. Every other failure may be
    /// temporary.
    pub fn is_about_content(&self) -> bool {
        match self {
            // Class 22: data. 23: constraints. 54: something is larger or deeper than the database's limits.
            Self::Database(sqlx::Error::Database(error)) => error
                .code()
                .is_some_and(|code| code.starts_with("22") || code.starts_with("23") || code.starts_with("54")),
            Self::Database(sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. })
            | Self::Damaged(_)
            | Self::Internal(_) => true,
            Self::Database(_) | Self::Refused(_) | Self::Denied(_) | Self::Unavailable(_) | Self::Migration(_) => false,
        }
    }

    /// A refusal with code `code` and a sentence for a person.
    pub(crate) fn refused(code: Code, detail: impl Into<String>) -> Self {
        Problem::new(code, detail).into()
    }

    /// The failure of a statement that stores what only one row may have: the refusal with `code` and `detail` when
    /// another row has it.
    pub(crate) fn taken(error: sqlx::Error, code: Code, detail: &str) -> Self {
        if is_repetition(&error) { Self::refused(code, detail) } else { error.into() }
    }

    /// The refusal when nothing of the kind `what` has this id.
    pub(crate) fn not_found(what: &str, id: impl std::fmt::Display) -> Self {
        Self::refused(Code::NotFound, format!("there is no {what} `{id}`"))
    }

    /// The refusal to decide on a proposal that has this status already.
    pub(crate) fn decided(status: &str) -> Self {
        let detail = format!("this proposal is `{status}`: it waits for no decision");
        Problem::new(Code::InvalidTransition, detail).with("from", status).into()
    }

    /// The refusal to rely on `what`, whose signature does not verify: `unknown_key` with the key's id when the key is
    /// missing, which is no sign of tampering; `conflict` otherwise.
    pub(crate) fn not_verified(what: &str, refusal: &SignatureError) -> Self {
        match refusal.unknown_key() {
            Some(id) => {
                let detail = format!("{what} cannot be verified: {refusal}");
                Problem::new(Code::UnknownKey, detail).with("key_id", id).into()
            }
            None => Self::refused(Code::Conflict, format!("{what} was refused: {refusal}")),
        }
    }

    /// A stored value that cannot be read back.
    pub(crate) fn damaged(what: impl std::fmt::Display) -> Self {
        Self::Damaged(what.to_string())
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Refused(Box::new(problem))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let unavailable = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(database) => database.code().is_some_and(|code| is_server_state(&code)),
            _ => false,
        };
        if unavailable {
            return Self::Unavailable(error);
        }
        if has_state(&error, &[SERIALIZATION_FAILURE, DEADLOCK]) {
            return Self::refused(Code::Conflict, "this was changed at the same moment; try again");
        }
        Self::Database(error)
    }
}

/// A row with the same unique value exists.
const UNIQUE_VIOLATION: &str = "23505";
/// Another transaction changed what this one had read.
const SERIALIZATION_FAILURE: &str = "40001";
/// Two transactions waited for each other, and PostgreSQL aborted this one.
const DEADLOCK: &str = "40P01";

/// Whether the database refused a value that another row has. Recognised by SQLSTATE alone: the name of the constraint differs
/// where a table is distributed over several servers, and messages are in the server's language.
pub(crate) fn is_repetition(error: &sqlx::Error) -> bool {
    has_state(error, &[UNIQUE_VIOLATION])
}

fn has_state(error: &sqlx::Error, states: &[&str]) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| states.contains(&&*code))
}

/// Class 08: connection. 53: no room on the disk, in memory, or for another connection. 57: an operator intervened:
/// shutting down, starting up, cancelled. 58: the disk or the system failed. 25006: the server is read-only, as after a
/// failover. The last two: a lock was not released in time, or a transaction was idle for too long.
fn is_server_state(code: &str) -> bool {
    ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class))
        || ["25006", LOCK_NOT_AVAILABLE, "25P03"].contains(&code)
}

/// Another transaction holds what this one needs.
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// A statement was cancelled, as a rule because it took too long.
const QUERY_CANCELED: &str = "57014";

/// What a caller may know of why the database cannot be used.
fn unavailable(cause: &sqlx::Error) -> &'static str {
    let code = cause.as_database_error().and_then(|error| error.code());
    match code.as_deref() {
        Some(LOCK_NOT_AVAILABLE) => "another change is under way and takes long; try again in a moment",
        Some(QUERY_CANCELED) => "this took longer than the database may take; ask for less, or try again later",
        _ if matches!(cause, sqlx::Error::PoolTimedOut) => "the database has too much to do; try again in a moment",
        _ => "the database cannot be used at the moment; try again soon",
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(problem) => *problem,
            Error::Denied(Denied { actor, permission, signs_from: Some(at) }) => {
                tracing::info!(actor, permission = permission.name(), "denied: signs nothing yet");
                let detail = format!(
                    "`{actor}` signs nothing before {at}: a link to this account was handed over by an administrator. \
                     Until then another person with the role has to sign"
                );
                Self::new(Code::Forbidden, detail)
                    .with("permission", permission.name())
                    .with("signs_from", at.to_string())
            }
            Error::Denied(denied) => {
                tracing::info!(actor = denied.actor, permission = denied.permission.name(), "denied");
                let roles = denied.permission.roles();
                let names: Vec<Value> = roles.iter().map(|role| Value::from(role.name())).collect();
                Self::new(
                    Code::Forbidden,
                    format!(
                        "`{}` may not {}; that needs one of the roles {}",
                        denied.actor,
                        denied.permission.describe(),
                        roles.iter().map(Role::to_string).collect::<Vec<_>>().join(", ")
                    ),
                )
                .with("permission", denied.permission.name())
                .with("roles", names)
            }
            Error::Unavailable(cause) => {
                tracing::warn!(%cause, "the database cannot be used");
                Self::new(Code::Unavailable, unavailable(&cause))
            }
            // Use cases look first; this one lost a race.
            Error::Database(cause) if is_repetition(&cause) => {
                tracing::warn!(%cause, "a use case lost a race");
                Self::new(Code::Conflict, "this was made or changed at the same moment; try again")
            }
            inner @ (Error::Database(_) | Error::Migration(_) | Error::Damaged(_) | Error::Internal(_)) => {
                tracing::error!(cause = %inner, "a use case failed");
                Self::new(Code::Internal, "something went wrong on the server; its log has the details")
            }
        }
    }
}
