//! A throwaway PostgreSQL for tests: one server per test program, one database per test.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use lifecycle::{
    authority::{Actor, Role, Via},
    signing::{Key, KeyRing},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::sync::OnceCell;

use crate::{
    Store, key_check, names,
    postgres::{Options, Private},
};

/// The name of the migrated database that every other database is a copy of.
const TEMPLATE: &str = "migrated";

static SERVER: OnceCell<Private> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The secret of every test store.
pub const SECRET: &str = "a secret for tests that is long enough to sign";

/// The keys of every test store.
pub fn keys() -> KeyRing {
    KeyRing { current: Key::new("test", SECRET), previous: Vec::new() }
}

/// A store on a fresh, migrated database, with one person a role: `author@example.com`, and so on.
///
/// # Panics
/// When PostgreSQL cannot be started: a test cannot go on without it.
pub async fn store() -> Store {
    let store = store_without_people().await;
    key_check::check(&store).await.expect("the key that signs");
    admit_one_a_role(&store).await;
    store
}

/// A store on a fresh, migrated database in which nobody has an account.
///
/// # Panics
/// As [`store`].
pub async fn store_without_people() -> Store {
    Store::connect(database().await, keys()).await.expect("a connection to the test database")
}

/// Adds one person a role, as [`store`] does.
///
/// # Panics
/// When a person cannot be added.
pub async fn admit_one_a_role(store: &Store) {
    for role in Role::ALL.iter().copied().filter(|role| *role != Role::Service) {
        admit(store, &Actor::new(format!("{role}@example.com"), [role].into(), Via::Cli)).await;
    }
}

/// Adds a person with these roles, who cannot sign in. Signatures count only while their signer holds the role. No trigger
/// sees it: the audit record of a test begins with what the test does.
///
/// # Panics
/// When the person cannot be added.
pub async fn admit(store: &Store, person: &Actor) {
    let mut db = PgConnection::connect_with(&as_owner(&store.pool().connect_options())).await.expect("the owner");
    sqlx::raw_sql("set session_replication_role = replica").execute(&mut db).await.expect("no triggers");
    sqlx::query(
        "insert into people (email, name, roles, password_hash) values (lower($1), $1, $2, 'none')
         on conflict (email) do update set roles = excluded.roles",
    )
    .bind(&person.name)
    .bind(&names::role_names(&person.roles)[..])
    .execute(&mut db)
    .await
    .expect("a new person");
    db.close().await.expect("the end of the connection");
}

/// The same options for the role that owns the tables.
pub fn as_owner(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().username("countersign_owner")
}

/// Options for connecting to a fresh, migrated database as the role that serves.
///
/// # Panics
/// When PostgreSQL cannot be started: a test cannot go on without it.
pub async fn database() -> PgConnectOptions {
    let server = SERVER.get_or_init(start).await;
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let mut admin = PgConnection::connect_with(&server.owner_options()).await.expect("a connection to the test server");
    create_database(&mut admin, format!("create database {name} template {TEMPLATE}")).await;
    server.options().database(&name)
}

async fn start() -> Private {
    let folder = std::env::temp_dir().join(format!("countersign-test-{}", std::process::id()));
    let server = tokio::task::spawn_blocking({
        let folder = folder.clone();
        move || Private::start(&folder, &Options { durable: false, max_connections: 400 })
    })
    .await
    .expect("the thread that starts PostgreSQL")
    .expect("a private PostgreSQL");
    clean_up_afterwards(&server, &folder);
    let mut admin = PgConnection::connect_with(&server.owner_options()).await.expect("a connection to the test server");
    create_database(&mut admin, format!("create database {TEMPLATE}")).await;
    crate::migrate(&server.owner_options().database(TEMPLATE)).await.expect("the migrations");
    server
}

/// No parameter can stand for the name of a database; the names are those of this file.
async fn create_database(admin: &mut PgConnection, sql: String) {
    sqlx::query(AssertSqlSafe(sql)).execute(admin).await.expect("a new database");
}

/// Statics are not dropped at the end of a test program, so a small shell outlives the program, stops the server and
/// removes its files.
#[expect(clippy::zombie_processes, reason = "the shell ends after this process")]
fn clean_up_afterwards(server: &Private, folder: &PathBuf) {
    let script = "while kill -0 \"$1\" 2>/dev/null; do sleep 0.2; done; kill -INT \"$2\"; \
                  while kill -0 \"$2\" 2>/dev/null; do sleep 0.1; done; rm -rf \"$3\"";
    Command::new("sh")
        .args(["-c", script, "clean-up", &std::process::id().to_string(), &server.process_id().to_string()])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
}
