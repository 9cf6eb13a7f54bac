//! One use case at work: a transaction that knows who is let through, what time it is, and what to write down.

use lifecycle::{
    Timestamp,
    audit::EventType,
    authority::{Actor, Permit, Role},
};
use serde_json::Value;
use sqlx::{PgConnection, Postgres, Transaction};
use time::OffsetDateTime;

use crate::{Result, Store, json};

/// The advisory lock under which what is live changes: one change at a time, in a database of ours.
const SERVING_LOCK: i64 = 0x636f_756e_7465_7201;

/// A transaction of one use case. Nothing is kept unless [`Self::commit`] is reached.
pub(crate) struct Work {
    tx: Transaction<'static, Postgres>,
    permit: Permit,
    /// The database's clock when the transaction began: the only clock of the domain.
    pub now: Timestamp,
    notes: Vec<Note>,
}

struct Note {
    event: EventType,
    subject: (&'static str, String),
    summary: String,
    detail: Value,
}

impl Work {
    /// Begins. The actor's name goes into `countersign.permit`, which tells the triggers that the program is at work.
    pub async fn begin(store: &Store, permit: Permit) -> Result<Self> {
        let mut tx = store.pool().begin().await?;
        let (now, _permit): (OffsetDateTime, String) =
            sqlx::query_as("select now(), set_config('countersign.permit', $1, true)")
                .bind(&permit.actor().name)
                .fetch_one(&mut *tx)
                .await?;
        Ok(Self { tx, permit, now: now.into(), notes: Vec::new() })
    }

    /// Begins, and waits until nobody else is changing what is live.
    pub async fn begin_serving(store: &Store, permit: Permit) -> Result<Self> {
        let mut work = Self::begin(store, permit).await?;
        sqlx::query("select pg_advisory_xact_lock($1)").bind(SERVING_LOCK).execute(work.db()).await?;
        Ok(work)
    }

    /// The connection, for statements.
    pub fn db(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        self.permit.actor()
    }

    /// Notes an audit entry: one for every change of state. Entries are written by [`Self::commit`], last of all, because
    /// the counter they share is locked from then on.
    pub fn note(
        &mut self,
        event: EventType,
        subject_type: &'static str,
        subject_id: impl ToString,
        summary: impl Into<String>,
        detail: Value,
    ) {
        self.notes.push(Note {
            event,
            subject: (subject_type, subject_id.to_string()),
            summary: summary.into(),
            detail,
        });
    }

    /// Writes the audit entries and makes everything permanent.
    pub async fn commit(mut self) -> Result<()> {
        for note in std::mem::take(&mut self.notes) {
            self.write(&note).await?;
        }
        Ok(self.tx.commit().await?)
    }

    async fn write(&mut self, note: &Note) -> Result<()> {
        let actor = self.permit.actor().clone();
        let roles: Vec<&str> = actor.roles.iter().copied().map(Role::name).collect();
        sqlx::query(
            "with head as (update policy_audit_head set seq = seq + 1 returning seq)
             insert into policy_lifecycle_audit
                 (seq, at, event_type, actor, roles, via, subject_type, subject_id, summary, detail)
             select seq, now(), $1, $2, $3, $4, $5, $6, $7, $8::json from head",
        )
        .bind(crate::audit::event_name(note.event))
        .bind(&actor.name)
        .bind(&roles[..])
        .bind(actor.via.name())
        .bind(note.subject.0)
        .bind(&note.subject.1)
        .bind(&note.summary)
        .bind(json::text(&note.detail)?)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}
