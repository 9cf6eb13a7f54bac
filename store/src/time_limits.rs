//! How long the database may take. A statement, a wait for a lock and a transaction that does nothing each have an end, so
//! that nothing that goes wrong in one place stays in the way of everything else. What may take longer by its nature says so
//! with `set local statement_timeout` in its own transaction.

use std::time::Duration;

use sqlx::{PgConnection, postgres::PgConnectOptions};

use crate::Result;

/// The time limits of a connection, and of waiting for one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeLimits {
    /// For a connection of the pool to become free.
    pub acquire: Duration,
    /// For one statement.
    pub statement: Duration,
    /// For another transaction to release what a statement needs.
    pub lock: Duration,
    /// For the next statement of a transaction; the database ends the connection then, and with it its locks.
    pub idle_in_transaction: Duration,
}

/// Pages, reports, and everything else that is not named here.
pub(crate) const USUAL: TimeLimits = TimeLimits {
    acquire: Duration::from_secs(5),
    statement: Duration::from_secs(30),
    lock: Duration::from_secs(5),
    idle_in_transaction: Duration::from_secs(30),
};

/// Finding out who calls: a look-up by a key.
pub(crate) const IDENTIFYING: TimeLimits = TimeLimits {
    acquire: Duration::from_secs(3),
    statement: Duration::from_secs(3),
    lock: Duration::from_secs(2),
    idle_in_transaction: Duration::from_secs(5),
};

/// Rollback, pause, the emergency switch, and following and watching what is served.
pub(crate) const URGENT: TimeLimits = TimeLimits {
    acquire: Duration::from_secs(10),
    statement: Duration::from_secs(5),
    lock: Duration::from_secs(5),
    idle_in_transaction: Duration::from_secs(5),
};

/// A drill: it locks nothing that others need, and waits for its turn to replay the evidence.
pub(crate) const REHEARSING: TimeLimits = TimeLimits { idle_in_transaction: Duration::from_secs(180), ..USUAL };

/// Reading or writing a whole day of the log, and adding counts together after a long stop: each of their statements. Nobody
/// waits for the answer.
const OVER_A_DAY_OF_THE_LOG: Duration = Duration::from_secs(2 * 60 * 60);

/// How long whoever holds the serving lock may pause between two statements: an emergency command waits for it.
pub(crate) const HOLDING_THE_SERVING_LOCK: Duration = Duration::from_secs(2);

impl TimeLimits {
    /// `options` with these limits, which hold for every statement on the connection.
    pub fn on(self, options: PgConnectOptions) -> PgConnectOptions {
        options.options([
            ("statement_timeout", millis(self.statement)),
            ("lock_timeout", millis(self.lock)),
            ("idle_in_transaction_session_timeout", millis(self.idle_in_transaction)),
        ])
    }
}

/// `options` without time limits, also where they had some: a change of the schema takes as long as it takes.
pub(crate) fn unlimited(options: PgConnectOptions) -> PgConnectOptions {
    options.options([("statement_timeout", "0"), ("lock_timeout", "0"), ("idle_in_transaction_session_timeout", "0")])
}

/// Lets this transaction read or write a whole day of the log.
pub(crate) async fn over_a_day(db: &mut PgConnection) -> Result<()> {
    take_up_to(db, OVER_A_DAY_OF_THE_LOG).await
}

/// Lets each statement of this transaction, and each pause between two of them, take as long as this.
pub(crate) async fn take_up_to(db: &mut PgConnection, limit: Duration) -> Result<()> {
    sqlx::query(
        "select set_config('statement_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $1, true)",
    )
    .bind(millis(limit))
    .execute(db)
    .await?;
    Ok(())
}

/// The text of a duration in the database's settings, which count milliseconds.
pub(crate) fn millis(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}
