//! An identity's row, and the sessions that began with it.

use const_format::concatcp;
use lifecycle::{
    audit::EventType,
    authority::{Actor, Identity, Permission, Permit, Person, Role, Roles, RolesByGroups, Via, authorize, groups},
};
use serde_json::json;
use time::OffsetDateTime;

use super::Claims;
use crate::{Result, Store, accounts::sealed, names, settings, work::Work};

/// The columns of [`Row`].
const COLUMNS: &str = "id, person_id, issuer, subject, given_roles, linked_at, confirmed_at";

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub id: i64,
    pub person_id: i64,
    issuer: String,
    subject: String,
    given_roles: Vec<String>,
    linked_at: OffsetDateTime,
    confirmed_at: OffsetDateTime,
}

impl Row {
    pub fn given(&self) -> Result<Roles> {
        names::roles(&self.given_roles)
    }

    pub fn read(self) -> Result<Identity> {
        Ok(Identity {
            roles: self.given()?,
            issuer: self.issuer,
            subject: self.subject,
            linked_at: self.linked_at.into(),
            confirmed_at: self.confirmed_at.into(),
        })
    }
}

/// The permit of the server itself, which follows what the provider says.
pub(super) fn permit() -> Result<Permit> {
    Ok(authorize(&Actor::new("system", [Role::Admin].into(), Via::Job), Permission::Administer)?)
}

/// Whose identity this is, locked until the transaction ends.
pub(super) async fn find_locked(work: &mut Work, claims: &Claims) -> Result<Option<Row>> {
    Ok(sqlx::query_as(concatcp!(
        "select ",
        COLUMNS,
        " from identities where issuer = $1 and subject = $2 and unlinked_at is null for update"
    ))
    .bind(&claims.issuer)
    .bind(&claims.subject)
    .fetch_optional(work.db())
    .await?)
}

/// The identity with this number, locked until the transaction ends.
pub(super) async fn by_id_locked(work: &mut Work, id: i64) -> Result<Option<Row>> {
    Ok(sqlx::query_as(concatcp!(
        "select ",
        COLUMNS,
        " from identities where id = $1 and unlinked_at is null for update"
    ))
    .bind(id)
    .fetch_optional(work.db())
    .await?)
}

/// The identity of a person.
pub(super) async fn of_person(db: impl sqlx::PgExecutor<'_>, email: &str) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "select i.id, i.person_id, i.issuer, i.subject, i.given_roles, i.linked_at, i.confirmed_at
         from identities i join people p on p.id = i.person_id where p.email = $1 and i.unlinked_at is null",
    )
    .bind(email)
    .fetch_optional(db)
    .await?)
}

/// Adds an identity, which gives no roles yet.
pub(super) async fn insert(work: &mut Work, person_id: i64, claims: &Claims) -> Result<Row> {
    Ok(sqlx::query_as(concatcp!(
        "insert into identities (person_id, issuer, subject, linked_at, confirmed_at)
         values ($1, $2, $3, now(), now()) returning ",
        COLUMNS
    ))
    .bind(person_id)
    .bind(&claims.issuer)
    .bind(&claims.subject)
    .fetch_one(work.db())
    .await?)
}

/// The roles that these groups give.
pub(super) async fn wanted(work: &mut Work, claims: &Claims) -> Result<Roles> {
    Ok(groups::roles_of(&settings::load_groups(work.db()).await?, &claims.groups))
}

/// Gives and takes roles so that the person has `wanted` from groups; the provider has just confirmed the person. The
/// caller holds the lock on people.
pub(super) async fn follow(work: &mut Work, row: &Row, person: Person, wanted: &Roles) -> Result<Person> {
    let before = RolesByGroups { held: person.roles.clone(), given: row.given()? };
    let after = before.follow(wanted);
    sqlx::query("update identities set confirmed_at = now(), given_roles = $2 where id = $1")
        .bind(row.id)
        .bind(&names::role_names(&after.given)[..])
        .execute(work.db())
        .await?;
    if after != before {
        sqlx::query("update people set roles = $2, updated_at = now() where id = $1")
            .bind(person.id)
            .bind(&names::role_names(&after.held)[..])
            .execute(work.db())
            .await?;
        let detail = json!({
            "roles": names::role_names(&after.held), "roles_before": names::role_names(&before.held),
            "from_groups": names::role_names(&after.given), "issuer": row.issuer, "subject": row.subject,
        });
        let summary = if after.held == before.held {
            format!("the groups of {} give other roles, and they keep theirs", person.email)
        } else {
            format!("the groups of {} changed their roles", person.email)
        };
        work.note(EventType::RolesFromGroups, "person", person.id, summary, detail);
    }
    Ok(Person { roles: after.held, ..person })
}

/// What a sealed secret is bound to.
fn about(identity: i64) -> String {
    format!("identity {identity}")
}

/// Adds a session at the provider; `secret` is what the provider is asked again with.
pub(super) async fn add_session(work: &mut Work, store: &Store, identity: i64, secret: &[u8]) -> Result<i64> {
    let (key_id, sealed) = sealed::seal(&store.keys(), &about(identity), secret)?;
    Ok(sqlx::query_scalar(
        "insert into provider_sessions (identity_id, sealed_secret, key_id, confirmed_at, ask_from)
         values ($1, $2, $3, now(), now()) returning id",
    )
    .bind(identity)
    .bind(sealed)
    .bind(key_id)
    .fetch_one(work.db())
    .await?)
}

/// Replaces the secret of a session that the provider has just confirmed.
pub(super) async fn renew_session(work: &mut Work, store: &Store, row: &Row, id: i64, secret: &[u8]) -> Result<()> {
    let (key_id, sealed) = sealed::seal(&store.keys(), &about(row.id), secret)?;
    sqlx::query(
        "update provider_sessions set sealed_secret = $2, key_id = $3, confirmed_at = now(), ask_from = now() where id = $1",
    )
    .bind(id)
    .bind(sealed)
    .bind(key_id)
    .execute(work.db())
    .await?;
    Ok(())
}

/// Opens the secret of a session.
pub(super) fn open(store: &Store, identity: i64, key_id: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    sealed::open(&store.keys(), &about(identity), key_id, sealed)
}

/// Ends the browser sessions that began with an identity; returns their numbers.
pub(super) async fn end_sessions(work: &mut Work, identity: i64) -> Result<Vec<i64>> {
    let ended = sqlx::query_scalar(
        "delete from sessions s using provider_sessions p where p.id = s.provider_session and p.identity_id = $1
         returning s.id",
    )
    .bind(identity)
    .fetch_all(work.db())
    .await?;
    sqlx::query("delete from provider_sessions where identity_id = $1").bind(identity).execute(work.db()).await?;
    Ok(ended)
}
