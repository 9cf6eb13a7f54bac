//! `/users` and `/tokens`, for administrators; `/users/proposals`, where safety owners countersign new roles.

use axum::{
    Json as Out, Router,
    extract::{Path, State},
    routing::{delete, get, post, put},
};
use http::StatusCode;
use lifecycle::{
    authority::{Actor, Permission, Person, Role, Roles},
    problem::Problem,
};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{
    people::{self, NewPerson},
    tokens::NewServiceToken,
};

use crate::{
    auth::{self, SignedIn},
    error::{ApiError, ApiResult},
    http::extract::{Json, OptionalJson},
    state::AppState,
};

/// The routes of people, proposals and tokens.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/users", get(users).post(invite))
        .route("/users/proposals", get(proposals))
        .route("/users/proposals/{id}/accept", post(accept))
        .route("/users/proposals/{id}/reject", post(reject))
        .route("/users/{id}/roles", put(set_roles))
        .route("/users/{id}/disable", post(disable))
        .route("/users/{id}/enable", post(enable))
        .route("/users/{id}/reset", post(reset))
        .route("/tokens", get(tokens).post(create_token))
        .route("/tokens/{id}", delete(revoke_token))
}

async fn users(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<Value>> {
    let people = people::list(&state.store, &actor).await?;
    Ok(Out(json!({ "users": people, "next_cursor": null })))
}

/// What comes of a link besides its making.
#[derive(Debug, Default, Deserialize)]
struct LinkOptions {
    /// Whether the administrator wants the link to hand it over, although mail could be sent.
    #[serde(default)]
    hand_over: bool,
}

/// The members of [`NewPerson`] and of [`LinkOptions`], in one struct, so that an unknown one is noticed.
#[derive(Debug, Deserialize)]
struct Invitation {
    email: String,
    name: String,
    roles: Roles,
    #[serde(default)]
    hand_over: bool,
}

async fn invite(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(invitation): Json<Invitation>,
) -> ApiResult<(StatusCode, Out<Value>)> {
    let Invitation { email, name, roles, hand_over } = invitation;
    let (new, delivery) = (NewPerson { email, name, roles }, state.links.delivery(hand_over));
    let invited = people::invite(&state.store, &actor, &new, delivery).await?;
    let sent = state.links.invitation(&invited.person, &invited.link, delivery).await;
    state.links.announce(&state.store).await;
    let body = json!({ "user": invited.person, "invitation": sent, "proposal": invited.proposal });
    Ok((StatusCode::CREATED, Out(body)))
}

async fn reset(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
    OptionalJson(options): OptionalJson<LinkOptions>,
) -> ApiResult<Out<Value>> {
    let person = person(&state, &actor, &id).await?;
    let delivery = state.links.delivery(options.unwrap_or_default().hand_over);
    let reset = people::reset(&state.store, &actor, &person.email, delivery).await?;
    let sent = state.links.reset(&reset, delivery).await;
    state.links.announce(&state.store).await;
    Ok(Out(json!({ "user": reset.person, "reset": sent, "revoked_tokens": reset.revoked_tokens })))
}

#[derive(Debug, Deserialize)]
struct RolesBody {
    roles: Roles,
}

async fn set_roles(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
    Json(body): Json<RolesBody>,
) -> ApiResult<Out<people::RolesSet>> {
    let person = person(&state, &actor, &id).await?;
    let set = people::set_roles(&state.store, &actor, &person.email, body.roles).await?;
    state.links.announce(&state.store).await;
    Ok(Out(set))
}

async fn disable(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> ApiResult<Out<people::Disabled>> {
    let person = person(&state, &actor, &id).await?;
    Ok(Out(people::set_enabled(&state.store, &actor, &person.email, false).await?))
}

async fn enable(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> ApiResult<Out<people::Disabled>> {
    let person = person(&state, &actor, &id).await?;
    let enabled = people::set_enabled(&state.store, &actor, &person.email, true).await?;
    state.links.announce(&state.store).await;
    Ok(Out(enabled))
}

async fn proposals(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<Value>> {
    let proposals = people::proposals(&state.store, &actor).await?;
    Ok(Out(json!({ "proposals": proposals, "next_cursor": null })))
}

async fn accept(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> ApiResult<Out<Person>> {
    auth::require(&actor, Permission::Countersign)?;
    Ok(Out(people::accept_roles(&state.store, &actor, number(&id, "proposal")?).await?))
}

async fn reject(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> ApiResult<Out<Value>> {
    auth::require(&actor, Permission::Read)?;
    Ok(Out(json!(people::reject_roles(&state.store, &actor, number(&id, "proposal")?).await?)))
}

async fn tokens(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<Value>> {
    let tokens = store::tokens::list(&state.store, &actor).await?;
    Ok(Out(json!({ "tokens": tokens, "next_cursor": null })))
}

/// The body of `POST /tokens`. Members of former times are read to say what to do instead.
#[derive(Debug, Deserialize)]
struct TokenBody {
    name: String,
    agents: Option<Vec<String>>,
    #[serde(default)]
    reporter: bool,
    expires_in_days: Option<u32>,
    email: Option<Value>,
    roles: Option<Roles>,
    expires_at: Option<Value>,
}

/// Creates a token of a program. This answer is the only one that contains the token itself.
async fn create_token(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Json(body): Json<TokenBody>,
) -> ApiResult<(StatusCode, Out<Value>)> {
    auth::require(&actor, Permission::Administer)?;
    if body.email.is_some() || body.roles.as_ref().is_some_and(|roles| *roles != Roles::from([Role::Service])) {
        let member = if body.email.is_some() { "/email" } else { "/roles" };
        let detail = "a token that carries a person's roles is made by that person, with `POST /me/tokens`; tokens made \
                      here are for programs, which have the role `service`";
        return Err(ApiError(Problem::invalid_field(member, detail)));
    }
    if body.expires_at.is_some() {
        let detail = "say how long the token is valid with `expires_in_days`";
        return Err(ApiError(Problem::invalid_field("/expires_at", detail)));
    }
    let new = NewServiceToken {
        name: body.name,
        agents: body.agents.unwrap_or_default(),
        reporter: body.reporter,
        expires_in_days: body.expires_in_days,
    };
    let (token, plain) = store::tokens::create_service(&state.store, &actor, new).await?;
    Ok((StatusCode::CREATED, Out(json!({ "token": plain, "details": token }))))
}

async fn revoke_token(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Path(id): Path<String>,
) -> ApiResult<Out<Value>> {
    Ok(Out(json!(store::tokens::revoke(&state.store, &actor, number(&id, "token")?).await?)))
}

/// The person with the number in the path.
async fn person(state: &AppState, actor: &Actor, id: &str) -> ApiResult<Person> {
    auth::require(actor, Permission::Administer)?;
    Ok(people::get(&state.store, actor, number(id, "person")?).await?)
}

/// The number in the path of a thing of the kind `what`.
pub(super) fn number(id: &str, what: &str) -> ApiResult<i64> {
    id.parse().map_err(|_| ApiError::not_found(format_args!("{what} `{id}`: they are numbered")))
}
