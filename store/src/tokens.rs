//! Bearer tokens: `csn_` and 32 random letters and digits, kept only as a hash, shown once.

use std::time::Duration;

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, Role, Roles, Token, Via, authorize},
    problem::Problem,
};
use policy::Timestamp;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio::time::timeout;

use crate::{Error, Result, Store, names, work::Work};

/// How every token begins, so that leaked ones can be found.
const PREFIX: &str = "csn_";
const RANDOM_CHARS: usize = 32;
/// How much of a token is kept to recognise it by.
const SHOWN_CHARS: usize = 8;
/// How long noting that a token was used may take.
const NOTE: Duration = Duration::from_millis(200);

/// The caller behind a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// Who acts: the person, with no more roles than both they and the token have, or the program.
    pub actor: Actor,
    /// Display name.
    pub name: String,
}

/// What to make: the body of `POST /tokens`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// The person it acts as; none for a program of its own.
    #[serde(default)]
    pub email: Option<String>,
    /// The most it may do.
    pub roles: Roles,
    /// When it stops working; none for never.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    name: String,
    email: Option<String>,
    roles: Vec<String>,
    prefix: String,
    created_by: String,
    created_at: OffsetDateTime,
    expires_at: Option<OffsetDateTime>,
    last_used_at: Option<OffsetDateTime>,
    revoked_at: Option<OffsetDateTime>,
}

impl Row {
    fn read(self) -> Result<Token> {
        Ok(Token {
            id: self.id,
            roles: names::roles(&self.roles)?,
            name: self.name,
            email: self.email,
            prefix: self.prefix,
            created_by: self.created_by,
            created_at: self.created_at.into(),
            expires_at: self.expires_at.map(Into::into),
            last_used_at: self.last_used_at.map(Into::into),
            revoked_at: self.revoked_at.map(Into::into),
        })
    }
}

/// Who holds this token; none when it is unknown, expired, revoked, or its person is disabled.
///
/// # Errors
/// The database failed.
pub async fn authenticate(store: &Store, plain: &str) -> Result<Option<Bearer>> {
    if !plain.starts_with(PREFIX) || plain.len() != PREFIX.len() + RANDOM_CHARS {
        return Ok(None);
    }
    #[derive(sqlx::FromRow)]
    struct Found {
        id: i64,
        name: String,
        roles: Vec<String>,
        email: Option<String>,
        person_name: Option<String>,
        person_roles: Option<Vec<String>>,
        used_lately: bool,
    }
    let found: Option<Found> = sqlx::query_as(
        "select t.id, t.name, t.roles, p.email, p.name as person_name, p.roles as person_roles,
             coalesce(t.last_used_at > now() - interval '1 minute', false) as used_lately
         from api_tokens t left join people p on p.id = t.person_id
         where t.token_hash = $1 and t.revoked_at is null and (t.expires_at is null or t.expires_at > now())
           and (t.person_id is null or p.enabled)",
    )
    .bind(hash(plain))
    .fetch_optional(store.pool())
    .await?;
    let Some(found) = found else { return Ok(None) };
    if !found.used_lately {
        note_use(store, found.id).await;
    }
    let scope = names::roles(&found.roles)?;
    let bearer = match (found.email, found.person_name, found.person_roles) {
        (Some(email), Some(name), Some(held)) => {
            let held = names::roles(&held)?;
            Bearer {
                actor: Actor { name: email, roles: held.intersection(&scope).copied().collect(), via: Via::Token },
                name,
            }
        }
        _ => Bearer { actor: Actor { name: found.name.clone(), roles: scope, via: Via::Token }, name: found.name },
    };
    Ok(Some(bearer))
}

/// Keeps when the token was last used, for people who look at the list. Nobody's request fails or waits long for it.
async fn note_use(store: &Store, id: i64) {
    let update = sqlx::query("update api_tokens set last_used_at = now() where id = $1").bind(id).execute(store.pool());
    match timeout(NOTE, update).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::debug!(%error, token = id, "the use of a token cannot be noted"),
        Err(_) => tracing::debug!(token = id, "the use of a token was not noted in time"),
    }
}

/// Makes a token. The second value is the token itself, which is not kept.
///
/// # Errors
/// Denied without [`Permission::Administer`]; a blank name, no roles, roles the person does not hold, or a program that
/// is to act as anything but a service.
pub async fn create(store: &Store, actor: &Actor, new: NewToken) -> Result<(Token, String)> {
    let permit = authorize(actor, Permission::Administer)?;
    let name = new.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 120 || name.chars().any(char::is_control) || name.contains('@') {
        return Err(Problem::invalid_field("/name", "a token's name has 1 to 120 characters and no `@`").into());
    }
    if new.roles.is_empty() {
        return Err(Problem::invalid_field("/roles", "a token needs at least one role").into());
    }
    let plain = random_token();
    let mut work = Work::begin(store, permit).await?;
    if new.expires_at.is_some_and(|at| at <= work.now) {
        return Err(Problem::invalid_field("/expires_at", "this time has passed").into());
    }
    let person_id = match &new.email {
        None => {
            // Without a person behind it nobody could be asked why: programs only evaluate.
            if new.roles.iter().any(|role| *role != Role::Service) {
                let detail = "a token without a person can only have the role `service`";
                return Err(Problem::invalid_field("/roles", detail).into());
            }
            None
        }
        Some(email) => {
            let held: Option<(i64, Vec<String>)> = sqlx::query_as("select id, roles from people where email = $1")
                .bind(email.trim().to_lowercase())
                .fetch_optional(work.db())
                .await?;
            let (id, held) = held.ok_or_else(|| {
                Error::from(Problem::invalid_field("/email", format!("nobody has the email `{email}`")))
            })?;
            let held = names::roles(&held)?;
            if let Some(role) = new.roles.difference(&held).next() {
                return Err(
                    Problem::invalid_field("/roles", format!("`{email}` does not have the role `{role}`")).into()
                );
            }
            Some(id)
        }
    };
    let row: Row = sqlx::query_as(
        "insert into api_tokens (name, person_id, roles, token_hash, prefix, created_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, now(), $7)
         returning id, name, (select email from people where people.id = person_id) as email, roles, prefix, created_by,
             created_at, expires_at, last_used_at, revoked_at",
    )
    .bind(&name)
    .bind(person_id)
    .bind(&names::role_names(&new.roles)[..])
    .bind(hash(&plain))
    .bind(plain.chars().take(SHOWN_CHARS).collect::<String>())
    .bind(&actor.name)
    .bind(new.expires_at.map(OffsetDateTime::from))
    .fetch_one(work.db())
    .await?;
    let token = row.read()?;
    let detail = json!({"name": token.name, "email": token.email, "roles": names::role_names(&token.roles)});
    work.note(EventType::TokenCreated, "token", token.id, format!("token `{name}` was created"), detail);
    work.commit().await?;
    Ok((token, plain))
}

/// Ends a token. Ending one twice changes nothing.
///
/// # Errors
/// Denied without [`Permission::Administer`]; no such token.
pub async fn revoke(store: &Store, actor: &Actor, id: i64) -> Result<Token> {
    let permit = authorize(actor, Permission::Administer)?;
    let mut work = Work::begin(store, permit).await?;
    let done = sqlx::query("update api_tokens set revoked_at = now() where id = $1 and revoked_at is null")
        .bind(id)
        .execute(work.db())
        .await?;
    let row: Option<Row> = sqlx::query_as(
        "select t.id, t.name, p.email, t.roles, t.prefix, t.created_by, t.created_at, t.expires_at, t.last_used_at, t.revoked_at
         from api_tokens t left join people p on p.id = t.person_id where t.id = $1",
    )
    .bind(id)
    .fetch_optional(work.db())
    .await?;
    let token = row.ok_or_else(|| Error::not_found("token", id))?.read()?;
    if done.rows_affected() > 0 {
        work.note(EventType::TokenRevoked, "token", id, format!("token `{}` was revoked", token.name), json!({}));
    }
    work.commit().await?;
    Ok(token)
}

/// All tokens, newest first.
///
/// # Errors
/// Denied without [`Permission::Administer`].
pub async fn list(store: &Store, actor: &Actor) -> Result<Vec<Token>> {
    authorize(actor, Permission::Administer)?;
    let rows: Vec<Row> = sqlx::query_as(
        "select t.id, t.name, p.email, t.roles, t.prefix, t.created_by, t.created_at, t.expires_at, t.last_used_at, t.revoked_at
         from api_tokens t left join people p on p.id = t.person_id order by t.id desc",
    )
    .fetch_all(store.pool())
    .await?;
    rows.into_iter().map(Row::read).collect()
}

fn random_token() -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = rand::rng();
    let tail: String = (0..RANDOM_CHARS)
        .filter_map(|_| LETTERS.get(random.random_range(0..LETTERS.len())))
        .map(|letter| char::from(*letter))
        .collect();
    format!("{PREFIX}{tail}")
}

fn hash(plain: &str) -> Vec<u8> {
    Sha256::digest(plain.as_bytes()).to_vec()
}
