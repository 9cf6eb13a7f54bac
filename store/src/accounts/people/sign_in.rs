//! Signing in with a password, and out.

use std::fmt;

use const_format::concatcp;
use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, Person, Role, Via, authorize},
    problem::Code,
};
use serde_json::{Value, json};
use tower_sessions::session::Id;

use super::row::{self, COLUMNS, MAX_EMAIL, Row};
use crate::{
    Error, Result, Store,
    accounts::{attempts, own_password::password_counts, password, sessions},
    text::storable,
    work::Work,
};

/// Stands in the audit record for an email that no account has.
const UNKNOWN: &str = "unknown address";

/// A person who signed in, and the session that began.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The person.
    pub person: Person,
    /// The id of the session, which is its secret.
    pub session: Id,
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").field("person", &self.person).finish_non_exhaustive()
    }
}

/// Checks a password and begins a session. `None` if the email or the password is wrong or the person is disabled;
/// neither the answer nor the time it takes reveals which. `source` is the network address that the request came from:
/// wrong passwords from there for this account make it wait longer and longer, and nobody else.
///
/// # Errors
/// `too_many_requests` while the source has to wait, with `retry_after_seconds`; `forbidden` for the right password where
/// passwords do not count, and of a person who has no role yet.
pub async fn sign_in(store: &Store, email: &str, password: &str, source: &str) -> Result<Option<SignedIn>> {
    let account = storable(&email.trim().to_lowercase()).into_owned();
    // No account has a longer name. It is still verified, so that the answer takes as long.
    let row = if account.len() > MAX_EMAIL { None } else { find(store, &account).await? };
    // What people type into the wrong field may be a password, so only the names of accounts are kept.
    let named = if row.is_some() { account.clone() } else { UNKNOWN.to_owned() };
    let attempt = match attempts::begin(store, &account, source).await {
        Ok(attempt) => attempt,
        Err(error) => {
            store.refusals().note_sign_in(source, &named);
            return Err(error);
        }
    };
    let (hash, row) = row.map(HashRow::split).unzip();
    let hash = hash.flatten();
    let correct = password::verify(store, password.to_owned(), hash.clone()).await?;
    if let (Some(row), true) = (row, correct)
        && row.enabled
    {
        let person = row.read()?;
        if let Err(refused) = password_counts(store, person.id, &person.roles).await {
            store.refusals().note_sign_in(source, &named);
            return Err(refused);
        }
        attempt.succeeded(store).await?;
        if person.roles.is_empty() {
            let detail = "your account has no role yet, so there is nothing you can see or do: ask an administrator";
            return Err(Error::refused(Code::Forbidden, detail));
        }
        // Every person may sign in; each use case then decides what they may do.
        let permit = authorize(&person.actor(Via::Session), Permission::Read)?;
        let mut work = Work::begin(store, permit).await?;
        if stands(&mut work, person.id, hash.as_deref()).await? {
            let session = note_signed_in(&mut work, &person, json!({"source": source})).await?;
            work.commit().await?;
            return Ok(Some(SignedIn { person, session }));
        }
    }
    store.refusals().note_sign_in(source, &named);
    Ok(None)
}

/// Begins a session of an enabled person without a password. Only for the demo's one-click cards.
///
/// # Errors
/// Denied for people without a role, and where passwords do not count; the database failed.
pub async fn sign_in_to_demo(store: &Store, email: &str, source: &str) -> Result<Option<SignedIn>> {
    let Some(person) = super::by_email(store, email).await? else { return Ok(None) };
    password_counts(store, person.id, &person.roles).await?;
    let mut work = Work::begin(store, authorize(&person.actor(Via::Session), Permission::Read)?).await?;
    let person = row::by_id_locked(&mut work, person.id).await?;
    if !person.enabled {
        return Ok(None);
    }
    let session = note_signed_in(&mut work, &person, json!({"source": source, "demo": true})).await?;
    work.commit().await?;
    Ok(Some(SignedIn { person, session }))
}

/// Begins the session and notes it.
async fn note_signed_in(work: &mut Work, person: &Person, detail: Value) -> Result<Id> {
    let (session, credential) = sessions::begin(work, person.id, None).await?;
    work.came_through(credential);
    work.note(EventType::SignedIn, "person", person.id, format!("{} signed in", person.email), detail);
    Ok(session)
}

/// Whether the person is still enabled and has the password that was just verified. Both stay so until the transaction
/// ends.
async fn stands(work: &mut Work, person_id: i64, hash: Option<&str>) -> Result<bool> {
    let found: Option<i64> = sqlx::query_scalar(
        "select id from people where id = $1 and enabled and password_hash is not distinct from $2 for share",
    )
    .bind(person_id)
    .bind(hash)
    .fetch_optional(work.db())
    .await?;
    Ok(found.is_some())
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
    let mut actor = actor.clone();
    if actor.roles.is_empty() {
        // People whose roles were all taken still sign out.
        actor.roles.insert(Role::Viewer);
    }
    let permit = authorize(&actor, Permission::Read)?;
    let mut work = Work::begin(store, permit).await?;
    work.note(EventType::SignedOut, "person", &actor.name, format!("{} signed out", actor.name), json!({}));
    work.commit().await
}
