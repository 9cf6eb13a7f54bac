//! `/me`: the caller's own account. Nobody else chooses a password, makes a personal token or ends a session here.

use app::context::Caller;
use axum::{
    Extension, Json as Out, Router,
    extract::{Path, State},
    routing::{delete, get, put},
};
use http::StatusCode;
use lifecycle::authority::{Identity, Permission, Person};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{identities, people, sessions, tokens};

use super::accounts::number;
use crate::{
    auth::{self, SignedIn},
    error::ApiResult,
    http::extract::Json,
    state::AppState,
};

/// The routes of the caller's own account.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/me", get(show))
        .route("/me/identity", delete(unlink))
        .route("/me/password", put(change_password))
        .route("/me/tokens", get(list_tokens).post(create_token))
        .route("/me/tokens/{id}", delete(revoke_token))
        .route("/me/sessions", get(list_sessions).delete(end_all))
        .route("/me/sessions/{id}", delete(end_session))
}

async fn show(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Extension(caller): Extension<Caller>,
) -> ApiResult<Out<Value>> {
    let identity = identities::own(&state.store, &actor).await?;
    Ok(Out(json!({
        "email": actor.name, "name": caller.name, "roles": actor.roles, "credential": actor.credential(),
        "signs_from": actor.pass.signs_from, "identity": identity,
    })))
}

async fn unlink(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<Identity>> {
    Ok(Out(identities::unlink(&state.store, &actor).await?))
}

#[derive(Deserialize)]
struct Passwords {
    old_password: String,
    new_password: String,
}

async fn change_password(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Extension(caller): Extension<Caller>,
    Json(body): Json<Passwords>,
) -> ApiResult<Out<Person>> {
    let Passwords { old_password, new_password } = body;
    Ok(Out(people::change_password(&state.store, &actor, &caller.source, &old_password, &new_password).await?))
}

async fn list_tokens(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<Value>> {
    let tokens = tokens::list_own(&state.store, &actor).await?;
    Ok(Out(json!({ "tokens": tokens, "next_cursor": null })))
}

/// Creates a token of the caller's own. This answer is the only one that contains the token itself.
async fn create_token(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Extension(caller): Extension<Caller>,
    Json(new): Json<tokens::NewOwnToken>,
) -> ApiResult<(StatusCode, Out<Value>)> {
    let (token, plain) = tokens::create_own(&state.store, &actor, &caller.source, new).await?;
    Ok((StatusCode::CREATED, Out(json!({ "token": plain, "details": token }))))
}

async fn revoke_token(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> ApiResult<Out<Value>> {
    auth::require(&actor, Permission::Read)?;
    Ok(Out(json!(tokens::revoke_own(&state.store, &actor, number(&id, "token")?).await?)))
}

async fn list_sessions(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<Value>> {
    let sessions = sessions::list_own(&state.store, &actor).await?;
    Ok(Out(json!({ "sessions": sessions, "next_cursor": null })))
}

async fn end_all(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<Value>> {
    let ended = people::sign_out_everywhere(&state.store, &actor).await?;
    Ok(Out(json!({ "ended_sessions": ended.sessions, "revoked_tokens": ended.revoked_tokens.len() })))
}

async fn end_session(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> ApiResult<Out<Value>> {
    auth::require(&actor, Permission::Read)?;
    sessions::end_own(&state.store, &actor, number(&id, "session")?).await?;
    Ok(Out(json!({ "ended_sessions": 1, "revoked_tokens": 0 })))
}
