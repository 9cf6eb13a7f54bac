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
    http::{
        extract::{Emergency, Json},
        response::Served,
    },
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
    mut body: Emergency,
) -> ApiResult<Out<Served<Changed>>> {
    let order = Engage {
        reason: body.required("reason")?,
        ticket: body.optional("ticket"),
        trigger_metrics: body.optional("trigger_metrics").unwrap_or_default(),
    };
    let warnings = body.into_warnings();
    let changed = store::system::pause(&state.store, &actor, order).await?;
    Ok(Served::of(&state, with_warnings(warnings, changed)).await)
}

#[derive(Deserialize)]
struct Release {
    remediation: String,
}

async fn release(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(body): Json<Release>,
) -> ApiResult<Out<Served<Changed>>> {
    let changed = store::system::sign_release(&state.store, &actor, &body.remediation).await?;
    Ok(Served::of(&state, changed).await)
}

/// What changed, with what was odd about the request in front of the other warnings.
fn with_warnings(mut warnings: Vec<String>, changed: Changed) -> Changed {
    warnings.extend(changed.warnings);
    Changed { warnings, ..changed }
}

/// Disabling needs the header in addition to the permission; enabling does not, so that it cannot fail for lack of a
/// header.
async fn switch(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    headers: HeaderMap,
    mut body: Emergency,
) -> ApiResult<Out<Served<Changed>>> {
    auth::require(&actor, Permission::DisableEvaluation)?;
    // Without a body evaluation is switched off: in an emergency, typing JSON takes too long.
    let enabled = if body.is_empty { false } else { body.required("enabled")? };
    let reason = if body.is_empty { Some(DEFAULT_REASON.to_owned()) } else { body.optional("reason") };
    // `DENY` must not be ignored in favour of the default, which allows.
    body.ignore_case("bypass_effect");
    let bypass_effect: Option<Effect> = body.optional("bypass_effect");
    let warnings = body.into_warnings();
    if enabled {
        let changed = store::system::enable(&state.store, &actor, reason.as_deref()).await?;
        return Ok(Served::of(&state, with_warnings(warnings, changed)).await);
    }
    let confirmed = headers.get(OVERRIDE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    if !confirmed {
        return Err(ApiError::new(
            Code::PreconditionRequired,
            "disabling evaluation lets everything pass unchecked: send the header `X-Emergency-Override: true` to say that \
             you mean it",
        ));
    }
    let changed = store::system::disable(&state.store, &actor, &reason.unwrap_or_default(), bypass_effect).await?;
    Ok(Served::of(&state, with_warnings(warnings, changed)).await)
}
