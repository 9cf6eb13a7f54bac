//! `/policy/system`: what is live, the safety pause and the emergency switch.

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

use super::{
    input::{Json, OptionalJson},
    problem::{ApiError, ApiResult},
};
use crate::{
    auth::{self, SignedIn},
    state::AppState,
};

/// Says that whoever disables evaluation means it.
const OVERRIDE: &str = "x-emergency-override";

/// The reason on record when the header came without a body.
const BARE_REASON: &str = "Emergency override without a reason given";

/// The system resource.
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
    Json(order): Json<Engage>,
) -> ApiResult<Out<Changed>> {
    Ok(Out(store::system::pause(&state.store, &actor, order).await?))
}

#[derive(Deserialize)]
struct Release {
    remediation: String,
}

async fn release(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(asked): Json<Release>,
) -> ApiResult<Out<Changed>> {
    Ok(Out(store::system::sign_release(&state.store, &actor, &asked.remediation).await?))
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
    /// What the header alone means: in an emergency nobody types JSON.
    fn off() -> Self {
        Self { enabled: false, reason: Some(BARE_REASON.to_owned()), bypass_effect: None }
    }
}

/// Switching off needs the header besides the role; switching on again must not fail for want of it.
async fn switch(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    headers: HeaderMap,
    OptionalJson(asked): OptionalJson<Switch>,
) -> ApiResult<Out<Changed>> {
    auth::require(&actor, Permission::DisableEvaluation)?;
    let asked = asked.unwrap_or_else(Switch::off);
    if asked.enabled {
        return Ok(Out(store::system::enable(&state.store, &actor, asked.reason.as_deref()).await?));
    }
    let meant = headers.get(OVERRIDE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    if !meant {
        return Err(ApiError::new(
            Code::PreconditionRequired,
            "disabling evaluation lets everything pass unchecked: send the header `X-Emergency-Override: true` to say that \
             you mean it",
        ));
    }
    let reason = asked.reason.unwrap_or_default();
    Ok(Out(store::system::disable(&state.store, &actor, &reason, asked.bypass_effect).await?))
}
