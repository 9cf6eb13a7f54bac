//! The example workspace: one person per role, a live bundle with a week of decisions, the version before it, a packet
//! in review, a draft and a resolved incident.

mod past;
mod people;
mod rules;
mod traffic;
mod workspace;

pub use people::{DemoCredential, DemoCredentials, email};

use lifecycle::{
    audit::EventType,
    authority::{Permission, Role, authorize},
};
use serde_json::json;
use sqlx::Acquire;

use self::people::actor;
use crate::{Result, Store, work::Work};

/// The advisory lock under which the example is loaded: several servers may start at once.
const LOCK: i64 = 0x636f_756e_7465_7202;

/// Loads the example workspace unless it is already loaded; completes a load that was interrupted.
///
/// Returns new credentials; `None` if everything is loaded and `keep_credentials` says that the old ones are known.
///
/// # Errors
/// The database failed.
pub async fn load(store: &Store, keep_credentials: bool) -> Result<Option<DemoCredentials>> {
    let mut lock = store.pool().acquire().await?;
    let lock = lock.acquire().await?;
    sqlx::query("select pg_advisory_lock($1)").bind(LOCK).execute(&mut *lock).await?;
    let loaded = load_locked(store, keep_credentials).await;
    sqlx::query("select pg_advisory_unlock($1)").bind(LOCK).execute(&mut *lock).await?;
    loaded
}

async fn load_locked(store: &Store, keep_credentials: bool) -> Result<Option<DemoCredentials>> {
    let loaded: bool =
        sqlx::query_scalar("select exists (select from policy_lifecycle_audit where event_type = 'demo_loaded')")
            .fetch_one(store.pool())
            .await?;
    let system = actor("system", Role::Admin);
    if !loaded {
        // First, so that the audit record has the past before the present.
        past::live(store).await?;
    }
    let credentials = if loaded && keep_credentials { None } else { Some(people::issue(store, &system).await?) };
    if !loaded {
        workspace::load(store).await?;
        let mut work = Work::begin(store, authorize(&system, Permission::Administer)?).await?;
        let detail = json!({"decisions": traffic::COUNT, "stable": rules::STABLE_VERSION});
        work.note(EventType::DemoLoaded, "workspace", "demo", "the example workspace was loaded", detail);
        work.commit().await?;
    }
    Ok(credentials)
}
