//! `/policy/packets`: building review packets, reading them, verifying them and acting on them.

use axum::{
    Json as Out, Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use lifecycle::review::{Evidence, Packet, Verdict, Verification, guardrails::GuardrailName};
use serde::Deserialize;
use store::packets::{BuildPacket, Filter};

use crate::{
    auth::SignedIn,
    error::ApiResult,
    http::{
        extract::{Json, Params},
        response::{List, created, to_list},
    },
    state::AppState,
};

/// The routes of packets.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/policy/packets", get(list).post(build))
        .route("/policy/packets/{packet_id}", get(show))
        .route("/policy/packets/{packet_id}/actions", post(act))
        .route("/policy/packets/{packet_id}/exceptions", post(sign_exception))
        .route("/policy/packets/{packet_id}/verify", post(verify))
        .route("/policy/packets/{packet_id}/evidence", get(evidence))
}

async fn list(State(state): State<AppState>, SignedIn(actor): SignedIn, params: Params) -> ApiResult<List> {
    let filter = Filter {
        status: params.named("status", "a packet status such as `in_review` or `approved`")?,
        waiting_for: params.flag("waiting_for_me")?.then_some(&actor),
        limit: Some(params.limit()?),
        cursor: params.text("cursor"),
    };
    Ok(to_list("packets", store::packets::list(&state.store, &actor, &filter).await?))
}

async fn build(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(body): Json<BuildPacket>,
) -> ApiResult<Response> {
    let packet = store::packets::build(&state.store, &actor, body).await?;
    Ok(created(&format!("/policy/packets/{}", packet.packet_id), Out(packet)))
}

async fn show(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(packet_id): Path<String>,
) -> ApiResult<Out<Packet>> {
    Ok(Out(store::packets::get(&state.store, &actor, &packet_id).await?))
}

/// Replays the corpus of the packet again. A difference is an answer, not an error.
async fn verify(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(packet_id): Path<String>,
) -> ApiResult<Out<Verification>> {
    Ok(Out(store::packets::verify(&state.store, &actor, &packet_id).await?))
}

/// The packet with its corpus: all that is needed to replay it without this server.
async fn evidence(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(packet_id): Path<String>,
) -> ApiResult<Out<Evidence>> {
    Ok(Out(store::packets::evidence(&state.store, &actor, &packet_id).await?))
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
    Json(body): Json<Act>,
) -> ApiResult<Out<Packet>> {
    Ok(Out(store::packets::act(&state.store, &actor, &packet_id, body.decision, body.reason).await?))
}

#[derive(Deserialize)]
struct Except {
    guardrail: GuardrailName,
    reason: String,
}

async fn sign_exception(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(packet_id): Path<String>,
    Json(body): Json<Except>,
) -> ApiResult<Out<Packet>> {
    let Except { guardrail, reason } = body;
    Ok(Out(store::packets::sign_exception(&state.store, &actor, &packet_id, guardrail, &reason).await?))
}
