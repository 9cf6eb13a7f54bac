//! Moving an incident on.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, authorize},
    incident::{Incident, Status, Step, step::check_note},
    problem::{Code, Problem},
};
use serde_json::json;

use super::{
    post_mortem::is_missing,
    row::{add_timeline_entry, by_id},
};
use crate::{Error, Result, Store, names, work::Work};

/// Takes a step with an incident, with a note for its timeline. A step that was taken before changes nothing. The first
/// actor who moves an incident on acknowledges it.
///
/// # Errors
/// Denied without [`Permission::HandleIncidents`]; no such incident; `invalid_transition`; `post_mortem_required`; a
/// note that is too long.
pub async fn advance(store: &Store, actor: &Actor, id: &str, step: Step, note: Option<&str>) -> Result<Incident> {
    let permit = authorize(actor, Permission::HandleIncidents)?;
    let note = check_note(note)?;
    let mut work = Work::begin(store, permit).await?;
    let status: Option<String> = sqlx::query_scalar("select status from incidents where id = $1 for update")
        .bind(id.replace('\0', ""))
        .fetch_optional(work.db())
        .await?;
    let from: Status = names::read(&status.ok_or_else(|| Error::not_found("incident", id))?)?;
    if let Some(to) = step.from(from)? {
        if step == Step::Close {
            let incident = by_id(work.db(), id).await?;
            if is_missing(work.db(), &incident).await? {
                return Err(Problem::new(
                    Code::PostMortemRequired,
                    format!("{id} rolled back a bundle that served all traffic: save its post-mortem, then close it"),
                )
                .into());
            }
        }
        sqlx::query(reach(step)).bind(id).bind(to.name()).execute(work.db()).await?;
        sqlx::query(
            "update incidents set acknowledged_by = $2, acknowledged_at = now() where id = $1 and acknowledged_by is null",
        )
        .bind(id)
        .bind(&actor.name)
        .execute(work.db())
        .await?;
        let detail = json!({"from": from, "to": to, "note": note});
        add_timeline_entry(&mut work, id, format!("{} {note}", step.timeline_text()).trim_end(), detail.clone())
            .await?;
        work.note(EventType::IncidentUpdated, "incident", id, format!("{id} was {}", to.name()), detail);
    }
    let incident = by_id(work.db(), id).await?;
    work.commit().await?;
    Ok(incident)
}

/// Sets incident `$1` to status `$2` and records when the step was taken.
const fn reach(step: Step) -> &'static str {
    match step {
        Step::Acknowledge => "update incidents set status = $2, acknowledged_at = now() where id = $1",
        Step::Mitigate => "update incidents set status = $2, mitigated_at = now() where id = $1",
        Step::Resolve => "update incidents set status = $2, resolved_at = now() where id = $1",
        Step::Close => "update incidents set status = $2, closed_at = now() where id = $1",
    }
}
