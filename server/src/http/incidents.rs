//! `/incidents`: something went wrong with a policy and somebody has to look.

use axum::{
    Json as Out, Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use lifecycle::incident::Incident;
use store::incidents::{Filter, NewIncident};

use super::{
    created::created,
    input::{Json, Params},
    page::{Listed, listed},
    problem::Answer,
};
use crate::{auth::SignedIn, state::AppState};

/// The incident resource.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/incidents", get(list).post(create))
        .route("/incidents/{id}", get(show))
        .route("/incidents/{id}/ack", post(acknowledge))
}

async fn list(State(state): State<AppState>, SignedIn(actor): SignedIn, params: Params) -> Answer<Listed> {
    let filter = Filter {
        status: params.named("status", "`open`, `acknowledged`, `mitigated`, `resolved` or `closed`")?,
        severity: params.named("severity", "`low`, `medium`, `high` or `critical`")?,
        bundle_id: params.parse("bundle_id", "a bundle's number")?,
        limit: Some(params.limit()?),
        cursor: params.text("cursor"),
    };
    Ok(listed("incidents", store::incidents::list(&state.store, &actor, &filter).await?))
}

async fn create(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(new): Json<NewIncident>,
) -> Answer<Response> {
    let incident = store::incidents::create(&state.store, &actor, new).await?;
    Ok(created(&format!("/incidents/{}", incident.id), Out(incident)))
}

async fn show(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> Answer<Out<Incident>> {
    Ok(Out(store::incidents::get(&state.store, &actor, &id).await?))
}

async fn acknowledge(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> Answer<Out<Incident>> {
    Ok(Out(store::incidents::acknowledge(&state.store, &actor, &id).await?))
}
