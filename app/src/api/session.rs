//! Signing in and out.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{AppError, Reply};

/// A person of the demo workspace, for a one-click card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoPerson {
    /// Their email.
    pub email: String,
    /// Their name.
    pub name: String,
    /// A summary of their roles.
    pub part: String,
}

/// The ways to sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInMethods {
    /// What people call the sign-in provider, if there is one.
    pub provider: Option<String>,
    /// Whether everyone who has a password may use it; otherwise one administrator may.
    pub passwords: bool,
}

/// Says how people sign in here.
///
/// # Errors
/// `unavailable` when the database cannot be read.
#[server(prefix = "/api", endpoint = "session/ways", output = Reply)]
pub async fn sign_in_ways() -> Result<SignInMethods, AppError> {
    let context = crate::context::app_context()?;
    let passwords = store::settings::who_has_passwords(&context.store).await?;
    Ok(SignInMethods {
        provider: context.provider.map(|name| name.to_string()),
        passwords: passwords == lifecycle::settings::Passwords::Everyone,
    })
}

/// Checks email and password, begins a session and redirects to `next`.
///
/// # Errors
/// `unauthenticated` when email or password is wrong; `too_many_requests` after too many wrong passwords; `forbidden`
/// where passwords do not count.
#[server(prefix = "/api", endpoint = "session/sign-in", output = Reply)]
pub async fn sign_in(email: String, password: String, next: Option<String>) -> Result<(), AppError> {
    let store = crate::context::app_context()?.store;
    let source = crate::context::caller().source;
    let signed_in = store::people::sign_in(&store, &email, &password, &source).await?.ok_or_else(|| {
        AppError::new(
            lifecycle::problem::Code::Unauthenticated,
            "Email or password is wrong. Check both and try again.",
        )
    })?;
    server::begin(&signed_in).await?;
    leptos_axum::redirect(local_path(next.as_deref()));
    Ok(())
}

/// Signs in as a person of the demo workspace, without a password. Only `serve --demo` allows it.
///
/// # Errors
/// `forbidden` without `--demo`, and for people who are not of the demo workspace.
#[server(prefix = "/api", endpoint = "session/demo-sign-in", output = Reply)]
pub async fn demo_sign_in(email: String, next: Option<String>) -> Result<(), AppError> {
    let refused =
        || AppError::new(lifecycle::problem::Code::Forbidden, "One-click sign-in is for the demo's people only.");
    let person = server::demo_people().await?.into_iter().find(|person| person.email == email).ok_or_else(refused)?;
    let store = crate::context::app_context()?.store;
    let source = crate::context::caller().source;
    let signed_in = store::people::sign_in_to_demo(&store, &person.email, &source).await?.ok_or_else(refused)?;
    server::begin(&signed_in).await?;
    leptos_axum::redirect(local_path(next.as_deref()));
    Ok(())
}

/// The people of the demo workspace; empty without `--demo`.
///
/// # Errors
/// `unavailable` when the database cannot be read.
#[server(prefix = "/api", endpoint = "session/demo-people", output = Reply)]
pub async fn demo_people() -> Result<Vec<DemoPerson>, AppError> {
    let people = server::demo_people().await?;
    Ok(people
        .into_iter()
        .map(|person| DemoPerson {
            part: person.roles.iter().map(|role| role_summary(*role)).collect::<Vec<_>>().join("; "),
            email: person.email,
            name: person.name,
        })
        .collect())
}

/// The person that a one-time link is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkHolder {
    /// Their email.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Whether they were invited; otherwise they choose a new password.
    pub invited: bool,
}

/// Looks a one-time link up.
///
/// # Errors
/// `not_found` for a link that does not work.
#[server(prefix = "/api", endpoint = "session/open-link", output = Reply)]
pub async fn open_link(code: String) -> Result<LinkHolder, AppError> {
    let link = store::links::open(&crate::context::app_context()?.store, &code).await?;
    Ok(LinkHolder { email: link.email, name: link.name, invited: link.invitation })
}

/// Chooses a password with a one-time link, begins a session and redirects to the first page.
///
/// # Errors
/// `not_found` for a link that does not work; `invalid_field` for a weak password.
#[server(prefix = "/api", endpoint = "session/join", output = Reply)]
pub async fn join(code: String, password: String) -> Result<(), AppError> {
    let store = crate::context::app_context()?.store;
    let signed_in = store::people::redeem(&store, &code, &password).await?;
    server::begin(&signed_in).await?;
    leptos_axum::redirect("/");
    Ok(())
}

/// Ends the session.
///
/// # Errors
/// `unavailable` when the session cannot be deleted.
#[server(prefix = "/api", endpoint = "session/sign-out", output = Reply)]
pub async fn sign_out() -> Result<(), AppError> {
    // First, so that nothing keeps a person signed in.
    server::session()?.flush().await.map_err(server::broken)?;
    if let Ok(actor) = crate::context::actor() {
        store::people::sign_out(&crate::context::app_context()?.store, &actor).await?;
    }
    leptos_axum::redirect("/sign-in");
    Ok(())
}

/// A short description of a role.
pub const fn role_summary(role: lifecycle::authority::Role) -> &'static str {
    use lifecycle::authority::Role;
    match role {
        Role::Author => "writes policy",
        Role::RevenueOps => "writes and reviews for the business",
        Role::Approver => "signs packets off",
        Role::RuntimeOwner => "rolls out and back",
        Role::SafetyOwner => "stops things",
        Role::Admin => "manages people and settings",
        Role::Viewer => "reads",
        Role::Service => "asks for decisions",
    }
}

/// `next` if it is a path on this site, otherwise the first page. `//host` and `/\host` would lead to other sites.
pub fn local_path(next: Option<&str>) -> &str {
    match next {
        Some(path)
            if path.starts_with('/')
                && !path.starts_with("//")
                && !path.starts_with("/\\")
                && !path.chars().any(|c| c.is_control())
                && path.is_ascii() =>
        {
            path
        }
        _ => "/",
    }
}

#[cfg(feature = "ssr")]
mod server {
    use lifecycle::{
        authority::{Person, Role},
        problem::Code,
    };
    use store::{
        people::SignedIn,
        sessions::{BEGUN, PERSON_ID},
    };
    use tower_sessions::Session;

    use crate::{context, error::AppError};

    /// The request's session.
    pub fn session() -> Result<Session, AppError> {
        leptos::prelude::use_context::<http::request::Parts>()
            .and_then(|parts| parts.extensions.get::<Session>().cloned())
            .ok_or_else(|| {
                tracing::error!("a server function ran without the session layer");
                AppError::new(Code::Internal, "Something went wrong on the server. It has been logged.")
            })
    }

    /// Takes up the session that signing in began, under its new id, so that an id planted by an attacker is worthless.
    pub async fn begin(signed_in: &SignedIn) -> Result<(), AppError> {
        let session = session()?;
        session.cycle_id().await.map_err(broken)?;
        session.insert(PERSON_ID, signed_in.person.id).await.map_err(broken)?;
        session.insert(BEGUN, signed_in.session.to_string()).await.map_err(broken)
    }

    pub fn broken(error: tower_sessions::session::Error) -> AppError {
        tracing::error!(%error, "a session cannot be written");
        AppError::new(Code::Unavailable, "Sessions cannot be written at the moment. Try again in a minute.")
    }

    /// The people of the demo workspace, in the order of the permission table; empty without `--demo`.
    pub async fn demo_people() -> Result<Vec<Person>, AppError> {
        let context = context::app_context()?;
        let mut people = Vec::new();
        for &role in Role::ALL {
            if context.demo && role != Role::Service {
                people.extend(store::people::by_email(&context.store, &store::demo::email(role)).await?);
            }
        }
        Ok(people)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_followed() {
        for other in ["https://example.test/", "//example.test", "/\\example.test", "javascript:alert(1)", "", "/a\nb"]
        {
            assert_eq!(local_path(Some(other)), "/", "{other}");
        }
        assert_eq!(local_path(Some("/studio/3?tab=source")), "/studio/3?tab=source");
        assert_eq!(local_path(None), "/");
    }
}
