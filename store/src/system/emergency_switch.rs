//! The emergency switch: turning evaluation off and on.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, authorize},
    system::{Changed, Disabled},
};
use policy::bundle::Effect;
use serde_json::json;

use super::{
    required_text::urgent_text,
    serving::read,
    switches::{Switches, switches_locked},
};
use crate::{Result, Store, json, work::Work};

/// Switches evaluation off: every question is answered with `bypass_effect` (allow when absent) and still logged. If
/// two people do this at once, the second gets the result of the first.
///
/// # Errors
/// Denied without [`Permission::DisableEvaluation`]; a blank reason.
pub async fn disable(store: &Store, actor: &Actor, reason: &str, bypass_effect: Option<Effect>) -> Result<Changed> {
    let permit = authorize(actor, Permission::DisableEvaluation)?;
    let mut warnings = Vec::new();
    let missing = "say why: evaluation stays off for all callers until it is enabled";
    let reason = &urgent_text("/reason", reason, missing, &mut warnings)?;
    let store = &store.urgent();
    let mut work = Work::begin(store, permit).await?;
    work.changes_live_state(store);
    let before = switches_locked(work.db()).await?;
    let effect = bypass_effect.unwrap_or(if before.enabled { Effect::Allow } else { before.bypass_effect });
    let since = before.disabled.clone();
    if !before.enabled && effect == before.bypass_effect {
        let by = since.map_or_else(|| "another administrator".to_owned(), |off| off.by);
        let message = format!("{by} has disabled evaluation already: every question is answered {effect}.");
        return Ok(Changed { system: read(work.db()).await?, message, warnings });
    }
    let off = Disabled { reason: reason.to_owned(), by: actor.name.clone(), since: work.now };
    let off = since.unwrap_or(off);
    sqlx::query(
        "update system_state set enabled = false, bypass_effect = $1, disabled = $2::json, changed_at = now(),
             changed_by = $3",
    )
    .bind(effect.name())
    .bind(json::text(&off)?)
    .bind(&actor.name)
    .execute(work.db())
    .await?;
    let detail = json!({"reason": reason, "bypass_effect": effect, "was_enabled": before.enabled});
    let summary = format!("{} disabled evaluation, answering {effect}: {reason}", actor.name);
    work.note(EventType::EvaluationDisabled, "system", "policy", summary, detail);
    let system = read(work.db()).await?;
    work.commit().await?;
    let message =
        format!("Evaluation is disabled: within a second every server answers {effect}, and still logs each question.");
    Ok(Changed { system, message, warnings })
}

/// Switches evaluation on again; changes nothing if it is on already.
///
/// # Errors
/// Denied without [`Permission::DisableEvaluation`].
pub async fn enable(store: &Store, actor: &Actor, reason: Option<&str>) -> Result<Changed> {
    let permit = authorize(actor, Permission::DisableEvaluation)?;
    let mut warnings = Vec::new();
    let reason = reason.filter(|reason| !reason.trim().is_empty());
    let reason = reason.map(|reason| urgent_text("/reason", reason, "", &mut warnings)).transpose()?;
    let store = &store.urgent();
    let mut work = Work::begin(store, permit).await?;
    work.changes_live_state(store);
    let Switches { enabled, disabled, bypass_effect, .. } = switches_locked(work.db()).await?;
    if enabled {
        let message = "Evaluation is enabled already.".to_owned();
        return Ok(Changed { system: read(work.db()).await?, message, warnings });
    }
    sqlx::query("update system_state set enabled = true, disabled = null, changed_at = now(), changed_by = $1")
        .bind(&actor.name)
        .execute(work.db())
        .await?;
    let detail = json!({"reason": reason, "bypass_effect": bypass_effect, "disabled": disabled});
    let summary = format!("{} enabled evaluation again", actor.name);
    work.note(EventType::EvaluationEnabled, "system", "policy", summary, detail);
    let system = read(work.db()).await?;
    work.commit().await?;
    let message = "Evaluation is enabled: within a second every server decides by policy again.".to_owned();
    Ok(Changed { system, message, warnings })
}
