//! Asking again: a session that began at the provider ends when the provider does not confirm it in time.

use const_format::concatcp;
use lifecycle::audit::EventType;
use serde_json::json;

use super::{
    Claims,
    row::{self, end_sessions, follow, renew_session},
};
use crate::{
    Result, Store,
    accounts::{people::row as people, sessions::LIVES},
    settings,
    work::Work,
};

/// Most sessions that one server asks about at once.
const AT_ONCE: i64 = 20;

/// A session that the provider is to be asked about.
#[derive(Clone, PartialEq, Eq)]
pub struct Due {
    /// The number of the session at the provider.
    pub id: i64,
    /// The provider.
    pub issuer: String,
    /// The person there.
    pub subject: String,
    /// What the provider is asked with; `None` when no key here opens it.
    pub secret: Option<Vec<u8>>,
}

/// The sessions that the provider is to be asked about now: those whose last confirmation is older than two thirds of the
/// time that one counts for, so that a provider that fails for a moment throws nobody out. No other server gets them
/// for half a minute.
///
/// # Errors
/// The database failed.
pub async fn due(store: &Store) -> Result<Vec<Due>> {
    let counts = settings::load(store.pool()).await?.sign_in.check_minutes;
    #[derive(sqlx::FromRow)]
    struct Row {
        id: i64,
        identity_id: i64,
        issuer: String,
        subject: String,
        sealed_secret: Vec<u8>,
        key_id: String,
    }
    let rows: Vec<Row> = sqlx::query_as(concatcp!(
        "with chosen as (select p.id from provider_sessions p
             where p.confirmed_at <= now() - make_interval(secs => $1) and p.ask_from <= now()
                 and exists (select from sessions s where s.provider_session = p.id and ",
        LIVES,
        ") order by p.confirmed_at limit ",
        AT_ONCE,
        " for update skip locked)
         update provider_sessions p set ask_from = now() + interval '30 seconds' from chosen, identities i
         where p.id = chosen.id and i.id = p.identity_id
         returning p.id, p.identity_id, i.issuer, i.subject, p.sealed_secret, p.key_id"
    ))
    .bind(f64::from(counts) * 40.0)
    .fetch_all(store.pool())
    .await?;
    let read = |row: Row| Due {
        id: row.id,
        secret: row::open(store, row.identity_id, &row.key_id, &row.sealed_secret),
        issuer: row.issuer,
        subject: row.subject,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// The provider confirmed the person of a session: they have the roles of their groups from now on. Without any role
/// their sessions end. Takes no actor: the server asked the provider.
///
/// # Errors
/// The database failed.
pub async fn confirm(store: &Store, id: i64, claims: &Claims, secret: &[u8]) -> Result<()> {
    let mut work = Work::begin(store, row::permit()?).await?;
    people::lock_people(&mut work).await?;
    let identity: Option<i64> =
        sqlx::query_scalar("select identity_id from provider_sessions where id = $1 for update")
            .bind(id)
            .fetch_optional(work.db())
            .await?;
    let Some(identity) = identity else { return Ok(()) };
    let Some(known) = row::by_id_locked(&mut work, identity).await? else { return Ok(()) };
    let person = people::by_id_locked(&mut work, known.person_id).await?;
    let wanted = row::wanted(&mut work, claims).await?;
    let person = follow(&mut work, &known, person, &wanted).await?;
    if person.roles.is_empty() {
        let ended = end_sessions(&mut work, known.id).await?;
        let summary = format!("{} has no role any more, so their sessions ended", person.email);
        let detail = json!({"issuer": claims.issuer, "subject": claims.subject, "sessions": ended});
        work.note(EventType::SessionsNotConfirmed, "person", person.id, summary, detail);
    } else {
        renew_session(&mut work, store, &known, id, secret).await?;
    }
    work.commit().await
}

/// The provider does not confirm a session any more: it ends. `why` is for the audit record.
///
/// # Errors
/// The database failed.
pub async fn end_unconfirmed(store: &Store, id: i64, why: &str) -> Result<()> {
    let mut work = Work::begin(store, row::permit()?).await?;
    people::lock_people(&mut work).await?;
    let found: Option<(i64, String, String, String)> = sqlx::query_as(
        "select e.id, e.email, i.issuer, i.subject from provider_sessions p join identities i on i.id = p.identity_id
         join people e on e.id = i.person_id where p.id = $1 for update of p",
    )
    .bind(id)
    .fetch_optional(work.db())
    .await?;
    let Some((person_id, email, issuer, subject)) = found else { return Ok(()) };
    let ended: Vec<i64> = sqlx::query_scalar("delete from sessions where provider_session = $1 returning id")
        .bind(id)
        .fetch_all(work.db())
        .await?;
    sqlx::query("delete from provider_sessions where id = $1").bind(id).execute(work.db()).await?;
    let summary = format!("{issuer} no longer confirms a session of {email}, which ended");
    let detail = json!({"issuer": issuer, "subject": subject, "sessions": ended, "reason": why});
    work.note(EventType::SessionsNotConfirmed, "person", person_id, summary, detail);
    work.commit().await
}

/// Removes sessions at the provider whose browser session ended, and sign-ins that nobody finished.
///
/// # Errors
/// The database failed.
pub async fn delete_unused(store: &Store) -> Result<()> {
    // A browser session is stored a moment after the one at the provider.
    sqlx::query(
        "delete from provider_sessions p where p.confirmed_at < now() - interval '1 hour'
             and not exists (select from sessions s where s.provider_session = p.id)",
    )
    .execute(store.pool())
    .await?;
    sqlx::query("delete from provider_sign_ins where expires_at < now()").execute(store.pool()).await?;
    Ok(())
}
