//! What only the command line of the host may do with people: people who work there can change the database anyway.

use const_format::concatcp;
use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, Permit, Person, Roles, Via, authorize},
    problem::Code,
};

use super::row::{self, COLUMNS, Row, checked_email, checked_name, end_sessions};
use crate::{
    Error, Result, Store,
    accounts::password,
    announcements::{self, Kind},
    names,
    work::Work,
};

/// Adds a person with a password.
///
/// # Errors
/// Denied without [`Permission::Administer`], and for actors who are not on the host; an email without `@` or one that
/// is taken; a weak password.
pub async fn add(
    store: &Store,
    actor: &Actor,
    email: &str,
    name: &str,
    roles: Roles,
    password: &str,
) -> Result<Person> {
    let permit = on_the_host(actor)?;
    let (email, name) = (checked_email(email)?, checked_name(name)?);
    password::check_strength(password, &email)?;
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
    .await
    .map_err(row::email_taken)?;
    let person = row.read()?;
    let what = format!(
        "{} added {email} with a password on the host; roles: {}",
        work.actor().name,
        names::role_names(&person.roles).join(", ")
    );
    announce(&mut work, &person, &what).await?;
    work.note(EventType::PersonChanged, "person", person.id, format!("{email} was added"), row::facts(&person));
    work.commit().await?;
    Ok(person)
}

/// Sets a person's password and ends their sessions.
///
/// # Errors
/// Denied without [`Permission::Administer`], and for actors who are not on the host; no such person; a weak password.
pub async fn set_password(store: &Store, actor: &Actor, email: &str, password: &str) -> Result<Person> {
    let permit = on_the_host(actor)?;
    password::check_strength(password, email)?;
    let hash = password::hash(store, password.to_owned()).await?;
    let mut work = Work::begin(store, permit).await?;
    let person = row::find_locked(&mut work, email).await?;
    sqlx::query("update people set password_hash = $2, updated_at = now() where id = $1")
        .bind(person.id)
        .bind(&hash)
        .execute(work.db())
        .await?;
    end_sessions(&mut work, person.id, None).await?;
    let what = format!("{} gave {} a new password on the host", work.actor().name, person.email);
    announce(&mut work, &person, &what).await?;
    let summary = format!("{} got a new password on the command line", person.email);
    work.note(EventType::PersonChanged, "person", person.id, summary, row::facts(&person));
    work.commit().await?;
    Ok(Person { has_password: true, ..person })
}

/// Announces what was done on the host, unless the server itself did it for its example workspace.
async fn announce(work: &mut Work, person: &Person, what: &str) -> Result<()> {
    match work.actor().via {
        Via::Job => Ok(()),
        _ => announcements::announce(work, person.id, Kind::OnHost, what).await,
    }
}

/// The permit of an actor on the host.
fn on_the_host(actor: &Actor) -> Result<Permit> {
    let permit = authorize(actor, Permission::Administer)?;
    if matches!(actor.via, Via::Cli | Via::Job) {
        return Ok(permit);
    }
    let detail = "a password is only set by its owner: invite the person, or send a reset link";
    Err(Error::refused(Code::Forbidden, detail))
}
