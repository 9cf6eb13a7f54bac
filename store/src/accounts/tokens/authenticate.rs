//! Resolving a bearer token to the actor behind it.

use std::time::Duration;

use const_format::concatcp;
use lifecycle::authority::{Actor, AgentScope, Credential, Pass, Roles, Via};
use sqlx::PgConnection;
use time::OffsetDateTime;
use tokio::time::timeout;

use super::row::{PREFIX, RANDOM_CHARS};
use crate::{Result, Store, accounts::secret::hash, names};

/// Time limit for recording that a token was used.
const RECORD_USE_WITHIN: Duration = Duration::from_millis(200);

/// The condition under which a token `t` of a person `p`, if it is one's, works.
const WORKS: &str = "t.revoked_at is null and (t.expires_at is null or t.expires_at > now())
     and (t.person_id is null or p.enabled)
     and not exists (select from identities i where i.person_id = p.id and i.unlinked_at is null
         and i.confirmed_at <= now() - interval '24 hours')";

/// The caller behind a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The actor: the person with the roles that both they and the token have, or the program.
    pub actor: Actor,
    /// Display name.
    pub name: String,
}

/// The holder of this token; `None` if the token is unknown, expired or revoked, its person is disabled, or the sign-in
/// provider last confirmed the person more than 24 hours ago.
///
/// # Errors
/// The database failed.
pub async fn authenticate(store: &Store, plain: &str) -> Result<Option<Bearer>> {
    if !plain.starts_with(PREFIX) || plain.len() != PREFIX.len() + RANDOM_CHARS {
        return Ok(None);
    }
    #[derive(sqlx::FromRow)]
    struct TokenRow {
        id: i64,
        name: String,
        roles: Vec<String>,
        agents: Vec<String>,
        reporter: bool,
        email: Option<String>,
        person_name: Option<String>,
        person_roles: Option<Vec<String>>,
        signs_from: Option<OffsetDateTime>,
        used_lately: bool,
    }
    let row: Option<TokenRow> = sqlx::query_as(concatcp!(
        "select t.id, t.name, t.roles, t.agents, t.reporter, p.email, p.name as person_name, p.roles as person_roles,
             case when p.signs_from > now() then p.signs_from end as signs_from,
             coalesce(t.last_used_at > now() - interval '1 minute', false) as used_lately
         from api_tokens t left join people p on p.id = t.person_id
         where t.token_hash = $1 and ",
        WORKS
    ))
    .bind(hash(plain))
    .fetch_optional(store.pool())
    .await?;
    let Some(row) = row else { return Ok(None) };
    if !row.used_lately {
        record_use(store, row.id).await;
    }
    let roles = names::roles(&row.roles)?;
    let pass = Pass::with(Credential::Token(row.id));
    let bearer = match (row.email, row.person_name, row.person_roles) {
        (Some(email), Some(name), Some(held)) => {
            let held = names::roles(&held)?.intersection(&roles).copied().collect();
            let pass = Pass { signs_from: row.signs_from.map(Into::into), ..pass };
            Bearer { actor: Actor { pass, ..Actor::new(email, held, Via::Token) }, name }
        }
        _ => {
            let scope = Some(AgentScope { agents: row.agents, reporter: row.reporter });
            let actor = Actor { pass: Pass { scope, ..pass }, ..Actor::new(row.name.clone(), roles, Via::Token) };
            Bearer { actor, name: row.name }
        }
    };
    Ok(Some(bearer))
}

/// The roles that a token has now; `None` once it does not work any more, for the reasons of [`authenticate`].
pub(super) async fn roles_now(db: &mut PgConnection, id: i64) -> Result<Option<Roles>> {
    let row: Option<(Vec<String>, Option<Vec<String>>)> = sqlx::query_as(concatcp!(
        "select t.roles, p.roles from api_tokens t left join people p on p.id = t.person_id where t.id = $1 and ",
        WORKS
    ))
    .bind(id)
    .fetch_optional(db)
    .await?;
    let Some((roles, held)) = row else { return Ok(None) };
    let roles = names::roles(&roles)?;
    let Some(held) = held else { return Ok(Some(roles)) };
    Ok(Some(names::roles(&held)?.intersection(&roles).copied().collect()))
}

/// Records when the token was last used, for the list of tokens. No request fails because of this, or is held up by it
/// for long.
async fn record_use(store: &Store, id: i64) {
    let update = sqlx::query("update api_tokens set last_used_at = now() where id = $1").bind(id).execute(store.pool());
    match timeout(RECORD_USE_WITHIN, update).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::debug!(%error, token = id, "the use of a token cannot be recorded"),
        Err(_) => tracing::debug!(token = id, "the use of a token was not recorded in time"),
    }
}
