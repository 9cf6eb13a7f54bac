//! Signing in with a password, and out.

use const_format::concatcp;
use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, Person, Via, authorize},
    problem::{Code, Problem},
};
use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::row::{COLUMNS, Row};
use crate::{Error, Result, Store, accounts::password, text::storable, work::Work};

/// Failures within [`FAILURE_WINDOW`] after which an account is locked until the window ends.
const MAX_FAILURES: i32 = 10;
/// How long a failure counts.
const FAILURE_WINDOW: Duration = Duration::minutes(15);

/// Checks a password. `None` if the email or the password is wrong or the person is disabled; neither the answer nor
/// the time it takes reveals which.
///
/// # Errors
/// `too_many_requests` after ten failures within fifteen minutes, with `retry_after_seconds`.
pub async fn sign_in(store: &Store, email: &str, password: &str) -> Result<Option<Person>> {
    let account = storable(&email.trim().to_lowercase()).into_owned();
    refuse_when_locked(store, &account).await?;
    let row: Option<(String, Row)> =
        sqlx::query_as::<_, HashRow>(concatcp!("select ", COLUMNS, ", password_hash from people where email = $1"))
            .bind(&account)
            .fetch_optional(store.pool())
            .await?
            .map(HashRow::split);
    let (hash, row) = row.unzip();
    let correct = password::verify(store, password.to_owned(), hash).await?;
    match row {
        Some(row) if correct && row.enabled => {
            let person = row.read()?;
            // Every person may sign in; each use case then decides what they may do.
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

/// Records that a person signed out.
///
/// # Errors
/// Denied for programs, which do not sign in.
pub async fn sign_out(store: &Store, actor: &Actor) -> Result<()> {
    let permit = authorize(actor, Permission::Read)?;
    let mut work = Work::begin(store, permit).await?;
    work.note(EventType::SignedOut, "person", &actor.name, format!("{} signed out", actor.name), json!({}));
    work.commit().await
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
    // Failures for accounts that do not exist must not pile up.
    sqlx::query("delete from sign_in_failures where since < now() - $1::interval")
        .bind(window()?)
        .execute(store.pool())
        .await?;
    Ok(())
}

fn window() -> Result<sqlx::postgres::types::PgInterval> {
    FAILURE_WINDOW.try_into().map_err(|_| Error::Internal("the sign-in window is not an interval".into()))
}
