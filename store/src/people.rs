//! People: signing in, and who is trusted with what.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, Person, Roles, Via, authorize},
    problem::{Code, Problem},
};
use serde_json::json;
use sqlx::PgExecutor;
use time::{Duration, OffsetDateTime};

use crate::{Error, Result, Store, names, password, work::Work};

/// Failures within [`FAILURE_WINDOW`] after which an account is locked until the window ends.
const MAX_FAILURES: i32 = 10;
const FAILURE_WINDOW: Duration = Duration::minutes(15);

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    email: String,
    name: String,
    roles: Vec<String>,
    enabled: bool,
}

impl Row {
    fn read(self) -> Result<Person> {
        Ok(Person {
            id: self.id,
            roles: names::roles(&self.roles)?,
            email: self.email,
            name: self.name,
            enabled: self.enabled,
        })
    }
}

/// Checks a password. None when email or password are wrong or the person is disabled: the answer and the time it takes
/// are the same.
///
/// # Errors
/// `too_many_requests` after ten failures within fifteen minutes, with `retry_after_seconds`.
pub async fn sign_in(store: &Store, email: &str, password: &str) -> Result<Option<Person>> {
    let account = clean(email.trim().to_lowercase());
    refuse_when_locked(store, &account).await?;
    let row: Option<(String, Row)> = sqlx::query_as::<_, HashRow>(
        "select id, email, name, roles, enabled, password_hash from people where email = $1",
    )
    .bind(&account)
    .fetch_optional(store.pool())
    .await?
    .map(HashRow::split);
    let (hash, row) = row.unzip();
    let right = password::verify(store, password.to_owned(), hash).await?;
    match row {
        Some(row) if right && row.enabled => {
            let person = row.read()?;
            // Anybody may sign in: what they may do then is decided use case by use case.
            let permit = match authorize(&person.actor(Via::Session), Permission::Read) {
                Ok(permit) => permit,
                Err(_) => return Ok(None),
            };
            let mut work = Work::begin(store, permit).await?;
            sqlx::query("delete from sign_in_failures where account = $1").bind(&account).execute(work.db()).await?;
            work.note(EventType::SignedIn, "person", person.id, format!("{} signed in", person.email), json!({}));
            work.commit().await?;
            Ok(Some(person))
        }
        _ => {
            count_failure(store, &account).await?;
            Ok(None)
        }
    }
}

#[derive(sqlx::FromRow)]
struct HashRow {
    #[sqlx(flatten)]
    row: Row,
    password_hash: String,
}

impl HashRow {
    fn split(self) -> (String, Row) {
        (self.password_hash, self.row)
    }
}

async fn refuse_when_locked(store: &Store, account: &str) -> Result<()> {
    let locked: Option<(OffsetDateTime, OffsetDateTime)> = sqlx::query_as(
        "select now(), since from sign_in_failures where account = $1 and failures >= $2 and since > now() - $3::interval",
    )
    .bind(account)
    .bind(MAX_FAILURES)
    .bind(window()?)
    .fetch_optional(store.pool())
    .await?;
    let Some((now, since)) = locked else { return Ok(()) };
    let left = (since + FAILURE_WINDOW - now).whole_seconds().max(1);
    let minutes = (left + 59) / 60;
    Err(Problem::new(
        Code::TooManyRequests,
        format!("too many wrong passwords for this account; try again in {minutes} minutes"),
    )
    .with("retry_after_seconds", left)
    .into())
}

async fn count_failure(store: &Store, account: &str) -> Result<()> {
    sqlx::query(
        "insert into sign_in_failures (account, failures, since) values ($1, 1, now())
         on conflict (account) do update set
             failures = case when sign_in_failures.since > now() - $2::interval then sign_in_failures.failures + 1 else 1 end,
             since = case when sign_in_failures.since > now() - $2::interval then sign_in_failures.since else now() end",
    )
    .bind(account)
    .bind(window()?)
    .execute(store.pool())
    .await?;
    // Guesses at accounts that do not exist must not pile up.
    sqlx::query("delete from sign_in_failures where since < now() - $1::interval")
        .bind(window()?)
        .execute(store.pool())
        .await?;
    Ok(())
}

fn window() -> Result<sqlx::postgres::types::PgInterval> {
    FAILURE_WINDOW.try_into().map_err(|_| Error::Internal("the sign-in window is not an interval".into()))
}

/// Records that somebody signed out.
///
/// # Errors
/// Denied for programs, which do not sign in.
pub async fn signed_out(store: &Store, actor: &Actor) -> Result<()> {
    let permit = authorize(actor, Permission::Read)?;
    let mut work = Work::begin(store, permit).await?;
    work.note(EventType::SignedOut, "person", &actor.name, format!("{} signed out", actor.name), json!({}));
    work.commit().await
}

/// The person with this number, enabled or not. For authentication, so it asks for no actor.
///
/// # Errors
/// The database failed.
pub async fn by_id(store: &Store, id: i64) -> Result<Option<Person>> {
    let row: Option<Row> = sqlx::query_as("select id, email, name, roles, enabled from people where id = $1")
        .bind(id)
        .fetch_optional(store.pool())
        .await?;
    row.map(Row::read).transpose()
}

/// The enabled person with this email, without a password: for the demo's one-click cards only.
///
/// # Errors
/// The database failed.
pub async fn by_email(store: &Store, email: &str) -> Result<Option<Person>> {
    let row = find(store.pool(), email).await?;
    row.map(Row::read).transpose().map(|person| person.filter(|person| person.enabled))
}

async fn find(db: impl PgExecutor<'_>, email: &str) -> Result<Option<Row>> {
    Ok(sqlx::query_as("select id, email, name, roles, enabled from people where email = $1")
        .bind(clean(email.trim().to_lowercase()))
        .fetch_optional(db)
        .await?)
}

/// Everybody, by email.
///
/// # Errors
/// Denied without [`Permission::Administer`].
pub async fn list(store: &Store, actor: &Actor) -> Result<Vec<Person>> {
    authorize(actor, Permission::Administer)?;
    let rows: Vec<Row> = sqlx::query_as("select id, email, name, roles, enabled from people order by email")
        .fetch_all(store.pool())
        .await?;
    rows.into_iter().map(Row::read).collect()
}

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
    let row: Row = sqlx::query_as(
        "insert into people (email, name, roles, password_hash) values ($1, $2, $3, $4)
         returning id, email, name, roles, enabled",
    )
    .bind(&email)
    .bind(name)
    .bind(&names::role_names(&roles)[..])
    .bind(&hash)
    .fetch_one(work.db())
    .await?;
    let person = row.read()?;
    changed(&mut work, &person, "was added");
    work.commit().await?;
    Ok(person)
}

/// Sets a person's roles. They hold from the next request on.
///
/// # Errors
/// Denied without [`Permission::Administer`]; nobody has this email; administrators cannot stop being one themselves.
pub async fn set_roles(store: &Store, actor: &Actor, email: &str, roles: Roles) -> Result<Person> {
    let permit = authorize(actor, Permission::Administer)?;
    let mut work = Work::begin(store, permit).await?;
    let person = locked(&mut work, email).await?;
    if person.email == actor.name && !Permission::Administer.roles().iter().any(|role| roles.contains(role)) {
        return Err(Problem::invalid_field("/roles", "you cannot take the admin role from yourself").into());
    }
    sqlx::query("update people set roles = $2, updated_at = now() where id = $1")
        .bind(person.id)
        .bind(&names::role_names(&roles)[..])
        .execute(work.db())
        .await?;
    let person = Person { roles, ..person };
    changed(&mut work, &person, "got new roles");
    work.commit().await?;
    Ok(person)
}

/// Sets a person's password and ends their sessions.
///
/// # Errors
/// Denied without [`Permission::Administer`]; nobody has this email; a short password.
pub async fn set_password(store: &Store, actor: &Actor, email: &str, password: &str) -> Result<Person> {
    let permit = authorize(actor, Permission::Administer)?;
    password::check_strength(password)?;
    let hash = password::hash(store, password.to_owned()).await?;
    let mut work = Work::begin(store, permit).await?;
    let person = locked(&mut work, email).await?;
    sqlx::query("update people set password_hash = $2, updated_at = now() where id = $1")
        .bind(person.id)
        .bind(&hash)
        .execute(work.db())
        .await?;
    end_sessions(&mut work, person.id).await?;
    changed(&mut work, &person, "got a new password");
    work.commit().await?;
    Ok(person)
}

/// Lets a person sign in, or not; disabling ends their sessions.
///
/// # Errors
/// Denied without [`Permission::Administer`]; nobody has this email; nobody can disable themselves.
pub async fn set_enabled(store: &Store, actor: &Actor, email: &str, enabled: bool) -> Result<Person> {
    let permit = authorize(actor, Permission::Administer)?;
    let mut work = Work::begin(store, permit).await?;
    let person = locked(&mut work, email).await?;
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
    changed(&mut work, &person, if enabled { "was enabled" } else { "was disabled" });
    work.commit().await?;
    Ok(person)
}

async fn locked(work: &mut Work, email: &str) -> Result<Person> {
    let row: Option<Row> =
        sqlx::query_as("select id, email, name, roles, enabled from people where email = $1 for update")
            .bind(clean(email.trim().to_lowercase()))
            .fetch_optional(work.db())
            .await?;
    row.ok_or_else(|| Error::not_found("person", email))?.read()
}

async fn end_sessions(work: &mut Work, person_id: i64) -> Result<()> {
    sqlx::query("delete from sessions where person_id = $1").bind(person_id).execute(work.db()).await?;
    Ok(())
}

fn changed(work: &mut Work, person: &Person, what: &str) {
    let detail = json!({"roles": names::role_names(&person.roles), "enabled": person.enabled});
    work.note(EventType::PersonChanged, "person", person.id, format!("{} {what}", person.email), detail);
}

/// Postgres cannot keep the character NUL in text, and no account has one.
fn clean(text: String) -> String {
    text.replace('\0', "\u{fffd}")
}
