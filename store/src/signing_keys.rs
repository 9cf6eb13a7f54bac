//! The keys that sign the workspace's records, as the database knows them: by id and fingerprint.

use lifecycle::signing::{Key, KeyRing};
use policy::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::Result;

/// The advisory lock under which keys are made, announced and put to use.
const LOCK: i64 = 0x636f_756e_7465_7203;

/// A key of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Registered {
    pub key_id: String,
    pub fingerprint: String,
    /// `next`, `current` or `previous`.
    pub state: String,
}

impl Registered {
    /// `key` as the one that signs.
    pub fn current(key: &Key) -> Self {
        Self { key_id: key.id.clone(), fingerprint: key.fingerprint(), state: "current".to_owned() }
    }

    /// Whether `key` is this one.
    pub fn is(&self, key: &Key) -> bool {
        self.key_id == key.id && self.fingerprint == key.fingerprint()
    }
}

/// What the database knows about the workspace.
#[derive(Debug)]
pub(crate) struct WorkspaceKeys {
    pub workspace: String,
    pub undivided_until: Option<OffsetDateTime>,
    pub keys: Vec<Registered>,
}

impl WorkspaceKeys {
    pub fn current(&self) -> Option<&Registered> {
        self.in_state("current")
    }

    pub fn next(&self) -> Option<&Registered> {
        self.in_state("next")
    }

    /// `keys` for the records of this workspace: bound to its id, and signing with the key that signs now, when the ring
    /// has that key. Nothing is refused here.
    pub fn bound(&self, keys: &KeyRing) -> KeyRing {
        let chosen = self.current().and_then(|current| keys.signing_with(&current.key_id, &current.fingerprint));
        let keys = chosen.unwrap_or_else(|| keys.clone());
        keys.bound_to(&self.workspace, self.undivided_until.map(Timestamp::from))
    }

    fn in_state(&self, state: &str) -> Option<&Registered> {
        self.keys.iter().find(|key| key.state == state)
    }
}

/// Locks the keys until the transaction ends.
pub(crate) async fn lock(db: &mut PgConnection) -> Result<()> {
    sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(db).await?;
    Ok(())
}

/// What is known; `None` while the tables do not exist.
pub(crate) async fn read(db: &mut PgConnection) -> Result<Option<WorkspaceKeys>> {
    let exists: bool = sqlx::query_scalar("select to_regclass('signing_keys') is not null").fetch_one(&mut *db).await?;
    if !exists {
        return Ok(None);
    }
    let (workspace, undivided_until): (Uuid, Option<OffsetDateTime>) =
        sqlx::query_as("select id, undivided_until from workspace").fetch_one(&mut *db).await?;
    let keys = sqlx::query_as("select key_id, fingerprint, state from signing_keys order by added_at, key_id")
        .fetch_all(db)
        .await?;
    Ok(Some(WorkspaceKeys { workspace: workspace.to_string(), undivided_until, keys }))
}

/// Adds a key.
pub(crate) async fn add(db: &mut PgConnection, key: &Key, state: &str) -> Result<()> {
    sqlx::query(
        "insert into signing_keys (key_id, fingerprint, state, used_from)
         values ($1, $2, $3, case when $3 = 'current' then now() end)",
    )
    .bind(&key.id)
    .bind(key.fingerprint())
    .bind(state)
    .execute(db)
    .await?;
    Ok(())
}

/// Puts the next key to use.
pub(crate) async fn use_next(db: &mut PgConnection) -> Result<()> {
    sqlx::query("update signing_keys set state = 'previous' where state = 'current'").execute(&mut *db).await?;
    sqlx::query("update signing_keys set state = 'current', used_from = now() where state = 'next'")
        .execute(db)
        .await?;
    Ok(())
}
