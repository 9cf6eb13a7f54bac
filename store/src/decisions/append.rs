//! Adding decisions.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use lifecycle::decision::Record;
use sqlx::{Connection, PgConnection};
use time::OffsetDateTime;

use super::{
    copy::{Rows, STATEMENT, keepable},
    idempotency::{self, Repeated},
};
use crate::{Error, Result, Store};

/// What SQL calls two rows of one key.
const UNIQUE_VIOLATION: &str = "23505";
/// How long batches are inserted rather than copied after an id was there already: callers who repeat one do so again,
/// and the database's log would get a line for each batch that cannot be copied.
const AFTER_REPETITION: Duration = Duration::from_secs(10);

/// What can be added.
pub trait Decision {
    /// The decision.
    fn record(&self) -> &Record;

    /// Its context as the JSON text it came as, which is valid and free of NUL; none when the record holds it.
    fn context(&self) -> Option<&str> {
        None
    }
}

impl Decision for Record {
    fn record(&self) -> &Record {
        self
    }
}

impl<D: Decision> Decision for Arc<D> {
    fn record(&self) -> &Record {
        D::record(self)
    }

    fn context(&self) -> Option<&str> {
        D::context(self)
    }
}

/// Adds decisions: all or none. One whose id is already there, or came before it in `decisions`, stays as it is; the
/// answer tells of those that were not added for it, in their order. It asks for no actor: the decisions were authorized
/// when they were made.
///
/// # Errors
/// The database failed; then none was added, or it is not known which: adding them again does no harm.
pub async fn append<D: Decision>(store: &Store, decisions: &[D]) -> Result<Vec<Repeated>> {
    if decisions.is_empty() {
        return Ok(Vec::new());
    }
    let mut db = store.pool().acquire().await?;
    match copy(&mut db, decisions).await? {
        Copied::All => Ok(Vec::new()),
        Copied::NoneForRepetition => insert(&mut db, decisions).await,
    }
}

/// Adds batch after batch, over a connection of its own that nothing else waits for.
#[derive(Debug)]
pub struct Appender {
    store: Store,
    /// None until it is needed, and after anything went wrong on it.
    connection: Option<PgConnection>,
    /// When an id was last found to be there already.
    repeated: Option<Instant>,
}

impl Appender {
    /// Connects when there is something to add.
    pub fn new(store: Store) -> Self {
        Self { store, connection: None, repeated: None }
    }

    /// As [`append`]. May be given up at any point; whether the batch was added is then not known, and adding it again
    /// does no harm.
    ///
    /// # Errors
    /// As [`append`].
    pub async fn append<D: Decision>(&mut self, decisions: &[D]) -> Result<Vec<Repeated>> {
        if decisions.is_empty() {
            return Ok(Vec::new());
        }
        // It is put back once all went well: what is in the middle of something is no use to the next batch.
        if let Some(mut connection) = self.connection.take() {
            match self.write(&mut connection, decisions).await {
                Ok(repeated) => {
                    self.connection = Some(connection);
                    return Ok(repeated);
                }
                Err(error) if error.is_about_content() => return Err(error),
                // The database may have been started anew since the last batch, or another server may be it now.
                Err(_) => {}
            }
        }
        let mut connection = PgConnection::connect_with(&self.store.pool().connect_options()).await?;
        let repeated = self.write(&mut connection, decisions).await?;
        self.connection = Some(connection);
        Ok(repeated)
    }

    /// Copies, which is the fastest way in but knows no exceptions; where an id is already there, inserts around it.
    async fn write<D: Decision>(&mut self, db: &mut PgConnection, decisions: &[D]) -> Result<Vec<Repeated>> {
        if self.repeated.is_none_or(|at| at.elapsed() > AFTER_REPETITION) {
            match copy(db, decisions).await? {
                Copied::All => return Ok(Vec::new()),
                Copied::NoneForRepetition => self.repeated = Some(Instant::now()),
            }
        }
        insert(db, decisions).await
    }
}

/// What became of a batch.
enum Copied {
    All,
    /// An id was there already, or twice in the batch.
    NoneForRepetition,
}

async fn copy<D: Decision>(db: &mut PgConnection, decisions: &[D]) -> Result<Copied> {
    let mut rows = Rows::with_capacity(decisions.len());
    for decision in decisions {
        rows.push(decision)?;
    }
    let mut copy = db.copy_in_raw(STATEMENT).await?;
    copy.send(rows.finish()).await?;
    match copy.finish().await {
        Ok(_) => Ok(Copied::All),
        Err(error) if error.as_database_error().and_then(|error| error.code()).as_deref() == Some(UNIQUE_VIOLATION) => {
            Ok(Copied::NoneForRepetition)
        }
        Err(error) => Err(error.into()),
    }
}

async fn insert<D: Decision>(db: &mut PgConnection, decisions: &[D]) -> Result<Vec<Repeated>> {
    let (mut columns, mut ids) = (Columns::with_capacity(decisions.len()), HashSet::with_capacity(decisions.len()));
    for decision in decisions {
        // Of two with one id it is the first that is added.
        if ids.insert(idempotency::id(decision)) {
            columns.push(decision)?;
        }
    }
    let added: Vec<String> = sqlx::query_scalar(
        "insert into policy_decisions (decision_id, decided_at, agent, action, subject, context, effect, status,
             matched_rule, reason, budget, cost, bundle_id, bundle_version, bundle_digest, arm, mode, errors,
             other_bundle_id, other_version, other_digest, other_effect, other_status, other_rule)
         select decision_id, decided_at, agent, action, subject, context::json, effect, status,
             matched_rule, reason, budget::json, cost, bundle_id, bundle_version, bundle_digest, arm, mode, errors::json,
             other_bundle_id, other_version, other_digest, other_effect, other_status, other_rule
         from unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
             $9::text[], $10::text[], $11::text[], $12::float8[], $13::int8[], $14::text[], $15::text[], $16::text[],
             $17::text[], $18::text[], $19::int8[], $20::text[], $21::text[], $22::text[], $23::text[], $24::text[])
             as row (decision_id, decided_at, agent, action, subject, context, effect, status, matched_rule, reason,
             budget, cost, bundle_id, bundle_version, bundle_digest, arm, mode, errors, other_bundle_id, other_version,
             other_digest, other_effect, other_status, other_rule)
         on conflict (decision_id) do nothing
         returning decision_id",
    )
    .bind(columns.decision_id)
    .bind(columns.decided_at)
    .bind(columns.agent)
    .bind(columns.action)
    .bind(columns.subject)
    .bind(columns.context)
    .bind(columns.effect)
    .bind(columns.status)
    .bind(columns.matched_rule)
    .bind(columns.reason)
    .bind(columns.budget)
    .bind(columns.cost)
    .bind(columns.bundle_id)
    .bind(columns.bundle_version)
    .bind(columns.bundle_digest)
    .bind(columns.arm)
    .bind(columns.mode)
    .bind(columns.errors)
    .bind(columns.other_bundle_id)
    .bind(columns.other_version)
    .bind(columns.other_digest)
    .bind(columns.other_effect)
    .bind(columns.other_status)
    .bind(columns.other_rule)
    .fetch_all(&mut *db)
    .await?;
    let mut added: HashSet<String> = added.into_iter().collect();
    let not_added = decisions.iter().enumerate().filter(|(_, decision)| !added.remove(&*idempotency::id(*decision)));
    let repeated: Vec<usize> = not_added.map(|(place, _)| place).collect();
    idempotency::find(db, decisions, &repeated).await
}

/// The columns of a batch.
#[derive(Default)]
struct Columns {
    decision_id: Vec<String>,
    decided_at: Vec<OffsetDateTime>,
    agent: Vec<String>,
    action: Vec<String>,
    subject: Vec<String>,
    context: Vec<String>,
    effect: Vec<&'static str>,
    status: Vec<&'static str>,
    matched_rule: Vec<Option<String>>,
    reason: Vec<String>,
    budget: Vec<Option<String>>,
    cost: Vec<Option<f64>>,
    bundle_id: Vec<Option<i64>>,
    bundle_version: Vec<Option<String>>,
    bundle_digest: Vec<Option<String>>,
    arm: Vec<&'static str>,
    mode: Vec<&'static str>,
    errors: Vec<Option<String>>,
    other_bundle_id: Vec<Option<i64>>,
    other_version: Vec<Option<String>>,
    other_digest: Vec<Option<String>>,
    other_effect: Vec<Option<&'static str>>,
    other_status: Vec<Option<&'static str>>,
    other_rule: Vec<Option<String>>,
}

impl Columns {
    fn with_capacity(rows: usize) -> Self {
        let mut columns = Self::default();
        columns.decision_id.reserve(rows);
        columns.context.reserve(rows);
        columns
    }

    fn push(&mut self, decision: &impl Decision) -> Result<()> {
        let record = decision.record();
        self.decision_id.push(text(&record.decision_id));
        self.decided_at.push(record.decided_at.into());
        self.agent.push(text(&record.agent));
        self.action.push(text(&record.action));
        self.subject.push(text(&record.subject));
        self.context.push(decision.context().map_or_else(|| json(&record.context), |text| Ok(text.to_owned()))?);
        self.effect.push(record.effect.name());
        self.status.push(record.status.name());
        self.matched_rule.push(record.matched_rule.as_deref().map(text));
        self.reason.push(text(&record.reason));
        self.budget.push(record.budget.as_ref().map(json).transpose()?);
        self.cost.push(record.budget.and_then(|budget| budget.cost));
        let bundle = record.bundle.as_ref();
        self.bundle_id.push(bundle.map(|bundle| bundle.id));
        self.bundle_version.push(bundle.map(|bundle| bundle.version.clone()));
        self.bundle_digest.push(bundle.map(|bundle| bundle.digest.clone()));
        self.arm.push(record.arm.name());
        self.mode.push(record.mode.name());
        self.errors.push(if record.errors.is_empty() { None } else { Some(json(&record.errors)?) });
        let other = record.other_arm.as_ref();
        self.other_bundle_id.push(other.map(|other| other.bundle.id));
        self.other_version.push(other.map(|other| other.bundle.version.clone()));
        self.other_digest.push(other.map(|other| other.bundle.digest.clone()));
        self.other_effect.push(other.map(|other| other.effect.name()));
        self.other_status.push(other.map(|other| other.status.name()));
        self.other_rule.push(other.and_then(|other| other.matched_rule.as_deref().map(text)));
        Ok(())
    }
}

fn text(text: &str) -> String {
    keepable(text).into_owned()
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Internal(format!("a decision cannot be written: {error}")))
}
