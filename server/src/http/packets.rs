//! `/policy/packets`: building review packets, reading them and acting on them.

use axum::{
    Json as Out, Router,
    extract::{Path, State},
    routing::{get, post},
};
use http::StatusCode;
use lifecycle::review::{Packet, Verdict};
use serde::Deserialize;
use store::packets::{BuildPacket, Filter};

use super::{
    input::{Json, Params},
    page::{Listed, listed},
    problem::Answer,
};
use crate::{auth::SignedIn, state::AppState};

/// The packet resource.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/policy/packets", get(list).post(build))
        .route("/policy/packets/{packet_id}", get(show))
        .route("/policy/packets/{packet_id}/actions", post(act))
}

async fn list(State(state): State<AppState>, SignedIn(actor): SignedIn, params: Params) -> Answer<Listed> {
    let filter = Filter {
        status: params.named("status", "a packet status such as `in_review` or `approved`")?,
        waiting_for: params.flag("waiting_for_me")?.then_some(&actor),
        limit: Some(params.limit()?),
        cursor: params.text("cursor"),
    };
    Ok(listed("packets", store::packets::list(&state.store, &actor, &filter).await?))
}

async fn build(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(asked): Json<BuildPacket>,
) -> Answer<(StatusCode, Out<Packet>)> {
    Ok((StatusCode::CREATED, Out(store::packets::build(&state.store, &actor, asked).await?)))
}

async fn show(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(packet_id): Path<String>,
) -> Answer<Out<Packet>> {
    Ok(Out(store::packets::get(&state.store, &actor, &packet_id).await?))
}

#[derive(Deserialize)]
struct Act {
    decision: Verdict,
    #[serde(default)]
    reason: Option<String>,
}

async fn act(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(packet_id): Path<String>,
    Json(asked): Json<Act>,
) -> Answer<Out<Packet>> {
    Ok(Out(store::packets::act(&state.store, &actor, &packet_id, asked.decision, asked.reason).await?))
}
