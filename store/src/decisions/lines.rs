//! The log as lines of JSON: what the digest of a day is made of, and what an archive holds.

use const_format::concatcp;
use futures::TryStreamExt;
use lifecycle::archive::Lines;
use sqlx::PgConnection;
use time::Date;

use crate::{Error, Result};

/// The columns of a decision. What is JSON in the table is text here, so that it stays as it was written, and on one line.
const DECISION: &str = "seq, decision_id, decided_at, agent, action, subject, context::text as context, effect, status, \
     matched_rule, reason, budget::text as budget, cost, bundle_id, bundle_version, bundle_digest, arm, mode, \
     errors::text as errors, other_bundle_id, other_version, other_digest, other_effect, other_status, other_rule, asked_by, \
     recorded_at, stage, other_pair";

const DECISIONS: &str = concatcp!(
    "select row_to_json(line)::text from (select ",
    DECISION,
    " from policy_decisions
     where recorded_at >= $1::date::timestamptz and recorded_at < ($1::date + 1)::timestamptz
     order by recorded_at, seq) line"
);

const OUTCOMES: &str = "select row_to_json(line)::text from (
         select decision_id as outcome_of, recorded_at, status, cost, margin_bps, success, latency_ms, note, reported_at,
             reported_by
         from policy_decision_outcomes
         where recorded_at >= $1::date::timestamptz and recorded_at < ($1::date + 1)::timestamptz
         order by recorded_at, decision_id) line";

/// Adds the decisions of lines that [`DECISIONS`] gave.
pub(super) const INSERT_DECISIONS: &str = "insert into policy_decisions (seq, decision_id, decided_at, agent, action, subject,
         context, effect, status, matched_rule, reason, budget, cost, bundle_id, bundle_version, bundle_digest, arm, mode,
         errors, other_bundle_id, other_version, other_digest, other_effect, other_status, other_rule, asked_by,
         recorded_at, stage, other_pair)
     select seq, decision_id, decided_at, agent, action, subject, context::json, effect, status, matched_rule, reason,
         budget::json, cost, bundle_id, bundle_version, bundle_digest, arm, mode, errors::json, other_bundle_id,
         other_version, other_digest, other_effect, other_status, other_rule, asked_by, recorded_at, stage, other_pair
     from unnest($1::text[]) text, json_to_record(text::json) as line (seq bigint, decision_id text,
         decided_at timestamptz, agent text, action text, subject text, context text, effect text, status text,
         matched_rule text, reason text, budget text, cost float8, bundle_id bigint, bundle_version text,
         bundle_digest text, arm text, mode text, errors text, other_bundle_id bigint, other_version text,
         other_digest text, other_effect text, other_status text, other_rule text, asked_by bigint,
         recorded_at timestamptz, stage timestamptz, other_pair boolean)";

/// Adds the outcomes of lines that [`OUTCOMES`] gave.
pub(super) const INSERT_OUTCOMES: &str = "insert into policy_decision_outcomes (decision_id, recorded_at, status, cost,
         margin_bps, success, latency_ms, note, reported_at, reported_by)
     select outcome_of, recorded_at, status, cost, margin_bps, success, latency_ms, note, reported_at, reported_by
     from unnest($1::text[]) text, json_to_record(text::json) as line (outcome_of text, recorded_at timestamptz,
         status text, cost float8, margin_bps float8, success boolean, latency_ms float8, note text,
         reported_at timestamptz, reported_by text)";

/// The decisions of a day, each given to `take` as a line, in the order in which they were recorded.
pub(super) async fn decisions(db: &mut PgConnection, day: Date, take: impl FnMut(&str) -> Result<()>) -> Result<Lines> {
    read(db, DECISIONS, day, take).await
}

/// The outcomes of a day's decisions, likewise.
pub(super) async fn outcomes(db: &mut PgConnection, day: Date, take: impl FnMut(&str) -> Result<()>) -> Result<Lines> {
    read(db, OUTCOMES, day, take).await
}

async fn read(
    db: &mut PgConnection,
    sql: &'static str,
    day: Date,
    mut take: impl FnMut(&str) -> Result<()>,
) -> Result<Lines> {
    // Times are written in this zone, and days begin in it.
    sqlx::query("set local time zone 'UTC'").execute(&mut *db).await?;
    let mut lines = Lines::default();
    let mut rows = sqlx::query_scalar::<_, String>(sql).bind(day).fetch(db);
    while let Some(line) = rows.try_next().await? {
        if line.contains('\n') {
            return Err(Error::damaged("a decision that is more than one line"));
        }
        lines.push(&line);
        take(&line)?;
    }
    Ok(lines)
}
