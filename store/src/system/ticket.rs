//! The ticket in which a safety pause is tracked.

use serde_json::Value;

use super::switches::switches;
use crate::{Result, incidents, work::Work};

/// Adds a timeline entry to the ticket, if the ticket is an incident of this workspace.
pub(super) async fn add_to_ticket(work: &mut Work, ticket: &str, text: &str, detail: Value) -> Result<()> {
    let is_incident: bool = sqlx::query_scalar("select exists (select from incidents where id = $1)")
        .bind(ticket)
        .fetch_one(work.db())
        .await?;
    if is_incident {
        incidents::add_timeline_entry(work, ticket, text, detail).await?;
    }
    Ok(())
}

/// Adds a timeline entry to the ticket of the pause in force, if there is one: what is done during a pause belongs to
/// its timeline.
pub(crate) async fn add_to_ticket_in_force(work: &mut Work, text: &str, detail: Value) -> Result<()> {
    let ticket = switches(work.db()).await?.pause.and_then(|pause| pause.ticket);
    match ticket {
        Some(ticket) => add_to_ticket(work, &ticket, text, detail).await,
        None => Ok(()),
    }
}
