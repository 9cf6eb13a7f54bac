//! Promotion without a person, where the settings allow it.

use lifecycle::{
    authority::{Actor, Role, Via},
    bundle::{Record, State},
    problem::{Code, Problem},
    rollout::{gates, promotion},
};
use policy::Timestamp;
use time::OffsetDateTime;

use super::{apply::stage_of, measure::measure, promote::promote};
use crate::{
    Result, Store,
    bundles::row::{self as bundle_row},
    settings, system,
};

/// Promotes the canary to its next stage if the settings say so and time and gates allow it. Of several servers one does; what
/// holds a person's promotion holds this one as well.
///
/// # Errors
/// The database failed; nothing was done.
pub async fn promote_when_due(store: &Store) -> Result<Option<Record>> {
    let mut db = store.pool().acquire().await?;
    let config = settings::load(&mut *db).await?.gates;
    if !config.automatic_promotion {
        return Ok(None);
    }
    let Some(canary) = bundle_row::canary(&mut db).await? else { return Ok(None) };
    let Some((stage, started)) = stage_of(&canary).filter(|_| canary.state().is_ok_and(|state| state == State::Canary))
    else {
        return Ok(None);
    };
    let now: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(&mut *db).await?;
    let now = Timestamp::from(now);
    // Measuring is the dear part.
    if started.is_none_or(|started| promotion::seconds_remaining(started, now, &config) > 0) {
        return Ok(None);
    }
    let stable = bundle_row::stable(&mut db).await?;
    let measured = measure(&mut db, &canary, stable.as_ref(), &config).await?;
    let report = gates::evaluate_counts(&measured.counts, &config);
    let paused = system::refuse_when_paused(&mut db).await.is_err();
    let due = promotion::promote_automatically(stage, started, now, &config, &report, paused);
    drop(db);
    let Some(target) = due else { return Ok(None) };
    let service = Actor::new("system", [Role::RuntimeOwner].into(), Via::Job);
    match promote(store, &service, canary.id, target).await {
        Ok(record) => Ok(Some(record)),
        // Another server, a person, or a pause came first.
        Err(error) if error.is_unavailable() => Err(error),
        Err(error) => match Problem::from(error) {
            problem if problem.code == Code::Internal => Err(problem.into()),
            problem => {
                tracing::info!(detail = problem.detail, "a promotion was due and did not happen");
                Ok(None)
            }
        },
    }
}
