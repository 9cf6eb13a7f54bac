//! Creating and revoking tokens. A token that carries a person's roles is made by that person; tokens that others make
//! are for programs. Only the command line of the host makes both kinds.

use const_format::concatcp;
use lifecycle::{
    audit::EventType,
    authority::{Actor, Credential, Permission, Role, Roles, Token, Via, authorize},
    problem::{Code, Problem},
};
use policy::bundle::{
    NamePattern,
    name::{self, recorded},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    renew::renew_in,
    row::{COLUMNS, PREFIX, RANDOM_CHARS, Row, SELECT},
};
use crate::{
    Error, Result, Store,
    accounts::{
        own_password,
        secret::{hash, random_letters},
    },
    announcements, names,
    text::{is_readable, storable},
    work::Work,
};

/// Number of a token's characters that are stored to recognise it by.
const SHOWN_CHARS: usize = 8;
/// Days after which a token expires unless its maker says otherwise.
const DEFAULT_DAYS: u32 = 90;
/// Longest time a token is valid for, in days.
const MAX_DAYS: u32 = 365;
/// Maximum number of agent patterns of a token.
const MAX_AGENTS: usize = 100;

/// The token of a program: the body of `POST /tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewServiceToken {
    /// The purpose of the token; the program acts under this name.
    pub name: String,
    /// The agents the program may ask for: names, prefixes such as `inbox.*`, or `*`.
    pub agents: Vec<String>,
    /// Whether the program may report outcomes of decisions that other tokens asked for.
    #[serde(default)]
    pub reporter: bool,
    /// Days until the token expires, 90 by default.
    #[serde(default)]
    pub expires_in_days: Option<u32>,
}

/// A token of the person who makes it: the body of `POST /me/tokens`.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NewOwnToken {
    /// The purpose of the token.
    pub name: String,
    /// The roles the token has at most.
    pub roles: Roles,
    /// Days until the token expires, 90 by default.
    #[serde(default)]
    pub expires_in_days: Option<u32>,
    /// The person's password, asked for when the token is made in a session.
    #[serde(default)]
    pub password: Option<String>,
}

/// Creates a token for a program. The second value is the token itself, which is stored nowhere.
///
/// # Errors
/// Denied without [`Permission::Administer`]; a name, pattern or number of days that cannot be.
pub async fn create_service(store: &Store, actor: &Actor, new: NewServiceToken) -> Result<(Token, String)> {
    let permit = authorize(actor, Permission::Administer)?;
    let name = checked_name(&new.name)?;
    if name == "system" || name.starts_with("cli:") || name.starts_with("sql:") {
        let detail = "the audit trail uses this name for the service itself or its host; give the token another";
        return Err(Problem::invalid_field("/name", detail).into());
    }
    let agents = checked_agents(&new.agents)?;
    let days = checked_days(new.expires_in_days)?;
    let mut work = Work::begin(store, permit).await?;
    let values = Values {
        name,
        person_id: None,
        roles: [Role::Service].into(),
        agents,
        reporter: new.reporter,
        days,
        maker: None,
    };
    let created = insert(&mut work, values).await?;
    work.commit().await?;
    Ok(created)
}

/// Creates a token of the actor's own. The second value is the token itself, which is stored nowhere. A token made with
/// a token has no more roles than that one, does not outlive it, and is revoked with it. In a session the person's
/// password is asked for; `source` is the network address that the request came from.
///
/// # Errors
/// Denied without [`Permission::Read`], and for programs; a name or number of days that cannot be; no roles, or roles
/// that the actor does not have; a missing or wrong password, and `too_many_requests` after several wrong ones.
pub async fn create_own(store: &Store, actor: &Actor, source: &str, new: NewOwnToken) -> Result<(Token, String)> {
    let permit = authorize(actor, Permission::Read)?;
    let name = checked_name(&new.name)?;
    let days = checked_days(new.expires_in_days)?;
    if let Some(role) = checked_roles(&new.roles)?.difference(&actor.roles).next() {
        let detail = format!("you do not have the role `{role}` here, so your token cannot have it");
        return Err(Problem::invalid_field("/roles", detail).into());
    }
    own_password::confirm(store, actor, source, new.password.as_deref()).await?;
    let mut work = Work::begin(store, permit).await?;
    let person = owner(&mut work, &actor.name).await?.filter(|person| person.enabled).ok_or_else(not_a_person)?;
    // What the token is made with may have ended while the password was verified, and the token would survive that.
    if renew_in(work.db(), actor).await?.is_none() {
        let detail = "your session or token ended just now, so nothing is made with it: sign in again";
        return Err(Error::refused(Code::Unauthenticated, detail));
    }
    let (person_id, maker) = (Some(person.id), actor.pass.credential);
    let values = Values { name, person_id, roles: new.roles, agents: Vec::new(), reporter: false, days, maker };
    let created = insert(&mut work, values).await?;
    work.commit().await?;
    Ok(created)
}

/// Creates a token in a person's name from the command line of the host, where people can change the database
/// anyway. The audit entry says so.
///
/// # Errors
/// `forbidden` for actors who came another way; roles that the person does not have; otherwise as [`create_own`].
pub async fn create_on_host(store: &Store, actor: &Actor, email: &str, new: NewOwnToken) -> Result<(Token, String)> {
    let permit = authorize(actor, Permission::Administer)?;
    if !matches!(actor.via, Via::Cli | Via::Job) {
        let detail =
            "a token that carries a person's roles is made by that person, with `POST /me/tokens` or on the page You";
        return Err(Error::refused(Code::Forbidden, detail));
    }
    let name = checked_name(&new.name)?;
    let days = checked_days(new.expires_in_days)?;
    let mut work = Work::begin(store, permit).await?;
    let person = owner(&mut work, email).await?.ok_or_else(|| Error::not_found("person", email))?;
    let held = names::roles(&person.roles)?;
    if let Some(role) = checked_roles(&new.roles)?.difference(&held).next() {
        let detail = format!("`{email}` does not have the role `{role}`");
        return Err(Problem::invalid_field("/roles", detail).into());
    }
    let person_id = Some(person.id);
    let values = Values { name, person_id, roles: new.roles, agents: Vec::new(), reporter: false, days, maker: None };
    let created = insert(&mut work, values).await?;
    let what = format!(
        "{} made a token that acts as {email} on the host; roles: {}",
        work.actor().name,
        names::role_names(&created.0.roles).join(", ")
    );
    announcements::announce(&mut work, person.id, announcements::Kind::OnHost, &what).await?;
    work.commit().await?;
    Ok(created)
}

/// Revokes a token, and those made with it. Revoking a token twice changes nothing.
///
/// # Errors
/// Denied without [`Permission::Administer`]; no such token.
pub async fn revoke(store: &Store, actor: &Actor, id: i64) -> Result<Token> {
    let mut work = Work::begin(store, authorize(actor, Permission::Administer)?).await?;
    let token = revoke_one(&mut work, id, None).await?;
    work.commit().await?;
    Ok(token)
}

/// Revokes one of the actor's own tokens, and those made with it.
///
/// # Errors
/// Denied without [`Permission::Read`]; the actor has no such token.
pub async fn revoke_own(store: &Store, actor: &Actor, id: i64) -> Result<Token> {
    let mut work = Work::begin(store, authorize(actor, Permission::Read)?).await?;
    let token = revoke_one(&mut work, id, Some(&actor.name)).await?;
    work.commit().await?;
    Ok(token)
}

/// Revokes every token of a person; returns those that were still valid.
pub(in crate::accounts) async fn revoke_all(work: &mut Work, person_id: i64) -> Result<Vec<Token>> {
    let rows: Vec<Row> = sqlx::query_as(concatcp!(
        "with t as (update api_tokens set revoked_at = now() where person_id = $1 and revoked_at is null
                 and (expires_at is null or expires_at > now()) returning *)
             select ",
        COLUMNS,
        " from t join people p on p.id = t.person_id order by t.id"
    ))
    .bind(person_id)
    .fetch_all(work.db())
    .await?;
    let revoked = rows.into_iter().map(Row::read).collect::<Result<Vec<Token>>>()?;
    for token in &revoked {
        note_revoked(work, token);
    }
    Ok(revoked)
}

async fn revoke_one(work: &mut Work, id: i64, owner: Option<&str>) -> Result<Token> {
    // The person first, then tokens, as everywhere: two who lock in another order wait for each other for ever.
    sqlx::query("select from people where id = (select person_id from api_tokens where id = $1) for update")
        .bind(id)
        .execute(work.db())
        .await?;
    let row: Option<Row> =
        sqlx::query_as(concatcp!(SELECT, "where t.id = $1 and ($2::text is null or p.email = $2) for update of t"))
            .bind(id)
            .bind(owner)
            .fetch_optional(work.db())
            .await?;
    let known = row.ok_or_else(|| Error::not_found("token", id))?.read()?;
    if known.revoked_at.is_some() {
        return Ok(known);
    }
    sqlx::query("update api_tokens set revoked_at = now() where id = $1").bind(id).execute(work.db()).await?;
    let token = Token { revoked_at: Some(work.now), ..known };
    note_revoked(work, &token);
    // The token's holder may have made others with it.
    let made: Vec<Row> = sqlx::query_as(concatcp!(
        "with recursive made as (
             select id from api_tokens where made_with = 'token:' || $1::bigint
             union select n.id from api_tokens n join made m on n.made_with = 'token:' || m.id),
         t as (update api_tokens set revoked_at = now() where revoked_at is null and id in (select id from made)
             returning *)
         select ",
        COLUMNS,
        " from t left join people p on p.id = t.person_id order by t.id"
    ))
    .bind(id)
    .fetch_all(work.db())
    .await?;
    for row in made {
        note_revoked(work, &row.read()?);
    }
    Ok(token)
}

fn note_revoked(work: &mut Work, token: &Token) {
    let detail = json!({"name": token.name, "email": token.email, "prefix": token.prefix});
    work.note(EventType::TokenRevoked, "token", token.id, format!("token `{}` was revoked", token.name), detail);
}

/// The person that a token is for.
#[derive(sqlx::FromRow)]
struct Owner {
    id: i64,
    roles: Vec<String>,
    enabled: bool,
}

/// The person with this email, locked until the transaction ends.
async fn owner(work: &mut Work, email: &str) -> Result<Option<Owner>> {
    Ok(sqlx::query_as("select id, roles, enabled from people where email = $1 for update")
        .bind(&*storable(&email.trim().to_lowercase()))
        .fetch_optional(work.db())
        .await?)
}

/// What is stored of a new token.
struct Values {
    name: String,
    person_id: Option<i64>,
    roles: Roles,
    agents: Vec<String>,
    reporter: bool,
    days: u32,
    /// The token or session it was made with.
    maker: Option<Credential>,
}

async fn insert(work: &mut Work, values: Values) -> Result<(Token, String)> {
    let plain = random_token();
    let by = work.actor().name.clone();
    let row: Row = sqlx::query_as(concatcp!(
        "with t as (insert into api_tokens (name, person_id, roles, agents, reporter, token_hash, prefix, created_by,
                 created_at, expires_at, made_with)
             values ($1, $2, $3, $4, $5, $6, $7, $8, now(), least(now() + make_interval(days => $9),
                 (select expires_at from api_tokens where id = $10)), $11)
             returning *)
         select ",
        COLUMNS,
        " from t left join people p on p.id = t.person_id"
    ))
    .bind(&values.name)
    .bind(values.person_id)
    .bind(&names::role_names(&values.roles)[..])
    .bind(&values.agents[..])
    .bind(values.reporter)
    .bind(hash(&plain))
    .bind(plain.chars().take(SHOWN_CHARS).collect::<String>())
    .bind(by)
    .bind(i32::try_from(values.days).unwrap_or(i32::MAX))
    .bind(values.maker.and_then(|maker| match maker {
        Credential::Token(number) => Some(number),
        Credential::Session(_) => None,
    }))
    .bind(values.maker.map(String::from))
    .fetch_one(work.db())
    .await?;
    let token = row.read()?;
    let detail = json!({
        "name": token.name, "email": token.email, "roles": names::role_names(&token.roles), "agents": token.agents,
        "reporter": token.reporter, "prefix": token.prefix, "expires_at": token.expires_at,
    });
    let summary = match &token.email {
        Some(email) => format!("token `{}` of {email} was created", token.name),
        None => format!("token `{}` for {} was created", token.name, token.agents.join(", ")),
    };
    work.note(EventType::TokenCreated, "token", token.id, summary, detail);
    Ok((token, plain))
}

fn checked_name(name: &str) -> Result<String> {
    let name = name.trim().to_owned();
    if !is_readable(&name, 1, 120) || name.contains('@') {
        return Err(Problem::invalid_field("/name", "a token's name has 1 to 120 visible characters and no `@`").into());
    }
    Ok(name)
}

fn checked_roles(roles: &Roles) -> Result<&Roles> {
    if roles.is_empty() {
        return Err(Problem::invalid_field("/roles", "a token needs at least one role").into());
    }
    Ok(roles)
}

fn checked_days(days: Option<u32>) -> Result<u32> {
    let days = days.unwrap_or(DEFAULT_DAYS);
    if !(1..=MAX_DAYS).contains(&days) {
        let detail = format!("a token is valid for 1 to {MAX_DAYS} days");
        return Err(Problem::invalid_field("/expires_in_days", detail).into());
    }
    Ok(days)
}

/// The patterns, each once.
fn checked_agents(given: &[String]) -> Result<Vec<String>> {
    if given.is_empty() || given.len() > MAX_AGENTS {
        let detail = format!("name 1 to {MAX_AGENTS} agents: names, prefixes such as `inbox.*`, or `*` for all");
        return Err(Problem::invalid_field("/agents", detail).into());
    }
    let mut agents: Vec<String> = Vec::with_capacity(given.len());
    for (number, text) in given.iter().enumerate() {
        let pattern = NamePattern::read(text.trim()).map_err(|reason| {
            let detail = format!("`{}` is no agent: {reason}. {}", recorded(text), name::ADVICE);
            Error::from(Problem::invalid_field(format!("/agents/{number}"), detail))
        })?;
        let pattern = pattern.to_string();
        if !agents.contains(&pattern) {
            agents.push(pattern);
        }
    }
    Ok(agents)
}

fn not_a_person() -> Error {
    Error::refused(Code::Forbidden, "only people who can sign in make tokens of their own")
}

fn random_token() -> String {
    format!("{PREFIX}{}", random_letters(RANDOM_CHARS))
}
