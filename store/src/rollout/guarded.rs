//! Whether the changes that claim to be a use case's are: of the switches, of people, tokens and settings, of proposals
//! and of the states of packets and drafts. A use case seals its audit entry in the transaction of the change, with a key
//! that the database does not have. A change without one was made by SQL that set `countersign.permit`.

use std::collections::BTreeMap;

use const_format::concatcp;
use lifecycle::{
    audit::{SealCheck, check_seal},
    authority::{Actor, Permission, Role, Via, authorize},
    incident::{
        Severity,
        draft::{ACKNOWLEDGE_WITHIN, INVESTIGATE_WITHIN},
    },
    signing::{self, KeyRing},
};
use serde_json::{Map, Value};
use sqlx::{PgConnection, types::Json};

use super::missing_key;
use crate::{
    Result, Store,
    audit::row::{COLUMNS as AUDIT_COLUMNS, Row as AuditRow},
    incidents::{self, UNAUDITED_SOURCE},
    work::Work,
};

/// How many changes are looked at in one go.
const BATCH: i64 = 500;

/// How far the recorded changes were looked at: the oldest transaction that may still add some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookedAt(Option<String>);

/// A recorded change that claims to be a use case's.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Change {
    id: i64,
    subject_type: String,
    subject_id: String,
    change: String,
    xid: String,
    role: String,
}

/// Looks at every change that was recorded since `from`. For a transaction in which something changed without an entry of
/// the audit record, a critical incident is opened, once. Returns from where to look next.
///
/// # Errors
/// The database failed.
pub async fn check_changes(store: &Store, from: &LookedAt) -> Result<LookedAt> {
    let keys = store.keys();
    let mut db = store.pool().acquire().await?;
    // Read before the changes: a transaction that is open now is looked at again.
    let next: String =
        sqlx::query_scalar("select pg_snapshot_xmin(pg_current_snapshot())::text").fetch_one(&mut *db).await?;
    let mut after = (from.0.clone().unwrap_or_else(|| "0".to_owned()), 0);
    loop {
        let changes: Vec<Change> = sqlx::query_as(
            "select id, subject_type, subject_id, change, xid::text as xid, role from policy_guarded_changes
             where audit_seq is null and (xid, id) > ($1::text::xid8, $2)
                 and ($4 or xid < pg_snapshot_xmax(pg_current_snapshot()))
             order by xid, id limit $3",
        )
        .bind(&after.0)
        .bind(after.1)
        .bind(BATCH)
        // Numbers that are still to come are those of the server that a backup was made on: looked at once, at the start.
        .bind(from.0.is_none())
        .fetch_all(&mut *db)
        .await?;
        let Some(last) = changes.last() else { break };
        after = (last.xid.clone(), last.id);
        let mut by_transaction: BTreeMap<String, Vec<Change>> = BTreeMap::new();
        for change in changes {
            by_transaction.entry(change.xid.clone()).or_default().push(change);
        }
        for (xid, changes) in by_transaction {
            match prove(&mut db, &keys, &xid, &changes).await? {
                Proof::Proven => {}
                Proof::MissingKey(id) => missing_key::report(store, &missing_key::of_changes(&xid, &id)).await?,
                Proof::Unproven => report(store, &xid, &changes).await?,
            }
        }
    }
    Ok(LookedAt(Some(next)))
}

enum Proof {
    Proven,
    /// The entry is sealed with the key of this id, which is missing.
    MissingKey(String),
    Unproven,
}

/// The proof by sealed entries of the same transaction. Entries that triggers wrote prove nothing but themselves.
async fn prove(db: &mut PgConnection, keys: &KeyRing, xid: &str, changes: &[Change]) -> Result<Proof> {
    let sql = concatcp!(
        "select ",
        AUDIT_COLUMNS,
        " from policy_lifecycle_audit where xid = $1::text::xid8 and via <> 'sql' and entry_hash is not null order by seq"
    );
    let rows: Vec<AuditRow> = sqlx::query_as(sql).bind(xid).fetch_all(&mut *db).await?;
    let mut genuine = Vec::new();
    let mut missing = None;
    for entry in rows.into_iter().map(AuditRow::members) {
        match check_seal(keys, &entry) {
            SealCheck::Genuine(_) => genuine.push(entry),
            SealCheck::UnknownKey(id) => missing = Some(id),
            SealCheck::Altered | SealCheck::Unsealed => {}
        }
    }
    let mut proven = !genuine.is_empty();
    for change in changes.iter().filter(|change| change.subject_type == "system") {
        proven &= says_so(db, keys, &genuine, change).await?;
    }
    Ok(match missing {
        _ if proven => Proof::Proven,
        Some(id) => Proof::MissingKey(id),
        None => Proof::Unproven,
    })
}

/// Whether an entry is about a change of the switches; the end of a pause needs its signed record, too.
async fn says_so(
    db: &mut PgConnection,
    keys: &KeyRing,
    entries: &[Map<String, Value>],
    change: &Change,
) -> Result<bool> {
    let events: &[&str] = match change.change.as_str() {
        "the pause was ended" => &["released"],
        "a pause was engaged" => &["paused"],
        "the pause was changed" => &["release_signed"],
        "evaluation was switched on" => &["evaluation_enabled"],
        _ => &["evaluation_disabled"],
    };
    // The past of the example workspace has one entry.
    let of_event = |entry: &&Map<String, Value>| {
        let event = entry.get("event_type").and_then(Value::as_str).unwrap_or_default();
        event == "demo_loaded" || events.contains(&event)
    };
    let Some(entry) = entries.iter().find(of_event) else { return Ok(false) };
    if entry.get("event_type").and_then(Value::as_str) != Some("released") {
        return Ok(true);
    }
    let id = entry.get("detail").and_then(|detail| detail.get("release_id")).and_then(Value::as_i64);
    let record: Option<Json<Value>> =
        sqlx::query_scalar("select record from policy_release_record where id = $1 and xid = $2::text::xid8")
            .bind(id)
            .bind(&change.xid)
            .fetch_optional(db)
            .await?;
    let record = record.and_then(|json| serde_json::from_value::<lifecycle::system::ReleaseRecord>(json.0).ok());
    Ok(record.is_some_and(|record| signing::verify(keys, &record).is_ok()))
}

/// Opens the incident about a transaction, unless there is one.
async fn report(store: &Store, xid: &str, changes: &[Change]) -> Result<()> {
    let system = Actor::new("system", [Role::SafetyOwner].into(), Via::Job);
    let mut work = Work::begin_serving(store, authorize(&system, Permission::HandleIncidents)?).await?;
    let title = format!("Changed without an entry in the audit record (transaction {xid})");
    if incidents::opened_by_system(&mut work, UNAUDITED_SOURCE, &title).await? {
        return Ok(());
    }
    let what: Vec<String> = changes
        .iter()
        .take(20)
        .map(|change| format!("{} {}: {}", change.subject_type, change.subject_id, change.change))
        .collect();
    let role = changes.first().map(|change| change.role.as_str()).unwrap_or_default();
    tracing::error!(xid, role, changes = what.join("; "), "something was changed without an entry in the audit record");
    let opening = incidents::Opening {
        title,
        severity: Severity::Critical,
        source: UNAUDITED_SOURCE.to_owned(),
        agent: None,
        bundle: None,
        description: format!(
            "The database role {role} changed this by SQL and posed as the program, so that no entry was written:\n{}\n\
             The changes are in force. Find out who has the password of that role, put right what was changed, and change \
             the password.",
            what.join("\n")
        ),
        ack_due_at: work.now.plus(ACKNOWLEDGE_WITHIN),
        investigate_due_at: work.now.plus(INVESTIGATE_WITHIN),
    };
    incidents::open(&mut work, opening).await?;
    work.commit().await
}
