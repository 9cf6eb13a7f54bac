//! The handle to the store, which the use cases of this crate take.

use std::{path::Path, sync::Arc, time::Duration};

use lifecycle::signing::KeyRing;
use sqlx::{
    Connection, PgConnection, PgPool,
    migrate::{Migrate, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::Semaphore;

use crate::{Result, baseline, refusals::Refusals};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// Maximum number of passwords hashed at the same time; each takes 19 MiB and a core for tens of milliseconds.
const HASHERS: usize = 2;

/// A pool of connections and the keys records are signed with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    keys: Arc<KeyRing>,
    hashers: Arc<Semaphore>,
    checkpoint_file: Option<Arc<Path>>,
    refusals: Arc<Refusals>,
}

impl Store {
    /// Connects to the database. The schema may still be missing: see [`Self::migrate`].
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when no connection can be made.
    pub async fn connect(options: PgConnectOptions, keys: KeyRing) -> Result<Self> {
        let options = options.application_name("countersign");
        let pool = PgPoolOptions::new()
            .max_connections(20)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(options)
            .await?;
        Ok(Self {
            pool,
            keys: Arc::new(keys),
            hashers: Arc::new(Semaphore::new(HASHERS)),
            checkpoint_file: None,
            refusals: Arc::default(),
        })
    }

    /// Keeps the newest checkpoint of the audit chain in this file too, out of reach of anyone who
    /// can only write to the database.
    #[must_use]
    pub fn with_checkpoint_file(mut self, file: &Path) -> Self {
        self.checkpoint_file = Some(file.into());
        self
    }

    /// See [`Self::with_checkpoint_file`].
    pub(crate) fn checkpoint_file(&self) -> Option<&Path> {
        self.checkpoint_file.as_deref()
    }

    /// Brings the schema up to date. Several servers may start at once: one migrates, the others wait.
    ///
    /// # Errors
    /// A migration failed, the database was made by a newer version of this program, or an older version left it in a
    /// state that must be put right first. The message says how.
    pub async fn migrate(&self) -> Result<()> {
        // Not returned to the pool: closing the connection releases the lock, also after an error.
        let mut db = self.pool.acquire().await?.detach();
        let migrated = migrate(&mut db).await;
        let closed = db.close().await;
        migrated?;
        Ok(closed?)
    }

    /// The pool, for code that needs SQL of its own (listeners, tests).
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// What was refused since the last minute, and in all.
    pub fn refusals(&self) -> &Arc<Refusals> {
        &self.refusals
    }

    /// The keys this instance signs and verifies with.
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// The keys, as a handle that can be kept.
    pub(crate) fn shared_keys(&self) -> Arc<KeyRing> {
        Arc::clone(&self.keys)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when it does not.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("select 1").execute(&self.pool).await?;
        Ok(())
    }

    /// A handle with a single connection of its own, on which no statement has been prepared yet. Close its pool when
    /// done.
    pub(crate) async fn apart(&self) -> Result<Self> {
        let options = PgConnectOptions::clone(&self.pool.connect_options());
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(options)
            .await?;
        Ok(Self { pool, ..self.clone() })
    }

    /// The semaphore that bounds how many passwords are hashed at a time.
    pub(crate) fn hashers(&self) -> &Arc<Semaphore> {
        &self.hashers
    }
}

async fn migrate(db: &mut PgConnection) -> Result<()> {
    // The migrator takes the same lock again, which a session may.
    db.lock().await?;
    baseline::adopt(db, &MIGRATIONS).await?;
    Ok(MIGRATIONS.run(db).await?)
}
