//! The handle to the store, which the use cases of this crate take.

use std::{
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use lifecycle::{problem::Code, signing::KeyRing};
use sqlx::{
    Connection, PgConnection, PgPool,
    migrate::{Migrate, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

use crate::{
    Error, Hosts, Result, baseline,
    heavy::HeavyWork,
    hosts::PoolPlan,
    refusals::Refusals,
    signing_keys,
    time_limits::{IDENTIFYING, REHEARSING, URGENT, USUAL, unlimited},
};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// Maximum number of passwords hashed at the same time; each takes 19 MiB and a core for tens of milliseconds.
const HASHERS: usize = 2;

/// Connections for pages, reports and everything else that is not named below.
const USUAL_CONNECTIONS: u32 = 16;
/// Connections for finding out who calls, so that no report stands in the way of the person who wants to roll back.
const IDENTIFYING_CONNECTIONS: u32 = 4;
/// Connections that only emergency commands use.
const URGENT_CONNECTIONS: u32 = 6;
/// Connections that only the loops that follow and watch what is served use.
const WATCHING_CONNECTIONS: u32 = 4;

/// Pools of connections and the keys records are signed with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    /// The connections that the use cases on this handle take.
    pool: PgPool,
    pools: Pools,
    heavy: HeavyWork,
    brief: HeavyWork,
    /// Counts the changes of the live state that this process has made.
    live_changes: Arc<watch::Sender<u64>>,
    /// Counts the changes of approval requests that this process has made.
    approval_changes: Arc<watch::Sender<u64>>,
    keys: Arc<RwLock<Keys>>,
    hashers: Arc<Semaphore>,
    checkpoint_file: Option<Arc<Path>>,
    /// Names this process among those that use the database.
    instance: Uuid,
    refusals: Arc<Refusals>,
}

/// Pools that do not wait for each other.
#[derive(Debug, Clone)]
struct Pools {
    usual: PgPool,
    identifying: PgPool,
    urgent: PgPool,
    watching: PgPool,
}

impl Pools {
    /// Connects once, to find out whether that is possible.
    async fn connect(hosts: &Hosts) -> Result<Self> {
        let plan = |limits, most| PoolPlan { limits, most, kept_open: 0 };
        let [usual, identifying, urgent, watching] = hosts
            .pools([
                plan(USUAL, USUAL_CONNECTIONS),
                plan(IDENTIFYING, IDENTIFYING_CONNECTIONS),
                // One connection stays open: in an emergency none has to be made first.
                PoolPlan { kept_open: 1, ..plan(URGENT, URGENT_CONNECTIONS) },
                plan(URGENT, WATCHING_CONNECTIONS),
            ])
            .await?;
        Ok(Self { usual, identifying, urgent, watching })
    }
}

/// The keys of this process.
#[derive(Debug)]
struct Keys {
    /// As they were configured.
    given: KeyRing,
    /// The same for the records of this workspace, signing with the key that signs now.
    bound: Arc<KeyRing>,
    /// Whether the process was found to hold the key that signs.
    checked: bool,
}

impl Store {
    /// Connects to the database, at the one of its servers that takes writes. The schema may still be missing: see
    /// [`Self::migrate`].
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when no connection can be made.
    pub async fn connect(hosts: impl Into<Hosts>, keys: KeyRing) -> Result<Self> {
        let pools = Pools::connect(&hosts.into()).await?;
        let keys = Keys { bound: Arc::new(keys.clone()), given: keys, checked: false };
        let store = Self {
            pool: pools.usual.clone(),
            pools,
            heavy: HeavyWork::default(),
            brief: HeavyWork::default(),
            live_changes: Arc::new(watch::channel(0).0),
            approval_changes: Arc::new(watch::channel(0).0),
            keys: Arc::new(RwLock::new(keys)),
            hashers: Arc::new(Semaphore::new(HASHERS)),
            checkpoint_file: None,
            instance: Uuid::now_v7(),
            refusals: Arc::default(),
        };
        store.bind_keys().await?;
        Ok(store)
    }

    /// Binds the keys to the workspace, once there is a schema.
    async fn bind_keys(&self) -> Result<()> {
        let mut db = self.pool.acquire().await?;
        if let Some(known) = signing_keys::read(&mut db).await? {
            self.use_keys(known.bound(&self.given_keys()), false);
        }
        Ok(())
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
        migrate(&self.pool.connect_options()).await?;
        self.bind_keys().await
    }

    /// The pool, for code that needs SQL of its own (listeners, tests).
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A handle whose use cases take connections that nothing but emergency commands takes. Its time limits are short.
    #[must_use]
    pub fn urgent(&self) -> Self {
        Self { pool: self.pools.urgent.clone(), ..self.clone() }
    }

    /// A handle for the loops that follow and watch what is served. A connection is driven by the threads that opened it, so
    /// loops with a thread of their own share none with anybody else.
    #[must_use]
    pub fn watching(&self) -> Self {
        Self { pool: self.pools.watching.clone(), ..self.clone() }
    }

    /// A handle for finding out who calls.
    #[must_use]
    pub fn identifying(&self) -> Self {
        Self { pool: self.pools.identifying.clone(), ..self.clone() }
    }

    /// Closes all connections, once nobody uses them any more.
    pub async fn close(&self) {
        let Pools { usual, identifying, urgent, watching } = &self.pools;
        futures::future::join4(usual.close(), identifying.close(), urgent.close(), watching.close()).await;
    }

    /// Work that keeps a core busy.
    pub fn heavy(&self) -> &HeavyWork {
        &self.heavy
    }

    /// Work that keeps a core busy for a second at most, such as what a page shows first: it does not wait behind packets
    /// and simulations.
    pub fn brief(&self) -> &HeavyWork {
        &self.brief
    }

    /// Counts the changes of the live state that this process has made: those have to be served before they are answered.
    pub fn live_changes(&self) -> watch::Receiver<u64> {
        self.live_changes.subscribe()
    }

    /// Says that this process has changed the live state.
    pub(crate) fn live_changed(&self) {
        self.live_changes.send_modify(|count| *count += 1);
    }

    /// Counts the changes of approval requests that this process has made: whoever waits for one looks at once.
    pub fn approval_changes(&self) -> watch::Receiver<u64> {
        self.approval_changes.subscribe()
    }

    /// Says that this process has changed an approval request.
    pub(crate) fn approval_changed(&self) {
        self.approval_changes.send_modify(|count| *count += 1);
    }

    /// What was refused since the last minute, and in all.
    pub fn refusals(&self) -> &Arc<Refusals> {
        &self.refusals
    }

    /// The keys this process signs and verifies with.
    pub fn keys(&self) -> Arc<KeyRing> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner).bound)
    }

    /// The keys as they were configured.
    pub(crate) fn given_keys(&self) -> KeyRing {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).given.clone()
    }

    /// Whether this process was found to hold the key that signs.
    pub(crate) fn keys_are_checked(&self) -> bool {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).checked
    }

    /// Signs and verifies with `ring` from now on.
    pub(crate) fn use_keys(&self, ring: KeyRing, checked: bool) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.bound = Arc::new(ring);
        keys.checked = checked;
    }

    /// Replaces the keys that were configured; they still have to be checked.
    pub(crate) fn give_keys(&self, ring: KeyRing) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let same = keys.given.all().eq(ring.all());
        keys.checked &= same;
        keys.given = ring;
    }

    /// Whether the role of this process owns the tables, and so could switch their triggers off.
    ///
    /// # Errors
    /// The database failed.
    pub async fn owns_tables(&self) -> Result<bool> {
        let mut db = self.pool.acquire().await?;
        may_migrate(&mut db).await
    }

    /// The id by which this process is known to the others.
    pub(crate) fn instance(&self) -> Uuid {
        self.instance
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when it does not.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("select 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Whether the database takes writes: a standby and a read-only database answer, and take none.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when it does not answer.
    pub async fn takes_writes(&self) -> Result<bool> {
        let read_only: String =
            sqlx::query_scalar("select current_setting('transaction_read_only')").fetch_one(&self.pool).await?;
        Ok(read_only == "off")
    }

    /// A handle with a single connection of its own, on which no statement has been prepared yet. Close its pool when
    /// done.
    pub(crate) async fn apart(&self) -> Result<Self> {
        let options = REHEARSING.on(PgConnectOptions::clone(&self.pool.connect_options()));
        let pool =
            PgPoolOptions::new().max_connections(1).acquire_timeout(REHEARSING.acquire).connect_with(options).await?;
        Ok(Self { pool, ..self.clone() })
    }

    /// The semaphore that bounds how many passwords are hashed at a time.
    pub(crate) fn hashers(&self) -> &Arc<Semaphore> {
        &self.hashers
    }
}

/// Brings the schema up to date as the role of `options`, which owns the tables. Several processes may do this at once:
/// one migrates, the others wait.
///
/// # Errors
/// As [`Store::migrate`].
pub async fn migrate(options: &PgConnectOptions) -> Result<()> {
    let options = unlimited(options.clone().application_name("countersign"));
    let mut db = PgConnection::connect_with(&options).await?;
    let migrated = run_migrations(&mut db).await;
    // Closing the connection releases the lock, also after an error.
    let closed = db.close().await;
    migrated?;
    Ok(closed?)
}

/// The number of the newest migration that this program knows.
pub(crate) fn newest_migration() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

async fn run_migrations(db: &mut PgConnection) -> Result<()> {
    // The migrator takes the same lock again, which a session may.
    if !may_migrate(db).await? {
        return is_up_to_date(db).await;
    }
    db.lock().await?;
    baseline::adopt(db, &MIGRATIONS).await?;
    MIGRATIONS.run(&mut *db).await?;
    sqlx::query("select countersign_grant()").execute(db).await?;
    Ok(())
}

/// Whether this role may change the schema: it owns the tables, or there are none yet.
async fn may_migrate(db: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "select coalesce((select pg_has_role(current_user, relowner, 'usage') from pg_class
             where oid = to_regclass('policy_lifecycle_audit')), true)",
    )
    .fetch_one(db)
    .await?)
}

/// Refuses a schema that only its owner can bring up to date.
async fn is_up_to_date(db: &mut PgConnection) -> Result<()> {
    let applied: Vec<i64> =
        sqlx::query_scalar("select version from _sqlx_migrations where success order by version").fetch_all(db).await?;
    let expected: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
    if applied == expected {
        return Ok(());
    }
    let detail = if applied.last() > expected.last() {
        "the schema of the database is newer than this program: start the newer release"
    } else {
        "the schema of the database is older than this program, and this role may not change it: name the role that owns \
         the tables with COUNTERSIGN_MIGRATE_URL"
    };
    Err(Error::refused(Code::InvalidTransition, detail))
}
