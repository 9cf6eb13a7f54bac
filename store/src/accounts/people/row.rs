//! A person's row.

use const_format::concatcp;
use lifecycle::{
    authority::{Person, Role},
    problem::{Code, Problem},
};
use serde_json::{Value, json};
use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::{Error, Result, names, text::storable, work::Work};

/// The columns of [`Row`].
pub(in crate::accounts) const COLUMNS: &str = "id, email, name, roles, enabled, password_hash is not null as has_password, \
     exists (select from identities i where i.person_id = people.id and i.unlinked_at is null) as linked, \
     case when signs_from > now() then signs_from end as signs_from";

/// The advisory lock under which people get, lose and use powers. Two administrators who remove each other at the same
/// moment wait for each other here.
const PEOPLE_LOCK: i64 = 0x636f_756e_7465_7204;

/// Longest email, in bytes.
pub(super) const MAX_EMAIL: usize = 254;

/// The failure to store an email.
pub(in crate::accounts) fn email_taken(error: sqlx::Error) -> Error {
    Error::taken(error, Code::Conflict, "a person with this email exists already")
}

#[derive(sqlx::FromRow)]
pub(in crate::accounts) struct Row {
    id: i64,
    email: String,
    name: String,
    roles: Vec<String>,
    pub enabled: bool,
    has_password: bool,
    linked: bool,
    signs_from: Option<OffsetDateTime>,
}

impl Row {
    pub fn read(self) -> Result<Person> {
        Ok(Person {
            id: self.id,
            roles: names::roles(&self.roles)?,
            email: self.email,
            name: self.name,
            enabled: self.enabled,
            has_password: self.has_password,
            linked: self.linked,
            signs_from: self.signs_from.map(Into::into),
        })
    }
}

/// The person with this email.
pub(in crate::accounts) async fn find(db: impl PgExecutor<'_>, email: &str) -> Result<Option<Row>> {
    Ok(sqlx::query_as(concatcp!("select ", COLUMNS, " from people where email = $1"))
        .bind(&*storable(&email.trim().to_lowercase()))
        .fetch_optional(db)
        .await?)
}

/// The person with this email, locked until the transaction ends.
pub(in crate::accounts) async fn find_locked(work: &mut Work, email: &str) -> Result<Person> {
    let row: Option<Row> = sqlx::query_as(concatcp!("select ", COLUMNS, " from people where email = $1 for update"))
        .bind(&*storable(&email.trim().to_lowercase()))
        .fetch_optional(work.db())
        .await?;
    row.ok_or_else(|| Error::not_found("person", email))?.read()
}

/// The person with this number, locked until the transaction ends.
pub(in crate::accounts) async fn by_id_locked(work: &mut Work, id: i64) -> Result<Person> {
    let row: Option<Row> = sqlx::query_as(concatcp!("select ", COLUMNS, " from people where id = $1 for update"))
        .bind(id)
        .fetch_optional(work.db())
        .await?;
    row.ok_or_else(|| Error::not_found("person", id))?.read()
}

/// Waits until nobody else changes who has which powers.
pub(in crate::accounts) async fn lock_people(work: &mut Work) -> Result<()> {
    sqlx::query("select pg_advisory_xact_lock($1)").bind(PEOPLE_LOCK).execute(work.db()).await?;
    Ok(())
}

/// The enabled people with this role.
pub(super) async fn count_with(work: &mut Work, role: Role) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from people where enabled and $1 = any(roles)")
        .bind(role.name())
        .fetch_one(work.db())
        .await?)
}

/// Ends a person's sessions, but for the one to keep; returns how many were ended.
pub(super) async fn end_sessions(work: &mut Work, person_id: i64, keep: Option<i64>) -> Result<u64> {
    let ended = sqlx::query("delete from sessions where person_id = $1 and ($2::bigint is null or id <> $2)")
        .bind(person_id)
        .bind(keep)
        .execute(work.db())
        .await?;
    Ok(ended.rows_affected())
}

/// The facts about a person that audit entries hold.
pub(super) fn facts(person: &Person) -> Value {
    json!({"roles": names::role_names(&person.roles), "enabled": person.enabled})
}

/// An email in its one spelling.
pub(in crate::accounts) fn checked_email(email: &str) -> Result<String> {
    let email = email.trim().to_lowercase();
    if email.len() > MAX_EMAIL {
        return Err(Problem::invalid_field("/email", format!("an email has at most {MAX_EMAIL} bytes")).into());
    }
    if !email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        || email.chars().any(|c| c.is_whitespace() || c.is_control())
    {
        return Err(Problem::invalid_field("/email", format!("`{email}` is not an email address")).into());
    }
    Ok(email)
}

/// A name without surrounding blanks.
pub(in crate::accounts) fn checked_name(name: &str) -> Result<&str> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 120 || name.chars().any(char::is_control) {
        return Err(Problem::invalid_field("/name", "a name has 1 to 120 characters").into());
    }
    Ok(name)
}
