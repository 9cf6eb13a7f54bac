//! Administering people: adding them, and changing their roles, password and access.

use const_format::concatcp;
use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, Person, Roles, authorize},
    problem::Problem,
};
use serde_json::json;

use super::row::{self, COLUMNS, Row};
use crate::{Result, Store, accounts::password, names, work::Work};

/// Adds a person.
///
/// # Errors
/// Denied without [`Permission::Administer`]; an email without `@` or one that is taken; a short password.
pub async fn add(
    store: &Store,
    actor: &Actor,
    email: &str,
    name: &str,
    roles: Roles,
    password: &str,
) -> Result<Person> {
    let permit = authorize(actor, Permission::Administer)?;
    let email = email.trim().to_lowercase();
    let name = name.trim();
    if !email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        || email.chars().any(|c| c.is_whitespace() || c.is_control())
        || email.len() > 254
    {
        return Err(Problem::invalid_field("/email", format!("`{email}` is not an email address")).into());
    }
    if name.is_empty() || name.chars().count() > 120 || name.chars().any(char::is_control) {
        return Err(Problem::invalid_field("/name", "a name has 1 to 120 characters").into());
    }
    password::check_strength(password)?;
    let hash = password::hash(store, password.to_owned()).await?;
    let mut work = Work::begin(store, permit).await?;
    let row: Row = sqlx::query_as(concatcp!(
        "insert into people (email, name, roles, password_hash) values ($1, $2, $3, $4) returning ",
        COLUMNS
    ))
    .bind(&email)
    .bind(name)
    .bind(&names::role_names(&roles)[..])
    .bind(&hash)
    .fetch_one(work.db())
    .await?;
    let person = row.read()?;
    note_change(&mut work, &person, "was added");
    work.commit().await?;
    Ok(person)
}

/// Sets a person's roles. The new roles take effect with the next request.
///
/// # Errors
/// Denied without [`Permission::Administer`]; no such person; administrators who would remove that role from
/// themselves.
pub async fn set_roles(store: &Store, actor: &Actor, email: &str, roles: Roles) -> Result<Person> {
    let permit = authorize(actor, Permission::Administer)?;
    let mut work = Work::begin(store, permit).await?;
    let person = row::find_locked(&mut work, email).await?;
    if person.email == actor.name && !Permission::Administer.roles().iter().any(|role| roles.contains(role)) {
        return Err(Problem::invalid_field("/roles", "you cannot take the admin role from yourself").into());
    }
    sqlx::query("update people set roles = $2, updated_at = now() where id = $1")
        .bind(person.id)
        .bind(&names::role_names(&roles)[..])
        .execute(work.db())
        .await?;
    let person = Person { roles, ..person };
    note_change(&mut work, &person, "got new roles");
    work.commit().await?;
    Ok(person)
}

/// Sets a person's password and ends their sessions.
///
/// # Errors
/// Denied without [`Permission::Administer`]; no such person; a short password.
pub async fn set_password(store: &Store, actor: &Actor, email: &str, password: &str) -> Result<Person> {
    let permit = authorize(actor, Permission::Administer)?;
    password::check_strength(password)?;
    let hash = password::hash(store, password.to_owned()).await?;
    let mut work = Work::begin(store, permit).await?;
    let person = row::find_locked(&mut work, email).await?;
    sqlx::query("update people set password_hash = $2, updated_at = now() where id = $1")
        .bind(person.id)
        .bind(&hash)
        .execute(work.db())
        .await?;
    end_sessions(&mut work, person.id).await?;
    note_change(&mut work, &person, "got a new password");
    work.commit().await?;
    Ok(person)
}

/// Enables or disables a person; a disabled person cannot sign in, and disabling ends their sessions.
///
/// # Errors
/// Denied without [`Permission::Administer`]; no such person; people who would disable themselves.
pub async fn set_enabled(store: &Store, actor: &Actor, email: &str, enabled: bool) -> Result<Person> {
    let permit = authorize(actor, Permission::Administer)?;
    let mut work = Work::begin(store, permit).await?;
    let person = row::find_locked(&mut work, email).await?;
    if person.email == actor.name && !enabled {
        return Err(Problem::invalid_field("/enabled", "you cannot disable yourself").into());
    }
    sqlx::query("update people set enabled = $2, updated_at = now() where id = $1")
        .bind(person.id)
        .bind(enabled)
        .execute(work.db())
        .await?;
    if !enabled {
        end_sessions(&mut work, person.id).await?;
    }
    let person = Person { enabled, ..person };
    note_change(&mut work, &person, if enabled { "was enabled" } else { "was disabled" });
    work.commit().await?;
    Ok(person)
}

async fn end_sessions(work: &mut Work, person_id: i64) -> Result<()> {
    sqlx::query("delete from sessions where person_id = $1").bind(person_id).execute(work.db()).await?;
    Ok(())
}

fn note_change(work: &mut Work, person: &Person, what: &str) {
    let detail = json!({"roles": names::role_names(&person.roles), "enabled": person.enabled});
    work.note(EventType::PersonChanged, "person", person.id, format!("{} {what}", person.email), detail);
}
