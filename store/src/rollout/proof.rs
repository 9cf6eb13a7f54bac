//! Whether something put a bundle into service that may: the signed record of an apply or a rollback, or a change by SQL
//! that triggers saw and the audit record has sealed. Anything else is served, and opens a critical incident.

use const_format::concatcp;
use lifecycle::{
    audit::{SealCheck, check_seal},
    authority::{Actor, Permission, Role, Via, authorize},
    incident::{
        Severity,
        draft::{ACKNOWLEDGE_WITHIN, INVESTIGATE_WITHIN},
    },
    signing::{self, Envelope, KeyRing},
};
use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::{missing_key, records};
use crate::{
    Result, Store,
    audit::row::{COLUMNS as AUDIT_COLUMNS, Row as AuditRow},
    bundles::row::Row,
    incidents::{self, UNPROVEN_SOURCE},
    system,
    work::Work,
};

/// What is known about how a bundle came into service.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Proof {
    /// A record that verifies put it there.
    Proven,
    /// A change by SQL will be sealed in a moment: look again.
    Pending,
    /// The record that put it there is signed with the key of this id, which is missing.
    MissingKey(String),
    /// Nothing that counts put it there; the reason is a clause.
    Unproven(String),
}

/// The newest change of a bundle that triggers recorded.
#[derive(sqlx::FromRow)]
struct Change {
    to_state: String,
    to_pct: i16,
    xid: String,
    audit_seq: Option<i64>,
}

/// Looks at every bundle in service. For one that nothing proves, a critical incident is opened, once for each time it
/// entered service. Returns whether everything was settled; if not, look again soon.
///
/// # Errors
/// The database failed.
pub async fn check_serving(store: &Store) -> Result<bool> {
    let keys = store.keys();
    let mut db = store.pool().acquire().await?;
    let (stable, canary) = system::arms(&mut db).await?;
    let mut settled = true;
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for row in [stable, canary].into_iter().flatten() {
        match prove(&mut db, &keys, &row).await? {
            Proof::Proven => {}
            Proof::Pending => settled = false,
            Proof::MissingKey(key_id) => missing.push(missing_key::of_bundle(&row.version, &key_id)),
            Proof::Unproven(reason) => found.push((row.id, reason)),
        }
    }
    drop(db);
    for unverified in missing {
        missing_key::report(store, &unverified).await?;
    }
    for (id, reason) in found {
        report(store, id, &reason).await?;
    }
    Ok(settled)
}

/// Opens the incident about a bundle, unless one was opened since the bundle entered service.
async fn report(store: &Store, id: i64, reason: &str) -> Result<()> {
    let system = Actor::new("system", [Role::SafetyOwner].into(), Via::Job);
    let mut work = Work::begin_serving(store, authorize(&system, Permission::HandleIncidents)?).await?;
    let (stable, canary) = system::arms(work.db()).await?;
    let Some(row) = [stable, canary].into_iter().flatten().find(|row| row.id == id) else { return Ok(()) };
    let known = incidents::unproven(work.db()).await?.into_iter().find(|(bundle, _)| *bundle == id);
    if let Some((_, incident)) = known
        && incidents::is_genuine(&mut work, &incident).await?
    {
        return Ok(());
    }
    tracing::error!(bundle = row.version, reason, "a bundle is served that nothing proves");
    let opening = incidents::Opening {
        title: format!("{} is served, and nothing proves that it may be", row.version),
        severity: Severity::Critical,
        source: UNPROVEN_SOURCE.to_owned(),
        agent: None,
        bundle: Some((row.id, row.version.clone())),
        description: format!(
            "{} serves at {} % although {reason}. It goes on being served. Find out who changed the database, verify the \
             audit record, and roll back or apply a reviewed bundle.",
            row.version, row.canary_pct
        ),
        ack_due_at: work.now.plus(ACKNOWLEDGE_WITHIN),
        investigate_due_at: work.now.plus(INVESTIGATE_WITHIN),
    };
    incidents::open(&mut work, opening).await?;
    work.commit().await
}

async fn prove(db: &mut PgConnection, keys: &KeyRing, row: &Row) -> Result<Proof> {
    let computed = row.source()?.digest().to_string();
    if computed != row.digest {
        return Ok(Proof::Unproven("its content is not what its digest says".to_owned()));
    }
    let newest: Option<Change> = sqlx::query_as(
        "select to_state, to_pct, xid::text as xid, audit_seq from policy_live_changes where bundle_id = $1
         order by id desc limit 1",
    )
    .bind(row.id)
    .fetch_optional(&mut *db)
    .await?;
    let Some(change) = newest else { return prove_older(db, keys, row).await };
    if (change.to_pct, change.to_state.as_str()) != (row.canary_pct, row.state.as_str()) {
        return Ok(Proof::Unproven("its share of traffic was changed without a trace".to_owned()));
    }
    match change.audit_seq {
        Some(seq) => Ok(prove_by_entry(keys, entry(db, seq).await?, row)),
        None => prove_by_record(db, keys, row, Some(&change.xid)).await,
    }
}

/// The proof by a signed record of this transaction, or, without a transaction, of any.
async fn prove_by_record(db: &mut PgConnection, keys: &KeyRing, row: &Row, xid: Option<&str>) -> Result<Proof> {
    let mut why = Proof::Unproven("no signed record of an apply or a rollback put it there".to_owned());
    let mut counts = |what: &str, refusal: std::result::Result<(), signing::SignatureError>| match refusal {
        Ok(()) => true,
        Err(refusal) => {
            why = match refusal.unknown_key() {
                Some(id) => Proof::MissingKey(id.to_owned()),
                None => Proof::Unproven(format!("the record of {what} cannot be relied on: {refusal}")),
            };
            false
        }
    };
    for record in records::applies_of(db, row.id, xid).await? {
        let is_this = record.to_pct == row.canary_pct && record.digest == row.digest;
        if is_this && counts("its apply", verify(keys, &record)) {
            return Ok(Proof::Proven);
        }
    }
    for record in records::rollbacks_to(db, row.id, xid).await? {
        if row.canary_pct == 100 && counts("the rollback to it", verify(keys, &record)) {
            return Ok(Proof::Proven);
        }
    }
    Ok(why)
}

fn verify<T: Envelope>(keys: &KeyRing, record: &T) -> std::result::Result<(), signing::SignatureError> {
    signing::verify(keys, record)
}

/// The proof for a bundle that entered service before changes were recorded.
async fn prove_older(db: &mut PgConnection, keys: &KeyRing, row: &Row) -> Result<Proof> {
    let by_record = prove_by_record(db, keys, row, None).await?;
    if by_record == Proof::Proven {
        return Ok(by_record);
    }
    let sql = concatcp!(
        "select ",
        AUDIT_COLUMNS,
        " from policy_lifecycle_audit where event_type = 'manual_failover' and subject_type = 'bundle' and subject_id = $1
         order by seq desc limit 1"
    );
    let entry: Option<AuditRow> = sqlx::query_as(sql).bind(row.id.to_string()).fetch_optional(db).await?;
    Ok(match entry {
        Some(entry) => prove_by_entry(keys, Some(entry.members()), row),
        None => by_record,
    })
}

/// The proof by the audit entry of a change by SQL.
fn prove_by_entry(keys: &KeyRing, entry: Option<Map<String, Value>>, row: &Row) -> Proof {
    let Some(entry) = entry else {
        return Proof::Unproven("the audit entry of the change by SQL that put it there is missing".to_owned());
    };
    let detail = entry.get("detail");
    let says = |name: &str| detail.and_then(|detail| detail.get(name));
    // Entries of earlier releases do not state the digest.
    let fits = entry.get("subject_id").and_then(Value::as_str) == Some(row.id.to_string().as_str())
        && says("to_pct").and_then(Value::as_i64) == Some(i64::from(row.canary_pct))
        && says("digest").and_then(Value::as_str).is_none_or(|digest| digest == row.digest);
    match check_seal(keys, &entry) {
        SealCheck::Genuine(_) if fits => Proof::Proven,
        SealCheck::Genuine(_) => Proof::Unproven("the newest change by SQL is another one".to_owned()),
        SealCheck::Unsealed => Proof::Pending,
        SealCheck::UnknownKey(id) => Proof::MissingKey(id),
        SealCheck::Altered => {
            Proof::Unproven("the audit entry of the change by SQL that put it there was edited".to_owned())
        }
    }
}

async fn entry(db: &mut PgConnection, seq: i64) -> Result<Option<Map<String, Value>>> {
    let sql = concatcp!("select ", AUDIT_COLUMNS, " from policy_lifecycle_audit where seq = $1");
    let row: Option<AuditRow> = sqlx::query_as(sql).bind(seq).fetch_optional(db).await?;
    Ok(row.map(AuditRow::members))
}
