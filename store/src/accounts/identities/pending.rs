//! Sign-ins that wait for the browser to come back from the provider. Each is bound to one browser and used once; two
//! servers may handle its two halves.

use lifecycle::authority::Actor;

use crate::{
    Result, Store,
    accounts::secret::{hash, random_letters},
};

/// Minutes within which the browser has to come back.
const MINUTES: i32 = 10;
/// Random letters and digits of each secret.
const CHARS: usize = 43;
/// Longest address of the page to open afterwards, in bytes.
const MAX_NEXT: usize = 2_000;

/// What a sign-in needs when the browser comes back.
#[derive(Clone, PartialEq, Eq)]
pub struct Pending {
    /// What the ID token has to hold.
    pub nonce: String,
    /// What proves to the provider that this program asked.
    pub verifier: String,
    /// The page to open afterwards; the caller has checked that it is one of this site.
    pub next: String,
    /// The number of the person who links their account; `None` for signing in.
    pub links: Option<i64>,
}

/// The secrets of a sign-in that has begun.
#[derive(Clone, PartialEq, Eq)]
pub struct Started {
    /// What the browser keeps in a cookie.
    pub browser: String,
    /// What the provider sends back.
    pub state: String,
}

/// Stores the beginning of a sign-in, or of linking the account of `links`. Takes no permission: nobody is signed in yet.
///
/// # Errors
/// The database failed.
pub async fn start(store: &Store, nonce: &str, verifier: &str, next: &str, links: Option<&Actor>) -> Result<Started> {
    let started = Started { browser: random_letters(CHARS), state: random_letters(CHARS) };
    let next = if next.len() > MAX_NEXT { "/" } else { next };
    sqlx::query(
        "insert into provider_sign_ins
             (browser_id_hash, state_id_hash, nonce_secret, verifier_secret, next, person_id, expires_at)
         values ($1, $2, $3, $4, $5, (select id from people where email = $6), now() + make_interval(mins => $7))",
    )
    .bind(hash(&started.browser))
    .bind(hash(&started.state))
    .bind(nonce)
    .bind(verifier)
    .bind(next)
    .bind(links.map(|actor| actor.name.as_str()))
    .bind(MINUTES)
    .execute(store.pool())
    .await?;
    Ok(started)
}

#[derive(sqlx::FromRow)]
struct Row {
    state_id_hash: Vec<u8>,
    nonce_secret: String,
    verifier_secret: String,
    next: String,
    person_id: Option<i64>,
}

/// Takes the sign-in that this browser began and that has this state; `None` when there is none, because it was used, is
/// too old, or began in another browser. Whatever state comes, the browser's sign-in is used up.
///
/// # Errors
/// The database failed.
pub async fn take(store: &Store, browser: &str, state: &str) -> Result<Option<Pending>> {
    let row: Option<Row> = sqlx::query_as(
        "delete from provider_sign_ins where browser_id_hash = $1 and expires_at > now()
         returning state_id_hash, nonce_secret, verifier_secret, next, person_id",
    )
    .bind(hash(browser))
    .fetch_optional(store.pool())
    .await?;
    // Hashes are compared, whose timing says nothing about the secret.
    Ok(row.filter(|row| row.state_id_hash == hash(state)).map(|row| Pending {
        nonce: row.nonce_secret,
        verifier: row.verifier_secret,
        next: row.next,
        links: row.person_id,
    }))
}
