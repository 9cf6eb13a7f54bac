//! Browser sessions, stored in Postgres. A session ends some hours after its last request and [`ABSOLUTE`] after the
//! sign-in. The cookie lives as long as a session can; whether the session still does is decided here.

use std::time::Duration;

use async_trait::async_trait;
use const_format::concatcp;
use lifecycle::{
    audit::EventType,
    authority::{Actor, Credential, Pass, Permission, Roles, Session, Via, authorize},
    settings::SignInSettings,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store,
};

use crate::{Error, Store, json as as_json, names, work::Work};

/// A session ends after this time without a request.
const IDLE_HOURS: u64 = 12;
/// A session ends after this time however much it is used.
const ABSOLUTE_HOURS: u64 = 7 * 24;
/// [`ABSOLUTE_HOURS`], for the cookie.
pub const ABSOLUTE: Duration = Duration::from_secs(ABSOLUTE_HOURS * 60 * 60);
/// The condition under which a session `s` still lives.
pub(super) const LIVES: &str = concatcp!(
    "s.expires_at > now() and s.last_seen_at > now() - interval '",
    IDLE_HOURS,
    " hours' and s.created_at > now() - interval '",
    ABSOLUTE_HOURS,
    " hours'"
);
/// Time limit for recording that a session was used.
const RECORD_USE_WITHIN: Duration = Duration::from_millis(200);
/// Longest description of a browser that is stored, in characters.
const MAX_USER_AGENT: usize = 200;

/// The key of the session's data that holds the person's number.
pub const PERSON_ID: &str = "person_id";
/// The key of the session's data that holds the id of a session that signing in began; gone once it is stored.
pub const BEGUN: &str = "begun";

/// A session store for `tower-sessions`. Only a hash of the session's id is stored, so that a reader of the table
/// cannot take over a session.
#[derive(Debug, Clone)]
pub struct PgSessions {
    store: Store,
}

impl PgSessions {
    /// The sessions in `store`.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Takes up the session that signing in began. It may have ended since, because the person was disabled or chose
    /// another password: then the cookie leads nowhere, and the person signs in again.
    async fn take_up(&self, record: &mut Record, begun: Id) -> session_store::Result<()> {
        record.id = begun;
        record.data.remove(BEGUN);
        self.save(record).await
    }

    /// Removes sessions that have ended by themselves; returns how many.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delete_expired(&self) -> crate::Result<u64> {
        // Rows that another person ends just now are left to them: two who lock in another order wait for each other.
        let done = sqlx::query(concatcp!(
            "delete from sessions where id in (select s.id from sessions s where not (",
            LIVES,
            ") for update skip locked)"
        ))
        .execute(self.store.pool())
        .await?;
        Ok(done.rows_affected())
    }
}

#[async_trait]
impl SessionStore for PgSessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        if let Some(begun) = begun(record) {
            return self.take_up(record, begun).await;
        }
        // 128 random bits do not collide in practice; if they ever do, another id is drawn.
        // It is nobody's: a person's session begins with signing in.
        for _attempt in 0..3 {
            let done = sqlx::query(
                "insert into sessions (id_hash, data, expires_at) values ($1, $2::json, $3)
                 on conflict (id_hash) do nothing",
            )
            .bind(hash(&record.id))
            .bind(as_json::text(&record.data).map_err(unwritable)?)
            .bind(record.expiry_date)
            .execute(self.store.pool())
            .await
            .map_err(backend)?;
            if done.rows_affected() == 1 {
                return Ok(());
            }
            record.id = Id::default();
        }
        Err(session_store::Error::Backend("no free session id".into()))
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        // An update, not an upsert: a session that was ended meanwhile must not come back.
        // Its person and its end stay: a change of its data does not prolong a session.
        sqlx::query("update sessions set data = $2::json where id_hash = $1")
            .bind(hash(&record.id))
            .bind(as_json::text(&record.data).map_err(unwritable)?)
            .execute(self.store.pool())
            .await
            .map_err(backend)?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let row: Option<(Json<std::collections::HashMap<String, Value>>, OffsetDateTime)> =
            sqlx::query_as(concatcp!("select data, expires_at from sessions s where id_hash = $1 and ", LIVES))
                .bind(hash(id))
                .fetch_optional(self.store.pool())
                .await
                .map_err(backend)?;
        Ok(row.map(|(data, expiry_date)| Record { id: *id, data: data.0, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        sqlx::query("delete from sessions where id_hash = $1")
            .bind(hash(id))
            .execute(self.store.pool())
            .await
            .map_err(backend)?;
        Ok(())
    }
}

/// Begins a session of a person whose row this transaction has locked; returns its id, which is its secret, and what
/// entries name it by. What ends the person's sessions therefore comes before, and is seen by the caller, or after, and
/// ends this one, too.
pub(super) async fn begin(
    work: &mut Work,
    person_id: i64,
    provider_session: Option<i64>,
) -> crate::Result<(Id, Credential)> {
    let id = Id::default();
    let number: i64 = sqlx::query_scalar(
        "insert into sessions (id_hash, person_id, data, expires_at, provider_session)
         values ($1, $2, json_build_object($3::text, $2), now() + make_interval(hours => $4), $5) returning id",
    )
    .bind(hash(&id))
    .bind(person_id)
    .bind(PERSON_ID)
    .bind(i32::try_from(ABSOLUTE_HOURS).unwrap_or(i32::MAX))
    .bind(provider_session)
    .fetch_one(work.db())
    .await?;
    Ok((id, Credential::Session(number)))
}

/// The person of a session as an actor, with their display name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The person.
    pub actor: Actor,
    /// Display name.
    pub name: String,
}

/// The person of a session that lives, if the person is enabled. Their roles are read for every request, so that
/// taking one away takes effect at once. A session that began at the sign-in provider counts while the provider's last
/// confirmation does; in others, so do roles that groups gave. Notes at most once a minute that the session was used,
/// unless an open page asks by itself: `used` is false then, or a session would never be idle while a page is open.
///
/// # Errors
/// The database failed.
pub async fn authenticate(store: &Store, id: &Id, user_agent: &str, used: bool) -> crate::Result<Option<Holder>> {
    let user_agent: String = user_agent.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT).collect();
    let sql = concatcp!("select ", LIVING, " and s.id_hash = $2");
    let row: Option<Living> =
        sqlx::query_as(sql).bind(default_minutes()).bind(hash(id)).fetch_optional(store.pool()).await?;
    let Some(row) = row else { return Ok(None) };
    if used && (row.used_before || (row.user_agent.is_empty() && !user_agent.is_empty())) {
        record_use(store, row.id, &user_agent).await;
    }
    let pass = Pass { signs_from: row.signs_from.map(Into::into), ..Pass::with(Credential::Session(row.id)) };
    let roles = row.roles()?;
    let actor = Actor { pass, ..Actor::new(row.email, roles, Via::Session) };
    Ok(Some(Holder { actor, name: row.name }))
}

/// A session that lives, with its person.
#[derive(sqlx::FromRow)]
struct Living {
    id: i64,
    email: String,
    name: String,
    roles: Vec<String>,
    unconfirmed_roles: Vec<String>,
    signs_from: Option<OffsetDateTime>,
    user_agent: String,
    used_before: bool,
}

impl Living {
    /// The roles that count in this session.
    fn roles(&self) -> crate::Result<Roles> {
        let unconfirmed = names::roles(&self.unconfirmed_roles)?;
        Ok(names::roles(&self.roles)?.difference(&unconfirmed).copied().collect())
    }
}

/// Reads [`Living`]; `$1` is [`default_minutes`].
const LIVING: &str = concatcp!(
    "s.id, p.email, p.name, p.roles, s.user_agent, case when p.signs_from > now() then p.signs_from end as signs_from,
         case when s.provider_session is null and i.confirmed_at <= limits.since then i.given_roles else '{}' end
             as unconfirmed_roles,
         s.last_seen_at < now() - interval '1 minute' as used_before
     from sessions s join people p on p.id = s.person_id
     left join identities i on i.person_id = p.id and i.unlinked_at is null
     left join provider_sessions o on o.id = s.provider_session
     cross join (select now() - make_interval(mins => coalesce(
         (select (value ->> 'check_minutes')::int from settings where key = 'sign_in'), $1)) as since) limits
     where p.enabled and (s.provider_session is null or o.confirmed_at > limits.since) and ",
    LIVES
);

/// For how many minutes a confirmation counts unless the settings say otherwise.
fn default_minutes() -> i32 {
    i32::try_from(SignInSettings::default().check_minutes).unwrap_or(i32::MAX)
}

/// The roles that count in a session now; `None` once it ended.
pub(super) async fn roles_now(db: &mut PgConnection, number: i64) -> crate::Result<Option<Roles>> {
    let sql = concatcp!("select ", LIVING, " and s.id = $2");
    let row: Option<Living> = sqlx::query_as(sql).bind(default_minutes()).bind(number).fetch_optional(db).await?;
    row.map(|row| row.roles()).transpose()
}

/// Records when a session was last used. No request fails because of this, or is held up by it for long.
async fn record_use(store: &Store, id: i64, user_agent: &str) {
    let update = sqlx::query("update sessions set last_seen_at = now(), user_agent = $2 where id = $1")
        .bind(id)
        .bind(user_agent)
        .execute(store.pool());
    match tokio::time::timeout(RECORD_USE_WITHIN, update).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::debug!(%error, session = id, "the use of a session cannot be recorded"),
        Err(_) => tracing::debug!(session = id, "the use of a session was not recorded in time"),
    }
}

/// The actor's own sessions that live, the one used last first.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn list_own(store: &Store, actor: &Actor) -> crate::Result<Vec<Session>> {
    authorize(actor, Permission::Read)?;
    #[derive(sqlx::FromRow)]
    struct Row {
        id: i64,
        created_at: OffsetDateTime,
        last_seen_at: OffsetDateTime,
        expires_at: OffsetDateTime,
        user_agent: String,
    }
    let rows: Vec<Row> = sqlx::query_as(concatcp!(
        "select s.id, s.created_at, s.last_seen_at, s.user_agent,
             least(s.expires_at, s.created_at + interval '",
        ABSOLUTE_HOURS,
        " hours') as expires_at
         from sessions s join people p on p.id = s.person_id
         where p.email = $1 and ",
        LIVES,
        " order by s.last_seen_at desc, s.id desc"
    ))
    .bind(&actor.name)
    .fetch_all(store.pool())
    .await?;
    let own = actor.pass.credential;
    Ok(rows
        .into_iter()
        .map(|row| Session {
            id: row.id,
            created_at: row.created_at.into(),
            last_seen_at: row.last_seen_at.into(),
            expires_at: row.expires_at.into(),
            user_agent: row.user_agent,
            current: own == Some(Credential::Session(row.id)),
        })
        .collect())
}

/// Ends one of the actor's own sessions.
///
/// # Errors
/// Denied without [`Permission::Read`]; the actor has no such session.
pub async fn end_own(store: &Store, actor: &Actor, id: i64) -> crate::Result<()> {
    let mut work = Work::begin(store, authorize(actor, Permission::Read)?).await?;
    let ended = delete_own(&mut work, Some(id)).await?;
    if ended.is_empty() {
        return Err(Error::not_found("session", id));
    }
    note_ended(&mut work, &ended, format!("{} ended session {id}", actor.name));
    work.commit().await
}

/// Ends the session of the actor with this number, or all of them; returns the numbers of those that there were.
pub(super) async fn delete_own(work: &mut Work, id: Option<i64>) -> crate::Result<Vec<i64>> {
    let email = work.actor().name.clone();
    Ok(sqlx::query_scalar(
        "delete from sessions s using people p where p.id = s.person_id and p.email = $1
             and ($2::bigint is null or s.id = $2) returning s.id",
    )
    .bind(email)
    .bind(id)
    .fetch_all(work.db())
    .await?)
}

/// Notes that the actor ended these sessions of their own.
pub(super) fn note_ended(work: &mut Work, ended: &[i64], summary: String) {
    let email = work.actor().name.clone();
    work.note(EventType::SessionsEnded, "person", email, summary, json!({"sessions": ended}));
}

fn hash(id: &Id) -> Vec<u8> {
    Sha256::digest(id.0.to_be_bytes()).to_vec()
}

fn begun(record: &Record) -> Option<Id> {
    record.data.get(BEGUN).and_then(Value::as_str).and_then(|text| text.parse().ok())
}

fn unwritable(error: Error) -> session_store::Error {
    session_store::Error::Encode(error.to_string())
}

fn backend(error: sqlx::Error) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}
