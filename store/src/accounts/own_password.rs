//! Asking people for the password they have, or for a fresh sign-in at the provider.

use const_format::concatcp;
use lifecycle::{
    authority::{Actor, Credential, Permission, Role, Roles, Via, authorize},
    problem::{Code, Problem},
    settings::Passwords,
};

use super::{attempts, password};
use crate::{Error, Result, Store, names, settings};

/// Minutes for which a password that was given in a session, or a sign-in at the provider, counts.
const FRESH_MINUTES: i32 = 10;
/// What to do in order to link an account that has no password that counts.
const CHOOSE_FIRST: &str =
    "your account has no password that counts here: ask an administrator for a link to choose one first";
/// What to do without a password that counts here.
const SIGN_IN_AGAIN: &str = concatcp!(
    "a token outlives the session it is made with: sign in with the sign-in provider again, and make the token within ",
    FRESH_MINUTES,
    " minutes"
);

/// Asks a person who came with a session for the password, before something that outlives the session. A sign-in at the
/// provider a few minutes ago stands for it, and has to where the person has no password that counts. A person who came
/// with a token is not asked: what they make ends with it.
///
/// # Errors
/// `invalid_field` for a missing or wrong password, and for a sign-in too long ago; `too_many_requests` after wrong ones.
pub(super) async fn confirm(store: &Store, actor: &Actor, source: &str, given: Option<&str>) -> Result<()> {
    if actor.via != Via::Session {
        return Ok(());
    }
    let given = given.filter(|given| !given.is_empty());
    if given.is_none() && signed_in_afresh(store, actor).await? {
        return Ok(());
    }
    let refused = |detail: &str| -> Error { Problem::invalid_field("/password", detail).into() };
    let own: Option<(i64, Vec<String>, Option<String>)> =
        sqlx::query_as("select id, roles, password_hash from people where email = $1 and enabled")
            .bind(&actor.name)
            .fetch_optional(store.pool())
            .await?;
    // Who is no person is refused by what asks.
    let Some((id, roles, stored)) = own else { return Ok(()) };
    let stored = stored.ok_or_else(|| refused(SIGN_IN_AGAIN))?;
    if password_counts(store, id, &names::roles(&roles)?).await.is_err() {
        return Err(refused(SIGN_IN_AGAIN));
    }
    let given = given.ok_or_else(|| refused("give your password: a token outlives the session it is made with"))?;
    verify(store, actor, source, given, Some(stored), "/password").await
}

/// Whether this person may sign in without the sign-in provider. Where passwords do not count, only one administrator may.
///
/// # Errors
/// `forbidden` when the person may not.
pub(super) async fn password_counts(store: &Store, person_id: i64, roles: &Roles) -> Result<()> {
    let settings = settings::load(store.pool()).await?.sign_in;
    let administrator = settings.passwords == Passwords::Everyone || roles.contains(&Role::Admin);
    if settings.allows_password(person_id) && administrator {
        return Ok(());
    }
    let detail = "passwords are switched off in this workspace: sign in with the sign-in provider. If it fails, one \
                  administrator can still sign in here";
    Err(Error::refused(Code::Forbidden, detail))
}

/// Whether the actor's session began at the sign-in provider a few minutes ago.
async fn signed_in_afresh(store: &Store, actor: &Actor) -> Result<bool> {
    let Some(Credential::Session(number)) = actor.pass.credential else { return Ok(false) };
    Ok(sqlx::query_scalar(
        "select exists (select from sessions where id = $1 and provider_session is not null
             and created_at > now() - make_interval(mins => $2))",
    )
    .bind(number)
    .bind(FRESH_MINUTES)
    .fetch_one(store.pool())
    .await?)
}

/// Asks the actor for the password of the account; it counts in this session for a few minutes.
///
/// # Errors
/// Denied without [`Permission::Read`]; `invalid_field` for a wrong password, for an account without one that counts, and
/// without a session; `too_many_requests` after wrong ones.
pub async fn confirm_session(store: &Store, actor: &Actor, source: &str, given: &str) -> Result<()> {
    authorize(actor, Permission::Read)?;
    let refused = |detail: &str| -> Error { Problem::invalid_field("/password", detail).into() };
    let Some(Credential::Session(number)) = actor.pass.credential else {
        return Err(refused("a token has no session in which the password could count: sign in on the page"));
    };
    let (_, stored) = stored(store, actor).await?.ok_or_else(|| refused(CHOOSE_FIRST))?;
    if stored.is_none() {
        return Err(refused(CHOOSE_FIRST));
    }
    verify(store, actor, source, given, stored, "/password").await?;
    sqlx::query("update sessions set confirmed_at = now() where id = $1").bind(number).execute(store.pool()).await?;
    Ok(())
}

/// Whether the password was given in the actor's session a few minutes ago.
///
/// # Errors
/// The database failed.
pub async fn is_confirmed(store: &Store, actor: &Actor) -> Result<bool> {
    let Some(Credential::Session(number)) = actor.pass.credential else { return Ok(false) };
    Ok(sqlx::query_scalar(
        "select exists (select from sessions where id = $1 and confirmed_at > now() - make_interval(mins => $2))",
    )
    .bind(number)
    .bind(FRESH_MINUTES)
    .fetch_one(store.pool())
    .await?)
}

/// The actor's number and password hash, if the actor is an enabled person.
pub(super) async fn stored(store: &Store, actor: &Actor) -> Result<Option<(i64, Option<String>)>> {
    Ok(sqlx::query_as("select id, password_hash from people where email = $1 and enabled")
        .bind(&actor.name)
        .fetch_optional(store.pool())
        .await?)
}

/// Verifies the actor's own password; wrong ones count as failed sign-ins.
pub(super) async fn verify(
    store: &Store,
    actor: &Actor,
    source: &str,
    given: &str,
    stored: Option<String>,
    member: &'static str,
) -> Result<()> {
    let attempt = match attempts::begin(store, &actor.name, source).await {
        Ok(attempt) => attempt,
        Err(error) => {
            store.refusals().note_sign_in(source, &actor.name);
            return Err(error);
        }
    };
    if !password::verify(store, given.to_owned(), stored).await? {
        store.refusals().note_sign_in(source, &actor.name);
        return Err(Problem::invalid_field(member, "this is not your password now").into());
    }
    attempt.succeeded(store).await
}
