//! Creating and revoking tokens.

use const_format::concatcp;
use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, Role, Roles, Token, authorize},
    problem::Problem,
};
use policy::Timestamp;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;

use super::row::{COLUMNS, PREFIX, RANDOM_CHARS, Row, SELECT, hash};
use crate::{Error, Result, Store, names, work::Work};

/// Number of a token's characters that are stored to recognise it by.
const SHOWN_CHARS: usize = 8;

/// The token to create: the body of `POST /tokens`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewToken {
    /// The purpose of the token.
    pub name: String,
    /// The person the token acts as; `None` for a program.
    #[serde(default)]
    pub email: Option<String>,
    /// The roles the token has at most.
    pub roles: Roles,
    /// When the token expires; `None` for never.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// Creates a token. The second value is the token itself, which is stored nowhere.
///
/// # Errors
/// Denied without [`Permission::Administer`]; a blank name, no roles, roles the person does not hold, or a program that
/// asks for any role but `service`.
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
            // No person answers for what a program's token does, so programs may only evaluate.
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
    let row: Row = sqlx::query_as(concatcp!(
        "with t as (insert into api_tokens (name, person_id, roles, token_hash, prefix, created_by, created_at,
                 expires_at) values ($1, $2, $3, $4, $5, $6, now(), $7) returning *)
             select ",
        COLUMNS,
        " from t left join people p on p.id = t.person_id"
    ))
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

/// Revokes a token. Revoking a token twice changes nothing.
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
    let row: Option<Row> =
        sqlx::query_as(concatcp!(SELECT, "where t.id = $1")).bind(id).fetch_optional(work.db()).await?;
    let token = row.ok_or_else(|| Error::not_found("token", id))?.read()?;
    if done.rows_affected() > 0 {
        work.note(EventType::TokenRevoked, "token", id, format!("token `{}` was revoked", token.name), json!({}));
    }
    work.commit().await?;
    Ok(token)
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
