//! `/oidc/…`: the way to the sign-in provider and back. Browsers follow these addresses as plain links; none of them is
//! a form, and none is part of the contract of the API.

use std::sync::Arc;

use app::{api::session::local_path, context::Caller};
use axum::{
    Extension, Router,
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, Uri, header};
use lifecycle::authority::{Actor, Credential, SignInRefused};
use serde::Deserialize;
use store::identities::{self, Pending};
use tower_sessions::Session;

use crate::{auth, error::ApiResult, http::response::no_such_path, oidc::Provider, state::AppState};

/// Seconds for which a browser keeps what binds a sign-in to it.
const COOKIE_SECONDS: u32 = 10 * 60;

/// The routes, behind a rate limit: each sign-in is a row in the database and a request to the provider.
pub fn router() -> Router<AppState> {
    let router = Router::new()
        .route("/oidc/start", get(start))
        .route("/oidc/link", get(link))
        .route("/oidc/callback", get(callback));
    match auth::sign_in_limit() {
        Some(limit) => router.layer(limit),
        None => router,
    }
}

#[derive(Default, Deserialize)]
struct Start {
    next: Option<String>,
}

/// The parameters of an address. One that cannot be read has none: the provider, or another site, made it up.
type Sent<T> = Result<Query<T>, QueryRejection>;

fn read<T: Default>(sent: Sent<T>) -> T {
    sent.map(|Query(parameters)| parameters).unwrap_or_default()
}

async fn start(State(state): State<AppState>, sent: Sent<Start>, uri: Uri) -> ApiResult<Response> {
    let start = read(sent);
    let provider = provider(&state, uri).await?;
    to_provider(&state, &provider, local_path(start.next.as_deref()), None).await
}

/// Links the account of the person who is signed in. Another site could lead a browser here whose provider it had signed in as
/// another person before, so the browser has to say that a page of this site did.
async fn link(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
) -> ApiResult<Response> {
    let provider = provider(&state, uri).await?;
    let from_here = headers.get("sec-fetch-site").is_some_and(|value| value == "same-origin");
    match caller.actor {
        None => Ok(Redirect::to("/sign-in?next=/me").into_response()),
        Some(actor) if !(from_here && has_session(&actor)) => Ok(refused(SignInRefused::NotFromHere, true)),
        Some(actor) if !store::people::is_confirmed(&state.store, &actor).await? => {
            Ok(refused(SignInRefused::NotConfirmed, true))
        }
        Some(actor) => to_provider(&state, &provider, "/me", Some(&actor)).await,
    }
}

/// What the provider sends a browser back with.
#[derive(Default, Deserialize)]
struct Callback {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

async fn callback(
    State(state): State<AppState>,
    sent: Sent<Callback>,
    Extension(caller): Extension<Caller>,
    Extension(session): Extension<Session>,
    headers: HeaderMap,
    uri: Uri,
) -> ApiResult<Response> {
    let callback: Callback = read(sent);
    let provider = provider(&state, uri).await?;
    let browser = kept(&headers, cookie_name(&state)).unwrap_or_default();
    let returned = callback.state.as_deref().unwrap_or_default();
    let pending = identities::take(&state.store, browser, returned).await?;
    let mut response = match pending {
        None => refuse(&state, &caller, SignInRefused::UsedUp, false),
        Some(pending) => {
            let links = pending.links.is_some();
            match finish(&state, &provider, callback, &pending, &caller, &session).await? {
                Ok(()) => Redirect::to(local_path(Some(&pending.next))).into_response(),
                Err(refused) => refuse(&state, &caller, refused, links),
            }
        }
    };
    set_cookie(&mut response, &state, "", 0);
    Ok(response)
}

/// Signs the person in, or links their account.
async fn finish(
    state: &AppState,
    provider: &Provider,
    callback: Callback,
    pending: &Pending,
    caller: &Caller,
    session: &Session,
) -> ApiResult<Result<(), SignInRefused>> {
    // An answer that another provider made does not go to this one.
    if callback.iss.as_deref().is_some_and(|issuer| issuer != provider.issuer()) {
        return Ok(Err(SignInRefused::NotTrusted));
    }
    let Some(code) = callback.code.filter(|_| callback.error.is_none()) else {
        return Ok(Err(SignInRefused::Declined));
    };
    let answer = match provider.complete(code, pending).await {
        Ok(answer) => answer,
        Err(refused) => return Ok(Err(refused)),
    };
    let Some(person_id) = pending.links else {
        let signed_in = identities::sign_in(&state.store, &answer.claims, &answer.secret, &caller.source).await?;
        return Ok(match signed_in {
            Ok(found) => {
                auth::begin_session(session, &found).await?;
                Ok(())
            }
            Err(refused) => Err(refused),
        });
    };
    let owner = store::people::by_id(&state.store, person_id).await?;
    let actor = caller.actor.as_ref().filter(|actor| has_session(actor));
    match actor.filter(|actor| owner.is_some_and(|owner| owner.email == actor.name)) {
        Some(actor) => Ok(identities::link(&state.store, actor, &answer.claims).await?.map(|_| ())),
        // Another person is signed in by now.
        None => Ok(Err(SignInRefused::UsedUp)),
    }
}

/// The provider of this server; without one, these addresses do not exist.
async fn provider(state: &AppState, uri: Uri) -> ApiResult<Arc<Provider>> {
    match &state.provider {
        Some(provider) => Ok(Arc::clone(provider)),
        None => Err(no_such_path(uri).await),
    }
}

/// Sends the browser to the provider, and has it keep what binds the sign-in to it.
async fn to_provider(state: &AppState, provider: &Provider, next: &str, links: Option<&Actor>) -> ApiResult<Response> {
    let begun = match provider.begin().await {
        Ok(begun) => begun,
        Err(why) => return Ok(refused(why, links.is_some())),
    };
    let started = identities::start(&state.store, &begun.nonce, &begun.verifier, next, links).await?;
    let mut response = Redirect::to(&provider.address(begun, started.state)).into_response();
    set_cookie(&mut response, state, &started.browser, COOKIE_SECONDS);
    Ok(response)
}

fn has_session(actor: &Actor) -> bool {
    matches!(actor.pass.credential, Some(Credential::Session(_)))
}

/// The page that explains a refusal, which is counted. Those that the store decided are counted there, by person.
fn refuse(state: &AppState, caller: &Caller, why: SignInRefused, links: bool) -> Response {
    let by_the_store = matches!(
        why,
        SignInRefused::NoRoles | SignInRefused::Disabled | SignInRefused::NoEmail | SignInRefused::EmailTaken
    );
    if !by_the_store {
        state.store.refusals().note_sign_in(&caller.source, &format!("sign-in provider: {why}"));
    }
    refused(why, links)
}

fn refused(why: SignInRefused, links: bool) -> Response {
    let page = if links { "/me" } else { "/sign-in" };
    Redirect::to(&format!("{page}?refused={why}")).into_response()
}

/// Browsers take the prefix only together with `Secure`, which they refuse without TLS.
fn cookie_name(state: &AppState) -> &'static str {
    if state.plain_http { "countersign_provider" } else { "__Host-countersign_provider" }
}

fn set_cookie(response: &mut Response, state: &AppState, value: &str, seconds: u32) {
    let secure = if state.plain_http { "" } else { "; Secure" };
    // Lax: the browser comes back from another site.
    let cookie = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", cookie_name(state));
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// The value of a cookie.
fn kept<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(found, _)| *found == name).map(|(_, value)| value).next()
}
