//! `/policy/system`: the bundles in service, the safety pause and the emergency switch.

use axum::{
    Json as Out, Router,
    extract::State,
    routing::{get, post},
};
use http::HeaderMap;
use lifecycle::{
    authority::Permission,
    problem::Code,
    system::{Changed, System},
};
use policy::bundle::Effect;
use serde::Deserialize;
use store::system::Engage;

use crate::{
    auth::{self, SignedIn},
    error::{ApiError, ApiResult},
    http::extract::{Json, OptionalJson},
    state::AppState,
};

/// The header with which a caller confirms that evaluation is to be disabled.
const OVERRIDE: &str = "x-emergency-override";

/// The recorded reason if the request has the header but no body.
const DEFAULT_REASON: &str = "Emergency override without a reason given";

/// The routes of the system.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/policy/system", get(show))
        .route("/policy/system/pause", post(pause))
        .route("/policy/system/pause/release", post(release))
        .route("/policy/system/disable", post(switch))
}

async fn show(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<System>> {
    Ok(Out(store::system::get(&state.store, &actor).await?))
}

async fn pause(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(body): Json<Engage>,
) -> ApiResult<Out<Changed>> {
    Ok(Out(store::system::pause(&state.store, &actor, body).await?))
}

#[derive(Deserialize)]
struct Release {
    remediation: String,
}

async fn release(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(body): Json<Release>,
) -> ApiResult<Out<Changed>> {
    Ok(Out(store::system::sign_release(&state.store, &actor, &body.remediation).await?))
}

#[derive(Deserialize)]
struct Switch {
    enabled: bool,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    bypass_effect: Option<Effect>,
}

impl Switch {
    /// The meaning of a request without a body: in an emergency, typing JSON takes too long.
    fn off() -> Self {
        Self { enabled: false, reason: Some(DEFAULT_REASON.to_owned()), bypass_effect: None }
    }
}

/// Disabling needs the header in addition to the permission; enabling does not, so that it cannot fail for lack of a
/// header.
async fn switch(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    headers: HeaderMap,
    OptionalJson(body): OptionalJson<Switch>,
) -> ApiResult<Out<Changed>> {
    auth::require(&actor, Permission::DisableEvaluation)?;
    let body = body.unwrap_or_else(Switch::off);
    if body.enabled {
        return Ok(Out(store::system::enable(&state.store, &actor, body.reason.as_deref()).await?));
    }
    let confirmed = headers.get(OVERRIDE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    if !confirmed {
        return Err(ApiError::new(
            Code::PreconditionRequired,
            "disabling evaluation lets everything pass unchecked: send the header `X-Emergency-Override: true` to say that \
             you mean it",
        ));
    }
    let reason = body.reason.unwrap_or_default();
    Ok(Out(store::system::disable(&state.store, &actor, &reason, body.bypass_effect).await?))
}
