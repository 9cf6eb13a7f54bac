//! The keys that sign the workspace's records, as the database knows them: by id and fingerprint.

use lifecycle::signing::{Key, KeyRing, ListedKey};
use policy::Timestamp;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::Result;

/// The advisory lock under which keys are made, announced and put to use.
const LOCK: i64 = 0x636f_756e_7465_7203;

/// How much later than a key was replaced a server may still sign with it, in seconds: longer than any server goes
/// without looking which key signs.
const REPLACED_SECONDS: i64 = 60;

/// A key of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Registered {
    pub key_id: String,
    pub fingerprint: String,
    /// `next`, `current` or `previous`.
    pub state: String,
    /// When it was replaced.
    pub retired_at: Option<OffsetDateTime>,
}

impl Registered {
    /// `key` as the one that signs.
    pub fn current(key: &Key) -> Self {
        Self { key_id: key.id.clone(), fingerprint: key.fingerprint(), state: "current".to_owned(), retired_at: None }
    }

    fn listed(&self) -> ListedKey {
        let counts_until = self.retired_at.map(|at| Timestamp::from(at + Duration::seconds(REPLACED_SECONDS)));
        ListedKey { key_id: self.key_id.clone(), fingerprint: self.fingerprint.clone(), counts_until }
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
    /// has that key. Keys that are not the workspace's verify exports only. Nothing is refused here.
    pub fn bound(&self, keys: &KeyRing) -> KeyRing {
        let chosen = self.current().and_then(|current| keys.signing_with(&current.key_id, &current.fingerprint));
        let keys = chosen.unwrap_or_else(|| keys.clone());
        let undivided_until = self.undivided_until.map(Timestamp::from);
        if self.keys.is_empty() {
            // No process that writes was here since keys are registered: the first one registers its own.
            return keys.bound_to(&self.workspace, undivided_until);
        }
        let listed: Vec<ListedKey> = self.keys.iter().map(Registered::listed).collect();
        keys.bound_to_listed(&self.workspace, undivided_until, &listed)
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
    // The schema may be older than the column.
    let keys = sqlx::query_as(
        "select key_id, fingerprint, state, (to_jsonb(k) ->> 'retired_at')::timestamptz as retired_at from signing_keys k
         order by added_at, key_id",
    )
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
