//! Adding decisions.

use std::collections::HashSet;

use const_format::concatcp;
use sqlx::{Connection, PgConnection};

use super::{
    copy::Rows,
    idempotency::{self, Repeated},
    pending::{Decision, stored_id},
    row::WRITTEN,
};
use crate::{Result, Store};

const TABLE: &str = concatcp!(
    "create temporary table pending_decisions on commit delete rows as select ",
    WRITTEN,
    " from policy_decisions with no data"
);
const STAGE: &str = concatcp!("copy pending_decisions (", WRITTEN, ") from stdin (format binary)");
const DIRECT: &str = concatcp!("copy policy_decisions (", WRITTEN, ") from stdin (format binary)");
const INSERT: &str = concatcp!(
    "insert into policy_decisions (",
    WRITTEN,
    ") select ",
    WRITTEN,
    " from pending_decisions on conflict (decision_id) do nothing returning decision_id"
);

#[allow(missing_docs)]
pub async fn bench(options: sqlx::postgres::PgConnectOptions, decisions: &[Vec<lifecycle::decision::Record>], staged: bool) -> std::time::Duration {
    let mut db = PgConnection::connect_with(&options).await.unwrap();
    sqlx::query(TABLE).execute(&mut db).await.unwrap();
    let start = std::time::Instant::now();
    for batch in decisions {
        let mut rows = Rows::with_capacity(batch.len());
        for decision in batch { rows.push(decision).unwrap(); }
        if staged {
            let mut tx = db.begin().await.unwrap();
            let mut copy = tx.copy_in_raw(STAGE).await.unwrap();
            copy.send(rows.finish()).await.unwrap();
            copy.finish().await.unwrap();
            let added: Vec<String> = sqlx::query_scalar(INSERT).fetch_all(&mut *tx).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(added.len(), batch.len());
        } else {
            let mut copy = db.copy_in_raw(DIRECT).await.unwrap();
            copy.send(rows.finish()).await.unwrap();
            copy.finish().await.unwrap();
        }
    }
    start.elapsed()
}

/// How to get a decision into the table that it is inserted from.
pub async fn append<D: Decision>(store: &Store, decisions: &[D]) -> Result<Vec<Repeated>> {
    if decisions.is_empty() {
        return Ok(Vec::new());
    }
    let mut db = store.pool().acquire().await?;
    insert(&mut db, decisions).await
}

/// Adds batch after batch, over a connection of its own that nothing else waits for.
#[derive(Debug)]
pub struct Appender {
    store: Store,
    /// None until it is needed, and after anything went wrong on it.
    connection: Option<PgConnection>,
}

impl Appender {
    /// Connects when there is something to add.
    pub fn new(store: Store) -> Self {
        Self { store, connection: None }
    }
    /// x
    pub async fn append<D: Decision>(&mut self, decisions: &[D]) -> Result<Vec<Repeated>> {
        append(&self.store, decisions).await
    }
}

async fn insert<D: Decision>(db: &mut PgConnection, decisions: &[D]) -> Result<Vec<Repeated>> {
    let mut rows = Rows::with_capacity(decisions.len());
    for decision in decisions {
        rows.push(decision)?;
    }
    let mut tx = db.begin().await?;
    sqlx::query("drop table if exists pending_decisions").execute(&mut *tx).await?;
    sqlx::query(TABLE).execute(&mut *tx).await?;
    let mut copy = tx.copy_in_raw(STAGE).await?;
    copy.send(rows.finish()).await?;
    copy.finish().await?;
    let added: Vec<String> = sqlx::query_scalar(INSERT).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    let mut added: HashSet<String> = added.into_iter().collect();
    let not_added = decisions.iter().enumerate().filter(|(_, decision)| !added.remove(&*stored_id(*decision)));
    let repeated: Vec<usize> = not_added.map(|(place, _)| place).collect();
    idempotency::find(db, decisions, &repeated).await
}
