//! Adding decisions. A batch is copied straight into the log, which is the fastest way but all or nothing: a single id
//! that is already in the log stops the whole batch. Such a batch is copied into a temporary table and inserted from
//! there, leaving out the ids that exist. Using the temporary table always would cost the database half as much again
//! for large batches, and more than twice as much for a single decision.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use const_format::concatcp;
use sqlx::{Connection, PgConnection};

use super::{
    copy::Rows,
    idempotency::{self, DuplicateDecision},
    pending::{Decision, stored_id},
    row::WRITTEN,
};
use crate::{Result, Store};

/// The SQLSTATE of a unique violation.
const UNIQUE_VIOLATION: &str = "23505";
/// How long batches go through the temporary table after a repetition. Callers that repeat one decision usually repeat
/// more, and each batch that a repetition stops adds a line to the database's log.
const AFTER_REPETITION: Duration = Duration::from_secs(10);

const COPY: &str = concatcp!("copy policy_decisions (", WRITTEN, ") from stdin (format binary)");
const COPY_TO_TEMPORARY: &str = concatcp!("copy pending_decisions (", WRITTEN, ") from stdin (format binary)");
const CREATE_TEMPORARY: &str = concatcp!(
    "create temporary table pending_decisions on commit delete rows as select ",
    WRITTEN,
    " from policy_decisions with no data"
);
const INSERT: &str = concatcp!(
    "insert into policy_decisions (",
    WRITTEN,
    ") select ",
    WRITTEN,
    " from pending_decisions on conflict (decision_id) do nothing returning decision_id"
);

/// Adds decisions: all or none. A decision whose id is already in the log, or occurs earlier in `decisions`, is not
/// added; the answer lists those decisions in order. Takes no actor: the decisions were authorized when they were made.
///
/// # Errors
/// The database failed. Either no decision was added, or it is unknown whether they were; adding them again is safe.
pub async fn append<D: Decision>(store: &Store, decisions: &[D]) -> Result<Vec<DuplicateDecision>> {
    if decisions.is_empty() {
        return Ok(Vec::new());
    }
    let rows = encode(decisions)?;
    let mut db = store.pool().acquire().await?;
    match copy(&mut db, &rows).await? {
        Copied::All => Ok(Vec::new()),
        Copied::NoneForRepetition => insert(&mut db, decisions, &rows).await,
    }
}

/// Adds batch after batch, over a connection of its own that nothing else waits for.
#[derive(Debug)]
pub struct Appender {
    store: Store,
    /// `None` until the connection is needed, and after any failure on it.
    connection: Option<PgConnection>,
    /// When a repetition was last found.
    repeated: Option<Instant>,
}

impl Appender {
    /// An appender that connects once there is something to add.
    pub fn new(store: Store) -> Self {
        Self { store, connection: None, repeated: None }
    }

    /// As [`append`]. A batch whose connection is lost is retried once over a new connection. May be cancelled at any
    /// point; whether the batch was added is then unknown, and adding it again is safe.
    ///
    /// # Errors
    /// As [`append`].
    pub async fn append<D: Decision>(&mut self, decisions: &[D]) -> Result<Vec<DuplicateDecision>> {
        if decisions.is_empty() {
            return Ok(Vec::new());
        }
        // The connection is put back only after a success: a connection in the middle of a batch cannot take the next
        // batch.
        if let Some(mut connection) = self.connection.take() {
            match self.write(&mut connection, decisions).await {
                Ok(repeated) => {
                    self.connection = Some(connection);
                    return Ok(repeated);
                }
                Err(error) if error.is_about_content() => return Err(error),
                // The database may have been restarted or replaced since the last batch: retry.
                Err(_) => {}
            }
        }
        self.append_over_new_connection(decisions).await
    }

    async fn append_over_new_connection<D: Decision>(&mut self, decisions: &[D]) -> Result<Vec<DuplicateDecision>> {
        let mut connection = PgConnection::connect_with(&self.store.pool().connect_options()).await?;
        let repeated = self.write(&mut connection, decisions).await?;
        self.connection = Some(connection);
        Ok(repeated)
    }

    async fn write<D: Decision>(&mut self, db: &mut PgConnection, decisions: &[D]) -> Result<Vec<DuplicateDecision>> {
        let rows = encode(decisions)?;
        if self.repeated.is_none_or(|at| at.elapsed() > AFTER_REPETITION) {
            match copy(db, &rows).await? {
                Copied::All => return Ok(Vec::new()),
                Copied::NoneForRepetition => self.repeated = Some(Instant::now()),
            }
        }
        insert(db, decisions, &rows).await
    }
}

fn encode<D: Decision>(decisions: &[D]) -> Result<Vec<u8>> {
    let mut rows = Rows::with_capacity(decisions.len());
    for decision in decisions {
        rows.push(decision)?;
    }
    Ok(rows.finish())
}

/// The result of copying a batch into the log.
enum Copied {
    All,
    /// An id was in the log already, or twice in the batch.
    NoneForRepetition,
}

async fn copy(db: &mut PgConnection, rows: &[u8]) -> Result<Copied> {
    let mut copy = db.copy_in_raw(COPY).await?;
    copy.send(rows).await?;
    match copy.finish().await {
        Ok(_) => Ok(Copied::All),
        Err(error) if error.as_database_error().and_then(|error| error.code()).as_deref() == Some(UNIQUE_VIOLATION) => {
            Ok(Copied::NoneForRepetition)
        }
        Err(error) => Err(error.into()),
    }
}

/// Inserts the rows whose ids are new. If two rows share an id, the first is inserted, because a temporary table is
/// read in the order in which it was written.
async fn insert<D: Decision>(db: &mut PgConnection, decisions: &[D], rows: &[u8]) -> Result<Vec<DuplicateDecision>> {
    let mut tx = db.begin().await?;
    let exists: bool =
        sqlx::query_scalar("select to_regclass('pg_temp.pending_decisions') is not null").fetch_one(&mut *tx).await?;
    if !exists {
        sqlx::query(CREATE_TEMPORARY).execute(&mut *tx).await?;
    }
    let mut copy = tx.copy_in_raw(COPY_TO_TEMPORARY).await?;
    copy.send(rows).await?;
    copy.finish().await?;
    let inserted: Vec<String> = sqlx::query_scalar(INSERT).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    let mut inserted: HashSet<String> = inserted.into_iter().collect();
    let repeated = decisions.iter().enumerate().filter(|(_, decision)| !inserted.remove(&*stored_id(*decision)));
    let places: Vec<usize> = repeated.map(|(place, _)| place).collect();
    idempotency::find(db, decisions, &places).await
}
