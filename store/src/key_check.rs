//! Whether a process holds the keys of the workspace: without the key that signs it cannot write.

use const_format::concatcp;
use lifecycle::{
    audit::{SealCheck, check_seal},
    problem::{Code, Problem},
    signing::{Key, KeyRing},
};
use policy::Timestamp;
use serde_json::{Map, Value};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use crate::{
    Error, Result, Store,
    audit::row::{COLUMNS, Row},
    signing_keys::{self as registry, Registered, WorkspaceKeys},
};

/// Makes the first key of the workspace with `make`, unless something was signed here before: then nothing is made, and
/// the id of the key that signs is returned. One process does this at a time. The schema must be up to date.
///
/// # Errors
/// The database failed, or `make` did.
pub async fn make_if_empty<E: From<Error>>(
    options: &PgConnectOptions,
    make: impl FnOnce() -> Result<Key, E>,
) -> Result<Option<String>, E> {
    let mut db = PgConnection::connect_with(options).await.map_err(Error::from)?;
    let mut tx = db.begin().await.map_err(Error::from)?;
    registry::lock(&mut tx).await?;
    let known = read(&mut tx).await?;
    if let Some(current) = known.current() {
        return Ok(Some(current.key_id.clone()));
    }
    if let Some(newest) = newest_seal(&mut tx).await? {
        return Ok(newest.get("key_id").and_then(Value::as_str).map(str::to_owned));
    }
    let key = make()?;
    registry::add(&mut tx, &key, "current").await?;
    tx.commit().await.map_err(Error::from)?;
    db.close().await.map_err(Error::from)?;
    Ok(None)
}

/// Refuses keys that are not those of the workspace, before anything is changed in its database. `ring` reads them; no key
/// is refused, too, where one is needed. A schema that is missing, or older than registered keys, refuses nothing.
///
/// # Errors
/// `unknown_key` as in [`check`]; the database failed, or `ring` did.
pub async fn check_before_migration<E: From<Error>>(
    options: &PgConnectOptions,
    ring: impl FnOnce() -> Result<Option<KeyRing>, E>,
) -> Result<(), E> {
    let mut db = PgConnection::connect_with(options).await.map_err(Error::from)?;
    let known = registry::read(&mut db).await?;
    db.close().await.map_err(Error::from)?;
    let Some(known) = known else { return Ok(()) };
    // Read last: another process may have made the first key meanwhile.
    match (ring()?, known.current()) {
        (Some(keys), _) => {
            refuse_other_secret(&known, &keys)?;
            Ok(refuse_missing(&known, &keys)?)
        }
        (None, Some(current)) => Err(missing(&current.key_id).into()),
        (None, None) => Ok(()),
    }
}

/// Refuses a process that does not hold the key that signs now. The first process of an empty workspace, or of one that
/// was made before keys were registered, registers its key. To be called at the start, by every process that writes.
///
/// # Errors
/// `unknown_key` with the id of the key that is missing, or that was given with another secret.
pub async fn check(store: &Store) -> Result<()> {
    if store.keys_are_checked() {
        return Ok(());
    }
    let mut db = store.pool().acquire().await?;
    let ring = require(&mut db, &store.given_keys()).await?;
    store.use_keys(ring, true);
    Ok(())
}

async fn require(db: &mut PgConnection, keys: &KeyRing) -> Result<KeyRing> {
    let mut tx = db.begin().await?;
    registry::lock(&mut tx).await?;
    let mut known = read(&mut tx).await?;
    if known.current().is_none() {
        let first = first(&mut tx, &known, keys).await?;
        registry::add(&mut tx, &first, "current").await?;
        known.keys.push(Registered::current(&first));
    }
    tx.commit().await?;
    refuse_other_secret(&known, keys)?;
    refuse_missing(&known, keys)?;
    Ok(known.bound(keys))
}

/// Refuses a ring that does not hold the key that signs.
pub(crate) fn refuse_missing(known: &WorkspaceKeys, keys: &KeyRing) -> Result<()> {
    match known.current() {
        Some(current) if !keys.all().any(|key| current.is(key)) => Err(missing(&current.key_id)),
        _ => Ok(()),
    }
}

pub(crate) async fn read(db: &mut PgConnection) -> Result<WorkspaceKeys> {
    registry::read(db)
        .await?
        .ok_or_else(|| Error::Internal("the schema of the database is older than this program".to_owned()))
}

/// The key to register as the one that signs: the one that sealed the newest entry, or, when nothing is sealed yet, the
/// ring's current one.
async fn first(db: &mut PgConnection, known: &WorkspaceKeys, keys: &KeyRing) -> Result<Key> {
    let Some(newest) = newest_seal(db).await? else { return Ok(keys.current.clone()) };
    let mut refused = None;
    for key in keys.all() {
        let alone = KeyRing { current: key.clone(), previous: Vec::new() };
        let alone = alone.bound_to(&known.workspace, known.undivided_until.map(Timestamp::from));
        match check_seal(&alone, &newest) {
            SealCheck::Genuine(_) => return Ok(key.clone()),
            SealCheck::UnknownKey(_) | SealCheck::Unsealed => {}
            SealCheck::Altered => refused = Some(other_secret(&key.id)),
        }
    }
    let id = newest.get("key_id").and_then(Value::as_str).unwrap_or("?");
    Err(refused.unwrap_or_else(|| missing(id)))
}

/// The newest sealed entry of the audit record.
async fn newest_seal(db: &mut PgConnection) -> Result<Option<Map<String, Value>>> {
    let sql = concatcp!(
        "select ",
        COLUMNS,
        " from policy_lifecycle_audit where entry_hash is not null order by seq desc limit 1"
    );
    let row: Option<Row> = sqlx::query_as(sql).fetch_optional(db).await?;
    Ok(row.map(Row::members))
}

/// Refuses a ring in which a key has the name of one of the workspace's keys and another secret.
pub(crate) fn refuse_other_secret(known: &WorkspaceKeys, keys: &KeyRing) -> Result<()> {
    for registered in &known.keys {
        let mut named = keys.named(&registered.key_id).filter(|key| !key.is_guessed()).peekable();
        if named.peek().is_some() && !keys.all().any(|key| registered.is(key)) {
            return Err(other_secret(&registered.key_id));
        }
    }
    Ok(())
}

fn missing(id: &str) -> Error {
    let detail = format!(
        "this workspace is signed with the key `{id}`, which is not known here, so nothing can be written. Give the key \
         as HMAC_SECRET with HMAC_KEY_ID={id}, or as HMAC_PREVIOUS={id}:SECRET, or use the data directory that holds it"
    );
    Problem::new(Code::UnknownKey, detail).with("key_id", id).into()
}

fn other_secret(id: &str) -> Error {
    let detail = format!(
        "the key `{id}` given here has another secret than the key `{id}` of this workspace. Give a new key a name of \
         its own with HMAC_KEY_ID, and the workspace's key as HMAC_PREVIOUS={id}:SECRET"
    );
    Problem::new(Code::UnknownKey, detail).with("key_id", id).into()
}
