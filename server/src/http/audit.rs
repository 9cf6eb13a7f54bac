//! `/policy/audit`: who decided what.

use axum::{Router, extract::State, routing::get};
use store::audit::Filter;

use super::{
    decisions::time_parameter,
    input::Params,
    page::{Listed, listed},
    problem::Answer,
};
use crate::{auth::SignedIn, state::AppState};

/// The audit record.
pub fn router() -> Router<AppState> {
    Router::new().route("/policy/audit", get(list))
}

async fn list(State(state): State<AppState>, SignedIn(actor): SignedIn, params: Params) -> Answer<Listed> {
    let filter = Filter {
        event_type: params.named("event_type", "a kind of event such as `applied` or `rolled_back`")?,
        actor: params.text("actor"),
        subject_type: params.text("subject_type"),
        subject_id: params.text("subject_id"),
        since: time_parameter(&params, "since")?,
        until: time_parameter(&params, "until")?,
        oldest_first: params.text("order").as_deref() == Some("oldest"),
        limit: Some(params.limit()?),
        cursor: params.text("cursor"),
    };
    Ok(listed("entries", store::audit::list(&state.store, &actor, &filter).await?))
}
