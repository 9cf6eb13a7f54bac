//! The transaction of one use case: it carries the permit, the time, and the audit entries to write.

use std::sync::Arc;

use lifecycle::{
    audit::{Entry, EventType},
    authority::{Actor, Credential, Permit},
    signing::KeyRing,
};
use policy::Timestamp;
use serde_json::Value;
use sqlx::{PgConnection, Postgres, Transaction};
use time::OffsetDateTime;

use crate::{
    Result, Store, audit, key_check,
    time_limits::{HOLDING_THE_SERVING_LOCK, millis, over_a_day},
};

/// The advisory lock under which the live state changes, one change at a time.
const SERVING_LOCK: i64 = 0x636f_756e_7465_7201;

/// The transaction of one use case. Nothing is stored unless [`Self::commit`] is reached.
pub(crate) struct Work {
    tx: Transaction<'static, Postgres>,
    permit: Permit,
    keys: Arc<KeyRing>,
    /// The database's clock when the transaction began: the only clock of the domain.
    pub now: Timestamp,
    notes: Vec<Note>,
    /// The session that this transaction began, which its entries name.
    begun: Option<Credential>,
    /// Where to say that the live state has changed, if it changes.
    live: Option<Store>,
}

struct Note {
    /// Another time and actor than those of the transaction, for the past of the example workspace.
    past: Option<(Timestamp, Actor)>,
    event: EventType,
    subject: (&'static str, String),
    summary: String,
    detail: Value,
}

impl Work {
    /// Begins, unless this process does not hold the key that signs. The actor's name goes into `countersign.permit`, by
    /// which triggers tell a use case from SQL by hand.
    pub async fn begin(store: &Store, permit: Permit) -> Result<Self> {
        key_check::check(store).await?;
        let mut tx = store.pool().begin().await?;
        let (now, _permit): (OffsetDateTime, String) =
            sqlx::query_as("select now(), set_config('countersign.permit', $1, true)")
                .bind(&permit.actor().name)
                .fetch_one(&mut *tx)
                .await?;
        Ok(Self { tx, permit, keys: store.keys(), now: now.into(), notes: Vec::new(), begun: None, live: None })
    }

    /// Begins, and takes the serving lock: waits until no other transaction is changing the live state.
    pub async fn begin_serving(store: &Store, permit: Permit) -> Result<Self> {
        let mut work = Self::begin(store, permit).await?;
        sqlx::query("select set_config('idle_in_transaction_session_timeout', $1, true)")
            .bind(millis(HOLDING_THE_SERVING_LOCK))
            .execute(work.db())
            .await?;
        sqlx::query("select pg_advisory_xact_lock($1)").bind(SERVING_LOCK).execute(work.db()).await?;
        work.changes_live_state(store);
        Ok(work)
    }

    /// Begins what reads or writes a whole day of the log, which takes longer than a statement usually may.
    pub async fn begin_over_a_day(store: &Store, permit: Permit) -> Result<Self> {
        let mut work = Self::begin(store, permit).await?;
        over_a_day(work.db()).await?;
        Ok(work)
    }

    /// Says that committing changes what is served, so that this server serves it before it answers.
    pub fn changes_live_state(&mut self, store: &Store) {
        self.live = Some(store.clone());
    }

    /// The connection, for statements.
    pub fn db(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// The keys that the entries are sealed with.
    pub fn keys(&self) -> Arc<KeyRing> {
        Arc::clone(&self.keys)
    }

    /// The actor.
    pub fn actor(&self) -> &Actor {
        self.permit.actor()
    }

    /// The entries name the session that this transaction begins.
    pub fn came_through(&mut self, credential: Credential) {
        self.begun = Some(credential);
    }

    /// Notes an audit entry: one for every change of state. [`Self::commit`] writes the entries last of all, because
    /// doing so locks the end of the chain for all other transactions.
    pub fn note(
        &mut self,
        event: EventType,
        subject_type: &'static str,
        subject_id: impl ToString,
        summary: impl Into<String>,
        detail: Value,
    ) {
        self.notes.push(Note {
            past: None,
            event,
            subject: (subject_type, subject_id.to_string()),
            summary: summary.into(),
            detail,
        });
    }

    /// Notes an audit entry of another actor than that of the transaction: of a person for whom the server acts.
    pub fn note_by(
        &mut self,
        by: Actor,
        event: EventType,
        subject: (&'static str, String),
        summary: impl Into<String>,
        detail: Value,
    ) {
        self.note_past((self.now, by), event, subject, summary, detail);
    }

    /// Notes an audit entry of the past of the example workspace.
    pub fn note_past(
        &mut self,
        (at, by): (Timestamp, Actor),
        event: EventType,
        subject: (&'static str, String),
        summary: impl Into<String>,
        detail: Value,
    ) {
        self.notes.push(Note { past: Some((at, by)), event, subject, summary: summary.into(), detail });
    }

    /// The number of audit entries noted so far.
    pub fn noted(&self) -> usize {
        self.notes.len()
    }

    /// Rolls everything back, audit entries included.
    pub async fn roll_back(self) -> Result<()> {
        Ok(self.tx.rollback().await?)
    }

    /// Writes the audit entries, each chained to the one before, and makes everything permanent.
    pub async fn commit(mut self) -> Result<()> {
        let notes = std::mem::take(&mut self.notes);
        if !notes.is_empty() {
            let entries = notes.into_iter().map(|note| self.entry(note)).collect();
            audit::chain::append(&mut self.tx, &self.keys, entries).await?;
        }
        self.tx.commit().await?;
        if let Some(store) = &self.live {
            store.live_changed();
        }
        Ok(())
    }

    fn entry(&self, note: Note) -> Entry {
        let begun = self.begun.filter(|_| note.past.is_none()).map(String::from);
        let (at, actor) = note.past.unwrap_or_else(|| (self.now, self.permit.actor().clone()));
        Entry {
            seq: 0,
            at,
            event_type: note.event,
            roles: actor.roles.iter().map(|role| role.name().to_owned()).collect(),
            via: actor.via.name().to_owned(),
            credential: begun.or_else(|| actor.credential()),
            actor: actor.name,
            subject_type: note.subject.0.to_owned(),
            subject_id: note.subject.1,
            summary: note.summary,
            detail: note.detail,
            seal: None,
        }
    }
}
