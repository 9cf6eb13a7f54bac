//! The example workspace: one person per role, a live bundle with a week of decisions, the version before it, a packet
//! in review, a draft and a resolved incident.

mod past;
mod people;
mod rules;
mod traffic;
mod workspace;

pub use people::{DemoCredential, DemoCredentials, email};
pub use traffic::{outcome, question};

use lifecycle::{
    audit::EventType,
    authority::{Permission, Role, authorize},
    problem::Code,
};
use serde_json::json;

use self::people::actor;
use crate::{Error, Result, Store, work::Work};

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
    // It has other limits than its pool from here on.
    lock.close_on_drop();
    // Another server may load the example right now, which takes longer than a statement usually may.
    sqlx::raw_sql("set lock_timeout = '3min'; set statement_timeout = '3min'").execute(&mut *lock).await?;
    sqlx::query("select pg_advisory_lock($1)").bind(LOCK).execute(&mut *lock).await?;
    let loaded = match refuse_real_workspace(store).await {
        Ok(()) => load_locked(store, keep_credentials).await,
        Err(error) => Err(error),
    };
    sqlx::query("select pg_advisory_unlock($1)").bind(LOCK).execute(&mut *lock).await?;
    loaded
}

/// Whether the database is the example's: it was loaded, or begun to be loaded.
async fn is_demo(store: &Store) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "select exists (select from people where email like '%@demo.test')
             or exists (select from policy_bundles where created_by like '%@demo.test')
             or exists (select from policy_lifecycle_audit where event_type = 'demo_loaded')",
    )
    .fetch_one(store.pool())
    .await?)
}

/// Refuses a database in which people of the example may sign in, for a server that does not serve the example: their
/// passwords and tokens lie in a file.
///
/// # Errors
/// `conflict` with what to do; the database failed.
pub async fn refuse_people(store: &Store) -> Result<()> {
    let emails: Vec<String> =
        sqlx::query_scalar("select email from people where email like '%@demo.test' and enabled order by email")
            .fetch_all(store.pool())
            .await?;
    let Some(first) = emails.first() else { return Ok(()) };
    let detail = format!(
        "people of the example workspace can sign in to this database ({}), with passwords that lie in a file: start with \
         --demo, use another database, or disable them first: countersign user disable {first}",
        emails.join(", ")
    );
    Err(Error::refused(Code::Conflict, detail))
}

/// Refuses a database in which somebody has begun to work: people whose passwords are in a file do not belong there.
async fn refuse_real_workspace(store: &Store) -> Result<()> {
    let used: bool = sqlx::query_scalar(
        "select exists (select from people where email not like '%@demo.test')
             or exists (select from policy_bundles) or exists (select from api_tokens)",
    )
    .fetch_one(store.pool())
    .await?;
    if used && !is_demo(store).await? {
        let detail = "this database has people, bundles or tokens of its own, so the example workspace is not added to it: \
             start without --demo, or with another --data-dir or DATABASE_URL";
        return Err(Error::refused(Code::Conflict, detail));
    }
    Ok(())
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
