//! Changing the key that signs while servers run. A new key is announced by the process that brings it, and signs once
//! every running server has it: no server meets a signature that it cannot verify.

use std::time::Duration;

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, Role, Via, authorize},
    problem::{Code, Problem},
    signing::{Key, KeyRing},
};
use serde_json::json;
use sqlx::PgConnection;

use crate::{
    Error, Result, Store,
    key_check::{self, read, refuse_missing, refuse_other_secret},
    signing_keys::{self as registry, Registered, WorkspaceKeys},
    work::Work,
};

/// How often a server says that it runs, and which keys it has.
pub const HEARTBEAT: Duration = Duration::from_secs(2);

/// A server that was silent for this long does not count as running, in seconds.
const SILENT_SECONDS: i32 = 15;

/// What became of a new key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Announced {
    /// The key signs.
    InUse,
    /// The key waits until these servers have it.
    Waiting(Vec<String>),
}

/// Announces that the current key of `ring` is to sign. It does so at once if every running server has it.
///
/// # Errors
/// Denied without [`Permission::Administer`]; `conflict` while another new key waits, or when this key was replaced
/// before; `unknown_key` when the ring does not hold the key that signs.
pub async fn announce(store: &Store, actor: &Actor, ring: &KeyRing) -> Result<Announced> {
    let permit = authorize(actor, Permission::Administer)?;
    let key = &ring.current;
    store.give_keys(ring.clone());
    let mut work = Work::begin(store, permit).await?;
    registry::lock(work.db()).await?;
    let known = read(work.db()).await?;
    match registered(&known, key).map(|registered| registered.state.as_str()) {
        Some("current") => return Ok(Announced::InUse),
        Some("next") => {}
        Some(_) => {
            let detail = format!("the key `{}` was replaced before and does not sign again: make a new one", key.id);
            return Err(Problem::new(Code::Conflict, detail).with("key_id", key.id.as_str()).into());
        }
        None => {
            refuse_other_secret(&known, &KeyRing { current: key.clone(), previous: Vec::new() })?;
            if let Some(waiting) = known.next() {
                let detail = format!(
                    "the key `{}` waits until every server has it; only then can another key be announced",
                    waiting.key_id
                );
                return Err(Problem::new(Code::Conflict, detail).with("key_id", waiting.key_id.as_str()).into());
            }
            registry::add(work.db(), key, "next").await?;
            let summary = format!("the signing key `{}` was announced; it signs once every server has it", key.id);
            work.note(EventType::SettingsChanged, "settings", "keys", summary, json!({"key_id": key.id}));
            // This process knows the key from now on, before any other can put it to use.
            let known = read(work.db()).await?;
            store.use_keys(known.bound(ring), store.keys_are_checked());
            sqlx::query("update server_keys set keys = keys || $2::text where instance = $1")
                .bind(store.instance())
                .bind(pair(&key.id, &key.fingerprint()))
                .execute(work.db())
                .await?;
        }
    }
    let outcome = advance(&mut work).await?;
    work.commit().await?;
    refresh(store).await?;
    Ok(outcome)
}

/// Says that this server runs on `host` with the keys of `ring`, takes these keys into use, and puts a new key to use
/// when every running server has it. Takes no actor: which key signs is decided by the servers together.
///
/// # Errors
/// `unknown_key` when the ring does not hold the key that signs; the database failed.
pub async fn beat(store: &Store, host: &str, ring: KeyRing) -> Result<()> {
    store.give_keys(ring.clone());
    // Only keys that are taken into use count as held: no key is put to use that a server would refuse.
    let known = {
        let mut db = store.pool().acquire().await?;
        read(&mut db).await?
    };
    store.use_keys(known.bound(&ring), store.keys_are_checked());
    let held = |key: &&Key| known.keys.iter().any(|registered| registered.is(key));
    let keys: Vec<String> = ring.all().filter(held).map(|key| pair(&key.id, &key.fingerprint())).collect();
    sqlx::query(
        "insert into server_keys (instance, host, keys) values ($1, $2, $3)
         on conflict (instance) do update set keys = excluded.keys, host = excluded.host, seen_at = now()",
    )
    .bind(store.instance())
    .bind(host)
    .bind(&keys)
    .execute(store.pool())
    .await?;
    let followed = follow(store).await;
    if matches!(&followed, Err(Error::Refused(_))) {
        // A server that cannot sign has no say in which key does.
        leave(store).await?;
    }
    followed
}

/// Compares the keys with the workspace's, and puts a new key to use when every running server has it.
async fn follow(store: &Store) -> Result<()> {
    key_check::check(store).await?;
    let waits = {
        let mut db = store.pool().acquire().await?;
        read(&mut db).await?.next().is_some()
    };
    if waits {
        let mut work = Work::begin(store, authorize(&servers(), Permission::Administer)?).await?;
        registry::lock(work.db()).await?;
        advance(&mut work).await?;
        work.commit().await?;
    }
    refresh(store).await
}

/// Says that this server stops. Takes no actor: nothing but the server's own row is removed.
///
/// # Errors
/// The database failed.
pub async fn leave(store: &Store) -> Result<()> {
    sqlx::query("delete from server_keys where instance = $1").bind(store.instance()).execute(store.pool()).await?;
    Ok(())
}

/// Whether `key` signs or did so before, or which servers it waits for; `None` if it was never announced.
///
/// # Errors
/// Denied without [`Permission::Administer`]; the database failed.
pub async fn status(store: &Store, actor: &Actor, key: &Key) -> Result<Option<Announced>> {
    authorize(actor, Permission::Administer)?;
    let mut db = store.pool().acquire().await?;
    let known = read(&mut db).await?;
    Ok(match registered(&known, key) {
        Some(next) if next.state == "next" => Some(Announced::Waiting(lacking(&mut db, next).await?)),
        Some(_) => Some(Announced::InUse),
        None => None,
    })
}

/// The key as the workspace knows it. The same secret under another name is no new key.
fn registered<'a>(known: &'a WorkspaceKeys, key: &Key) -> Option<&'a Registered> {
    let fingerprint = key.fingerprint();
    known.keys.iter().find(|registered| registered.fingerprint == fingerprint)
}

/// Puts the next key to use if every running server has it. The keys are locked.
async fn advance(work: &mut Work) -> Result<Announced> {
    let known = read(work.db()).await?;
    let Some(next) = known.next() else { return Ok(Announced::InUse) };
    let lacking = lacking(work.db(), next).await?;
    if !lacking.is_empty() {
        return Ok(Announced::Waiting(lacking));
    }
    registry::use_next(work.db()).await?;
    let former = known.current().map(|key| key.key_id.as_str()).unwrap_or_default();
    let summary = format!("the signing key `{}` replaced `{former}`", next.key_id);
    let detail = json!({"key_id": next.key_id, "fingerprint": next.fingerprint, "former_key_id": former});
    work.note(EventType::SettingsChanged, "settings", "keys", summary, detail);
    Ok(Announced::InUse)
}

/// The running servers that do not have this key.
async fn lacking(db: &mut PgConnection, key: &Registered) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "select host from server_keys
         where seen_at > now() - make_interval(secs => $1) and not (keys @> array[$2::text]) order by host",
    )
    .bind(f64::from(SILENT_SECONDS))
    .bind(pair(&key.key_id, &key.fingerprint))
    .fetch_all(db)
    .await?)
}

/// Signs with what signs now, if this process still holds that key: a server that was silent for a while may have missed
/// a change, and then writes nothing until it has the key.
async fn refresh(store: &Store) -> Result<()> {
    let mut db = store.pool().acquire().await?;
    let known = read(&mut db).await?;
    let given = store.given_keys();
    let held = refuse_missing(&known, &given);
    store.use_keys(known.bound(&given), held.is_ok());
    held
}

fn pair(id: &str, fingerprint: &str) -> String {
    format!("{id} {fingerprint}")
}

/// The servers, acting together.
fn servers() -> Actor {
    Actor::new("system", [Role::Admin].into(), Via::Job)
}
