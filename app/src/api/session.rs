//! Signing in and out.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{AppError, Reply};

/// Somebody of the example workspace, for a one-click card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoPerson {
    /// Their email.
    pub email: String,
    /// Their name.
    pub name: String,
    /// What they are there to do.
    pub part: String,
}

/// Checks email and password, begins a session and leads to `next`.
///
/// # Errors
/// `unauthenticated` when they do not fit; `too_many_requests` after too many wrong passwords.
#[server(prefix = "/api", endpoint = "session/sign-in", output = Reply)]
pub async fn sign_in(email: String, password: String, next: Option<String>) -> Result<(), AppError> {
    let store = crate::context::app_context()?.store;
    let person = store::people::sign_in(&store, &email, &password).await?.ok_or_else(|| {
        AppError::new(
            lifecycle::problem::Code::Unauthenticated,
            "Email or password is wrong. Check both and try again.",
        )
    })?;
    server::begin(person.id).await?;
    leptos_axum::redirect(inside(next.as_deref()));
    Ok(())
}

/// Signs in as somebody of the example workspace, without a password. Only `serve --demo` allows it.
///
/// # Errors
/// `forbidden` outside the demo, and for anybody who is not of the example workspace.
#[server(prefix = "/api", endpoint = "session/demo-sign-in", output = Reply)]
pub async fn demo_sign_in(email: String, next: Option<String>) -> Result<(), AppError> {
    let refused =
        || AppError::new(lifecycle::problem::Code::Forbidden, "One-click sign-in is for the demo's people only.");
    let person = server::demo_people().await?.into_iter().find(|person| person.email == email).ok_or_else(refused)?;
    server::begin(person.id).await?;
    leptos_axum::redirect(inside(next.as_deref()));
    Ok(())
}

/// The people to offer as cards: none outside the demo.
///
/// # Errors
/// The database cannot be read.
#[server(prefix = "/api", endpoint = "session/demo-people", output = Reply)]
pub async fn demo_people() -> Result<Vec<DemoPerson>, AppError> {
    let people = server::demo_people().await?;
    Ok(people
        .into_iter()
        .map(|person| DemoPerson {
            part: person.roles.iter().map(|role| part_of(*role)).collect::<Vec<_>>().join("; "),
            email: person.email,
            name: person.name,
        })
        .collect())
}

/// Ends the session.
///
/// # Errors
/// The session cannot be deleted.
#[server(prefix = "/api", endpoint = "session/sign-out", output = Reply)]
pub async fn sign_out() -> Result<(), AppError> {
    if let Ok(actor) = crate::context::actor() {
        store::people::sign_out(&crate::context::app_context()?.store, &actor).await?;
    }
    server::session()?.flush().await.map_err(server::broken)?;
    leptos_axum::redirect("/sign-in");
    Ok(())
}

/// What a role is there to do, in a few words.
pub const fn part_of(role: lifecycle::authority::Role) -> &'static str {
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

/// `next` when it is a path of ours, else the first page. `//host` and `/\host` would lead to other sites.
pub fn inside(next: Option<&str>) -> &str {
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
    use store::sessions::PERSON_ID;
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

    /// Ties the session to a person, under a new id so that one planted before is worthless.
    pub async fn begin(person_id: i64) -> Result<(), AppError> {
        let session = session()?;
        session.cycle_id().await.map_err(broken)?;
        session.insert(PERSON_ID, person_id).await.map_err(broken)
    }

    pub fn broken(error: tower_sessions::session::Error) -> AppError {
        tracing::error!(%error, "a session cannot be written");
        AppError::new(Code::Unavailable, "Sessions cannot be written at the moment. Try again in a minute.")
    }

    /// The example workspace's people, in the order of the permission table; none outside the demo.
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
    fn nobody_is_led_to_another_site() {
        for outside in
            ["https://example.test/", "//example.test", "/\\example.test", "javascript:alert(1)", "", "/a\nb"]
        {
            assert_eq!(inside(Some(outside)), "/", "{outside}");
        }
        assert_eq!(inside(Some("/studio/3?tab=source")), "/studio/3?tab=source");
        assert_eq!(inside(None), "/");
    }
}
