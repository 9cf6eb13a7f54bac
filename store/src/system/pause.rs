//! The safety pause: engaging it, and the two signatures that end it.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, authorize},
    incident::{
        Severity,
        draft::{ACKNOWLEDGE_WITHIN, INVESTIGATE_WITHIN},
    },
    problem::{Code, Problem},
    system::{
        Changed, Pause, ReleaseRefused, ServingBundle, TICKET_TAG, TriggerReading,
        pause::{self as rules, Signed, Signing},
    },
};
use policy::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    release_record::store_release,
    required_text::{required_text, urgent_text},
    serving::read,
    switches::{switches, switches_locked},
    ticket::add_to_ticket,
    trigger,
};
use crate::{Error, Result, Store, held_roles, incidents, json, urgent, work::Work};

/// Maximum number of trigger metrics of a pause, and maximum characters of one.
const MAX_TRIGGERS: usize = 20;
const MAX_NAME_CHARS: usize = 100;
/// Maximum characters that an incident's title takes from the reason.
const MAX_TITLE_CHARS: usize = 120;

/// The body of `POST /policy/system/pause`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engage {
    /// The reason for the pause.
    pub reason: String,
    /// The ticket in which the pause is tracked; if absent, an incident is opened.
    #[serde(default)]
    pub ticket: Option<String>,
    /// The metrics that triggered the pause. Known metrics are measured before the release; others must be named in the
    /// remediation.
    #[serde(default)]
    pub trigger_metrics: Vec<String>,
}

/// Engages the safety pause. If two people do this at once, the second gets the pause of the first.
///
/// # Errors
/// Denied without [`Permission::Pause`]; a blank reason. Whatever else is odd stands in the answer's warnings.
pub async fn pause(store: &Store, actor: &Actor, order: Engage) -> Result<Changed> {
    let permit = authorize(actor, Permission::Pause)?;
    let mut warnings = Vec::new();
    let missing = "say why: the people it stops will read it";
    let reason = urgent_text("/reason", &order.reason, missing, &mut warnings)?;
    let ticket = order.ticket.as_deref().map(str::trim).filter(|ticket| !ticket.is_empty());
    let ticket = ticket.map(|ticket| urgent::storable("/ticket", ticket, MAX_NAME_CHARS, &mut warnings));
    let trigger_metrics = usable_triggers(&order.trigger_metrics, &mut warnings);
    // The live state changes only under this lock: an apply that has begun finishes first, a later one is refused.
    let mut work = Work::begin_serving(&store.urgent(), permit).await?;
    if let Some(first) = switches_locked(work.db()).await?.pause {
        let message = format!("{} has paused already: {}", first.by, first.reason);
        return Ok(Changed { system: read(work.db()).await?, message, warnings });
    }
    let serving = read(work.db()).await?;
    let serving: Vec<ServingBundle> = [serving.stable, serving.canary].into_iter().flatten().collect();
    let opening = ticket.is_none().then(|| incidents::Opening {
        title: format!("{TICKET_TAG}: {}", first_line(&reason)),
        severity: Severity::High,
        source: "policy.pause".to_owned(),
        agent: None,
        bundle: None,
        description: describe(&reason, &trigger_metrics, &serving),
        ack_due_at: work.now.plus(ACKNOWLEDGE_WITHIN),
        investigate_due_at: work.now.plus(INVESTIGATE_WITHIN),
    });
    let ticket = match &opening {
        Some(opening) => incidents::insert(&mut work, opening).await?,
        None => {
            let ticket = ticket.unwrap_or_default();
            add_to_ticket(&mut work, &ticket, &format!("Engaged a safety pause: {reason}"), json!({})).await?;
            ticket
        }
    };
    let pause = Pause {
        reason,
        ticket: Some(ticket.clone()),
        by: actor.name.clone(),
        since: work.now,
        trigger_metrics,
        release_signatures: Vec::new(),
    };
    store_pause(&mut work, Some(&pause)).await?;
    let candidates: Vec<i64> = serving.iter().map(|bundle| bundle.id).collect();
    let detail = json!({
        "reason": pause.reason, "ticket": ticket, "trigger_metrics": pause.trigger_metrics, "in_service": candidates,
    });
    let summary = format!("{} engaged a safety pause: {}", actor.name, first_line(&pause.reason));
    work.note(EventType::Paused, "system", "policy", summary, detail);
    if let Some(opening) = &opening {
        incidents::note_opened(&mut work, &ticket, opening);
    }
    let system = read(work.db()).await?;
    work.commit().await?;
    let message = format!(
        "Paused. Nothing enters service and nothing is approved until {} sign the release. It is tracked as {ticket}.",
        pause.still_needed()
    );
    Ok(Changed { system, message, warnings })
}

/// Signs the release of the pause in force. The second person's signature ends it.
///
/// # Errors
/// Denied without [`Permission::Pause`]; `invalid_transition` when no pause is in force; a blank remediation, or one
/// that leaves out a trigger that cannot be measured; `release_refused` for the same person or role again, and while a
/// trigger is not clear (`metrics` says which).
pub async fn sign_release(store: &Store, actor: &Actor, remediation: &str) -> Result<Changed> {
    let permit = authorize(actor, Permission::Pause)?;
    let remediation = required_text("/remediation", remediation, &ReleaseRefused::RemediationRequired.to_string())?;
    let measured = measure_triggers(store).await?;
    let mut work = Work::begin_serving(&store.urgent(), permit).await?;
    let Some(pause) = switches_locked(work.db()).await?.pause else {
        let detail = "no safety pause is in force: there is nothing to release";
        return Err(Problem::new(Code::InvalidTransition, detail).with("from", "running").with("to", "running").into());
    };
    // The roles of those who have signed are asked again, so a signature by someone who has lost theirs is gone.
    let standing = held_roles::standing(work.db()).await?;
    let mut pause = pause.as_of(&standing);
    let keys = store.keys();
    let first = pause.valid_signatures(&keys, &standing).next().is_some();
    // The triggers only matter to the second signature.
    let readings = match measured {
        _ if !first => Vec::new(),
        Some((since, readings)) if since == pause.since => readings,
        _ => return Err(Error::refused(Code::Conflict, "another pause began at the same moment; look again")),
    };
    let now = work.now;
    let context = Signing { keys: &keys, standing: &standing };
    let signed = rules::sign_release(&pause, actor, remediation, &readings, now, context)
        .map_err(|refusal| refused(refusal, &readings))?;
    let ticket = pause.ticket.clone().unwrap_or_default();
    let message = match signed {
        Signed::OneOfTwo(one) => {
            pause.release_signatures = vec![one.clone()];
            store_pause(&mut work, Some(&pause)).await?;
            let needed = pause.still_needed();
            let entry = format!("Signed the release of the pause, 1 of 2: {remediation}");
            add_to_ticket(&mut work, &ticket, &entry, json!({"roles": one.roles})).await?;
            let detail = json!({
                "ticket": ticket, "roles": one.roles, "remediation": one.remediation, "still_needed": needed,
                "signature": one.signature,
            });
            let summary = format!("{} signed the release of the safety pause, 1 of 2", actor.name);
            work.note(EventType::ReleaseSigned, "system", "policy", summary, detail);
            format!("1 of 2 signatures. Still needed: {needed}.")
        }
        Signed::Released(record) => {
            store_pause(&mut work, None).await?;
            let id = store_release(&mut work, &record).await?;
            let by: Vec<&str> = record.signatures.iter().map(|one| one.by.as_str()).collect();
            let entry =
                format!("Released the pause, 2 of 2 (release {id}, signed by {}): {remediation}", by.join(" and "));
            add_to_ticket(&mut work, &ticket, &entry, json!({"release_id": id, "signed_by": by})).await?;
            let detail = json!({
                "ticket": ticket, "release_id": id, "signed_by": by, "remediation": remediation,
                "paused_at": record.paused_at, "paused_by": record.paused_by, "metrics": record.metrics,
                "signature": record.signature,
            });
            let summary = format!("{} released the safety pause", by.join(" and "));
            work.note(EventType::Released, "system", "policy", summary, detail);
            "2 of 2 signatures: the pause is over. Applying, promoting and approving work again.".to_owned()
        }
    };
    let system = read(work.db()).await?;
    work.commit().await?;
    Ok(Changed { system, message, warnings: Vec::new() })
}

/// The triggers of the pause in force, with its beginning. They are measured before anything is locked, because rollbacks
/// wait for the lock.
async fn measure_triggers(store: &Store) -> Result<Option<(Timestamp, Vec<TriggerReading>)>> {
    let mut db = store.pool().acquire().await?;
    let Some(pause) = switches(&mut db).await?.pause else { return Ok(None) };
    Ok(Some((pause.since, trigger::read(&mut db, &pause).await?)))
}

fn refused(refusal: ReleaseRefused, readings: &[TriggerReading]) -> Error {
    let detail = refusal.to_string();
    match refusal {
        ReleaseRefused::RemediationRequired | ReleaseRefused::Unconfirmed(_) => {
            Problem::invalid_field("/remediation", detail).into()
        }
        ReleaseRefused::NoRole => Error::refused(Code::Forbidden, detail),
        ReleaseRefused::Signature(cause) => Error::Internal(format!("a release could not be signed: {cause}")),
        ReleaseRefused::SignedAlready(_) | ReleaseRefused::RoleTaken(_) => Error::refused(Code::ReleaseRefused, detail),
        ReleaseRefused::NotClear(_) => {
            let metrics = serde_json::to_value(readings).unwrap_or_default();
            Problem::new(Code::ReleaseRefused, detail).with("metrics", metrics).into()
        }
    }
}

/// Stores the pause in force; `None` ends it.
async fn store_pause(work: &mut Work, pause: Option<&Pause>) -> Result<()> {
    let text = pause.map(json::text).transpose()?;
    let by = work.actor().name.clone();
    sqlx::query("update system_state set pause = $1::json, changed_at = now(), changed_by = $2")
        .bind(text)
        .bind(by)
        .execute(work.db())
        .await?;
    Ok(())
}

/// The names without surrounding blanks, each once, as far as they can be kept.
fn usable_triggers(names: &[String], warnings: &mut Vec<String>) -> Vec<String> {
    let mut triggers: Vec<String> = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let name = urgent::storable(&format!("/trigger_metrics/{number}"), name, MAX_NAME_CHARS, warnings);
        if !name.is_empty() && !triggers.contains(&name) {
            triggers.push(name);
        }
    }
    if triggers.len() > MAX_TRIGGERS {
        warnings.push(format!(
            "`/trigger_metrics` names more than {MAX_TRIGGERS} metrics; the first {MAX_TRIGGERS} were taken"
        ));
        triggers.truncate(MAX_TRIGGERS);
    }
    triggers
}

fn first_line(reason: &str) -> String {
    let line = reason.lines().next().unwrap_or_default();
    if line.chars().count() <= MAX_TITLE_CHARS {
        return line.to_owned();
    }
    format!("{}…", line.chars().take(MAX_TITLE_CHARS).collect::<String>())
}

/// The description of the incident that tracks the pause.
fn describe(reason: &str, triggers: &[String], serving: &[ServingBundle]) -> String {
    let serving: Vec<String> = serving
        .iter()
        .map(|bundle| format!("{} (bundle {}) at {} %", bundle.version, bundle.id, bundle.canary_pct))
        .collect();
    let serving = if serving.is_empty() { "nothing".to_owned() } else { serving.join(", ") };
    let measured = if triggers.is_empty() { "none was named".to_owned() } else { triggers.join(", ") };
    format!(
        "{reason}\nTrigger metrics: {measured}.\nIn service then: {serving}.\nNothing enters service until a safety owner and a runtime owner have \
         signed the release. Rolling back and evaluating go on."
    )
}
