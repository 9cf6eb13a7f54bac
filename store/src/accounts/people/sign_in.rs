//! Signing in with a password, and out.

use const_format::concatcp;
use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, Person, Role, Via, authorize},
    problem::Code,
    settings::Passwords,
};
use serde_json::json;

use super::row::{COLUMNS, MAX_EMAIL, Row};
use crate::{
    Error, Result, Store,
    accounts::{attempts, password},
    settings,
    text::storable,
    work::Work,
};

/// Checks a password. `None` if the email or the password is wrong or the person is disabled; neither the answer nor
/// the time it takes reveals which. `source` is the network address that the request came from: wrong passwords from
/// there for this account make it wait longer and longer, and nobody else.
///
/// # Errors
/// `too_many_requests` while the source has to wait, with `retry_after_seconds`; `forbidden` for the right password where
/// passwords do not count.
pub async fn sign_in(store: &Store, email: &str, password: &str, source: &str) -> Result<Option<Person>> {
    let account = storable(&email.trim().to_lowercase()).into_owned();
    let attempt = attempts::begin(store, &account, source).await?;
    // No account has a longer name. It is still verified, so that the answer takes as long.
    let row = if account.len() > MAX_EMAIL { None } else { find(store, &account).await? };
    let (hash, row) = row.map(HashRow::split).unzip();
    let correct = password::verify(store, password.to_owned(), hash.flatten()).await?;
    if let Some(row) = row
        && correct
        && row.enabled
    {
        let person = row.read()?;
        if let Err(refused) = password_counts(store, &person).await {
            store.refusals().note_sign_in(source, &account);
            return Err(refused);
        }
        // Every person may sign in; each use case then decides what they may do.
        if let Ok(permit) = authorize(&person.actor(Via::Session), Permission::Read) {
            attempt.succeeded(store).await?;
            let mut work = Work::begin(store, permit).await?;
            let detail = json!({"source": source});
            work.note(EventType::SignedIn, "person", person.id, format!("{} signed in", person.email), detail);
            work.commit().await?;
            return Ok(Some(person));
        }
    }
    store.refusals().note_sign_in(source, &account);
    Ok(None)
}

/// Whether the person may sign in without the sign-in provider. Where passwords do not count, only one administrator may.
///
/// # Errors
/// `forbidden` when the person may not.
pub async fn password_counts(store: &Store, person: &Person) -> Result<()> {
    let settings = settings::load(store.pool()).await?.sign_in;
    let administrator = settings.passwords == Passwords::Everyone || person.roles.contains(&Role::Admin);
    if settings.allows_password(person.id) && administrator {
        return Ok(());
    }
    let detail = "passwords are switched off in this workspace: sign in with the sign-in provider. If it fails, one \
                  administrator can still sign in here";
    Err(Error::refused(Code::Forbidden, detail))
}

async fn find(store: &Store, account: &str) -> Result<Option<HashRow>> {
    Ok(sqlx::query_as(concatcp!("select ", COLUMNS, ", password_hash from people where email = $1"))
        .bind(account)
        .fetch_optional(store.pool())
        .await?)
}

#[derive(sqlx::FromRow)]
struct HashRow {
    #[sqlx(flatten)]
    row: Row,
    password_hash: Option<String>,
}

impl HashRow {
    fn split(self) -> (Option<String>, Row) {
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
