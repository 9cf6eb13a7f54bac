//! Audit entries of what was refused, summed by source, or by actor and credential, and minute.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, Role, Via, authorize},
};
use serde_json::json;

use crate::{Result, Store, refusals::Kind, work::Work};

/// Writes the sums of refused sign-ins and requests since the last call into the audit record; returns how many entries
/// were written. Takes no actor: the system writes them. Sums that cannot be written are kept for the next call.
///
/// # Errors
/// The database failed.
pub async fn audit_refusals(store: &Store) -> Result<usize> {
    let sums = store.refusals().take();
    if sums.is_empty() {
        return Ok(0);
    }
    let system = Actor::new("system", [Role::Admin].into(), Via::Job);
    let permit = authorize(&system, Permission::Administer)?;
    let written = async {
        let mut work = Work::begin(store, permit).await?;
        for ((kind, who, credential), tally) in &sums {
            let times = if tally.count == 1 { "once".to_owned() } else { format!("{} times", tally.count) };
            match kind {
                Kind::SignIn => work.note(
                    EventType::SignInFailed,
                    "source",
                    who,
                    format!("signing in from {who} failed {times}"),
                    json!({"source": who, "count": tally.count, "accounts": tally.named}),
                ),
                Kind::Access => work.note(
                    EventType::AccessRefused,
                    "actor",
                    who,
                    format!("{who} was refused {times}"),
                    json!({
                        "actor": who, "credential": (!credential.is_empty()).then_some(credential),
                        "count": tally.count, "requests": tally.named,
                    }),
                ),
            }
        }
        work.commit().await
    }
    .await;
    if let Err(error) = written {
        store.refusals().put_back(sums);
        return Err(error);
    }
    Ok(sums.len())
}
