//! Adding decisions.

use std::borrow::Borrow;

use lifecycle::decision::Record;
use time::OffsetDateTime;

use crate::{Error, Result, Store};

/// Adds decisions in one statement. One whose id is already there stays as it is. It asks for no actor: the decisions
/// were authorized when they were made.
///
/// # Errors
/// The database failed; then none was added.
pub async fn append<R: Borrow<Record>>(store: &Store, records: &[R]) -> Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    let mut columns = Columns::with_capacity(records.len());
    for record in records {
        columns.push(record.borrow())?;
    }
    sqlx::query(
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
         on conflict (decision_id) do nothing",
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
    .execute(store.pool())
    .await?;
    Ok(())
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

    fn push(&mut self, record: &Record) -> Result<()> {
        self.decision_id.push(text(&record.decision_id));
        self.decided_at.push(record.decided_at.into());
        self.agent.push(text(&record.agent));
        self.action.push(text(&record.action));
        self.subject.push(text(&record.subject));
        self.context.push(json(&record.context)?);
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

/// Postgres cannot keep the character NUL in text. One such request must not spoil the batch it is written with.
fn text(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Internal(format!("a decision cannot be written: {error}")))
}
