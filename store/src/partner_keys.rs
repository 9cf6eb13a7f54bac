//! Public keys of partners: pasted by an administrator, countersigned by a safety owner, and used for verifying files.

use const_format::concatcp;
use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, authorize, may_propose},
    problem::{Code, Problem},
    signing::PublicKey,
    transfer::{PartnerKey, PartnerKeyStatus},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::{Error, Result, Store, held_roles::require_proposer, text::is_readable, work::Work};

/// Most keys that count or wait.
const MAX_KEYS: i64 = 200;
/// Most characters of a name.
const MAX_NAME: usize = 120;
/// The columns of [`Row`].
const COLUMNS: &str =
    "id, name, public_key, proposed_by, proposed_at, decision, decided_by, decided_at, removed_by, removed_at";

/// A key that an administrator pastes: the body of `POST /partner-keys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPartnerKey {
    /// What people call the partner.
    pub name: String,
    /// The 32 bytes of an Ed25519 key in hexadecimal, as the partner publishes them.
    pub public_key: String,
}

/// All keys, those that wait first, then the newest.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn list(store: &Store, actor: &Actor) -> Result<Vec<PartnerKey>> {
    authorize(actor, Permission::Read)?;
    let rows: Vec<Row> = sqlx::query_as(concatcp!(
        "select ",
        COLUMNS,
        " from partner_keys order by decision is not null, id desc limit 1000"
    ))
    .fetch_all(store.pool())
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Proposes a key. It counts once a safety owner has accepted it.
///
/// # Errors
/// Denied without [`Permission::Administer`], and while the actor signs nothing; a name or key that cannot be; a key that
/// counts or waits already.
pub async fn propose(store: &Store, actor: &Actor, new: &NewPartnerKey) -> Result<PartnerKey> {
    let permit = authorize(actor, Permission::Administer)?;
    may_propose(actor)?;
    let name = new.name.trim();
    if !is_readable(name, 1, MAX_NAME) {
        return Err(Problem::invalid_field("/name", format!("a name has 1 to {MAX_NAME} visible characters")).into());
    }
    let key = PublicKey::from_hex(new.public_key.trim()).ok_or_else(|| {
        let detail = "this is no Ed25519 public key: paste the 64 hexadecimal digits that the partner publishes as \
                      `public_key`";
        Problem::invalid_field("/public_key", detail)
    })?;
    if store.keys().all().any(|own| own.public().key_id == key.key_id) {
        let detail = "this is the workspace's own key: what it exported counts here anyway";
        return Err(Problem::invalid_field("/public_key", detail).into());
    }
    let bytes = hex::decode(&key.public_key).map_err(|error| Error::Internal(error.to_string()))?;
    let mut work = Work::begin(store, permit).await?;
    let (open, same): (i64, Option<String>) = sqlx::query_as(
        "select count(*), max(name) filter (where key_id = $1) from partner_keys
         where decision is distinct from 'rejected' and removed_at is null",
    )
    .bind(&key.key_id)
    .fetch_one(work.db())
    .await?;
    if let Some(name) = same {
        let detail = format!("the key `{}` is here already, as the key of {name}", key.key_id);
        return Err(Error::refused(Code::Conflict, detail));
    }
    if open >= MAX_KEYS {
        return Err(Error::refused(Code::Conflict, format!("there are {MAX_KEYS} keys already: remove one first")));
    }
    let row: Row = sqlx::query_as(concatcp!(
        "insert into partner_keys (name, key_id, public_key, proposed_by, proposed_at) values ($1, $2, $3, $4, now())
         returning ",
        COLUMNS
    ))
    .bind(name)
    .bind(&key.key_id)
    .bind(&bytes)
    .bind(&actor.name)
    .fetch_one(work.db())
    .await
    .map_err(|error| Error::taken(error, Code::Conflict, "this key is here already"))?;
    let added = row.read()?;
    let summary = format!("{} proposed to trust the key {} of {name}; a safety owner decides", actor.name, key.key_id);
    note(&mut work, EventType::PartnerKeyProposed, &added, summary);
    work.commit().await?;
    Ok(added)
}

/// Accepts a key: files that are signed with it count from now on.
///
/// # Errors
/// Denied without [`Permission::Countersign`]; `forbidden` for who proposed it; no such key; `invalid_transition` when it was
/// decided before; `conflict` when the proposer could not propose it any more.
pub async fn accept(store: &Store, actor: &Actor, id: i64) -> Result<PartnerKey> {
    let mut work = Work::begin(store, authorize(actor, Permission::Countersign)?).await?;
    let key = waiting(&mut work, id).await?;
    if !key.may_accept(&actor.name) {
        let detail = "you proposed this key, so another safety owner has to accept it";
        return Err(Problem::new(Code::Forbidden, detail)
            .with("permission", Permission::Countersign.name())
            .with("rule", "separation_of_duties")
            .into());
    }
    require_proposer(&mut work, &key.proposed_by, key.proposed_at).await?;
    decide(work, id, "accepted", EventType::PartnerKeyAccepted).await
}

/// Rejects a key, or withdraws one's own proposal.
///
/// # Errors
/// Denied without [`Permission::Read`]; no such key; `invalid_transition` when it was decided before; `forbidden` for anybody
/// but safety owners and the proposer.
pub async fn reject(store: &Store, actor: &Actor, id: i64) -> Result<PartnerKey> {
    let mut work = Work::begin(store, authorize(actor, Permission::Read)?).await?;
    if !waiting(&mut work, id).await?.may_reject(actor) {
        authorize(actor, Permission::Countersign)?;
    }
    decide(work, id, "rejected", EventType::PartnerKeyRejected).await
}

/// Removes a key: files that are signed with it do not count any more. What was imported stays as it is.
///
/// # Errors
/// Denied without [`Permission::Administer`]; no such key that counts.
pub async fn remove(store: &Store, actor: &Actor, id: i64) -> Result<PartnerKey> {
    let mut work = Work::begin(store, authorize(actor, Permission::Administer)?).await?;
    let row: Option<Row> = sqlx::query_as(concatcp!(
        "update partner_keys set removed_by = $2, removed_at = now()
         where id = $1 and decision = 'accepted' and removed_at is null returning ",
        COLUMNS
    ))
    .bind(id)
    .bind(&actor.name)
    .fetch_optional(work.db())
    .await?;
    let key = row.ok_or_else(|| Error::not_found("trusted key", id))?.read()?;
    let summary = format!("{} removed the key {} of {}", actor.name, key.key.key_id, key.name);
    note(&mut work, EventType::PartnerKeyRemoved, &key, summary);
    work.commit().await?;
    Ok(key)
}

/// The keys with which files from elsewhere are verified.
pub(crate) async fn trusted(db: impl PgExecutor<'_>) -> Result<Vec<PublicKey>> {
    let rows: Vec<Vec<u8>> =
        sqlx::query_scalar("select public_key from partner_keys where decision = 'accepted' and removed_at is null")
            .fetch_all(db)
            .await?;
    rows.iter().map(|bytes| read_key(bytes)).collect()
}

/// The key with this number that waits for a safety owner, locked until the transaction ends.
async fn waiting(work: &mut Work, id: i64) -> Result<PartnerKey> {
    let row: Option<Row> = sqlx::query_as(concatcp!("select ", COLUMNS, " from partner_keys where id = $1 for update"))
        .bind(id)
        .fetch_optional(work.db())
        .await?;
    let row = row.ok_or_else(|| Error::not_found("proposed key", id))?;
    if let Some(decision) = &row.decision {
        return Err(Error::decided(decision));
    }
    row.read()
}

async fn decide(mut work: Work, id: i64, decision: &'static str, event: EventType) -> Result<PartnerKey> {
    let by = work.actor().name.clone();
    let row: Row = sqlx::query_as(concatcp!(
        "update partner_keys set decision = $2, decided_by = $3, decided_at = now() where id = $1 returning ",
        COLUMNS
    ))
    .bind(id)
    .bind(decision)
    .bind(&by)
    .fetch_one(work.db())
    .await?;
    let key = row.read()?;
    let summary =
        format!("{by} {decision} the key {} of {}, as {} proposed", key.key.key_id, key.name, key.proposed_by);
    note(&mut work, event, &key, summary);
    work.commit().await?;
    Ok(key)
}

fn note(work: &mut Work, event: EventType, key: &PartnerKey, summary: String) {
    let detail = json!({
        "name": key.name, "key_id": key.key.key_id, "public_key": key.key.public_key, "proposed_by": key.proposed_by,
    });
    work.note(event, "partner_key", key.id, summary, detail);
}

fn read_key(bytes: &[u8]) -> Result<PublicKey> {
    PublicKey::from_hex(&hex::encode(bytes)).ok_or_else(|| Error::damaged("a partner's key is none"))
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    name: String,
    public_key: Vec<u8>,
    proposed_by: String,
    proposed_at: OffsetDateTime,
    decision: Option<String>,
    decided_by: Option<String>,
    decided_at: Option<OffsetDateTime>,
    removed_by: Option<String>,
    removed_at: Option<OffsetDateTime>,
}

impl Row {
    fn read(self) -> Result<PartnerKey> {
        let status = match (self.decision.as_deref(), self.removed_at) {
            (None, _) => PartnerKeyStatus::Proposed,
            (Some("accepted"), None) => PartnerKeyStatus::Trusted,
            (Some("accepted"), Some(_)) => PartnerKeyStatus::Removed,
            _ => PartnerKeyStatus::Rejected,
        };
        Ok(PartnerKey {
            id: self.id,
            key: read_key(&self.public_key)?,
            name: self.name,
            status,
            proposed_by: self.proposed_by,
            proposed_at: self.proposed_at.into(),
            decided_by: self.decided_by,
            decided_at: self.decided_at.map(Into::into),
            removed_by: self.removed_by,
            removed_at: self.removed_at.map(Into::into),
        })
    }
}
