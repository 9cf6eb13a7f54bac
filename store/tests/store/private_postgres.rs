//! The private PostgreSQL: first start, second start, a lost owner, a foreign owner.

use std::{fs, path::PathBuf};

use sqlx::{Connection, PgConnection};
use store::postgres::{Error, Options, Private};

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("countersign-test-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left = fs::remove_dir_all(&self.0);
    }
}

const THROWAWAY: Options = Options { durable: false, max_connections: 20 };

fn socket_folder(server: &Private) -> PathBuf {
    server.options().get_socket().unwrap().clone()
}

async fn number(server: &Private, sql: &'static str) -> i32 {
    let mut connection = PgConnection::connect_with(&server.owner_options()).await.unwrap();
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn data_survives_a_restart_and_a_second_owner_is_refused() {
    let folder = Folder::new("restart");
    let server = Private::start(&folder.0, &THROWAWAY).unwrap();
    number(&server, "select 41 + 1").await;
    let mut connection = PgConnection::connect_with(&server.owner_options()).await.unwrap();
    sqlx::query("create table numbers as select 7 as n").execute(&mut connection).await.unwrap();

    let refused = Private::start(&folder.0, &THROWAWAY).unwrap_err();
    assert!(matches!(refused, Error::InUse(_)), "{refused}");

    server.stop();
    let server = Private::start(&folder.0, &THROWAWAY).unwrap();
    assert_eq!(number(&server, "select n from numbers").await, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_left_behind_by_a_killed_process_is_replaced() {
    let folder = Folder::new("orphan");
    let server = Private::start(&folder.0, &THROWAWAY).unwrap();
    let mut connection = PgConnection::connect_with(&server.owner_options()).await.unwrap();
    sqlx::query("create table numbers as select 8 as n").execute(&mut connection).await.unwrap();
    // Simulates that this process was killed: the server keeps running, the lock is released.
    server.abandon_for_test();

    let server = Private::start(&folder.0, &THROWAWAY).unwrap();
    assert_eq!(number(&server, "select n from numbers").await, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deep_folder_gets_a_short_socket_path() {
    let folder = Folder::new("deep");
    let deep = folder.0.join("d".repeat(100));
    let server = Private::start(&deep, &THROWAWAY).unwrap();
    assert_eq!(number(&server, "select 5").await, 5);
    let socket = socket_folder(&server);
    drop(server);
    let _left = fs::remove_dir_all(socket);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_only_root_may_enter_is_replaced_by_one_the_account_may() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let folder = Folder::new("closed");
    if fs::metadata(&folder.0).unwrap().uid() != 0 {
        // Only under root does PostgreSQL run as another account; otherwise nothing is replaced.
        return;
    }
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o700)).unwrap();
    let data = folder.0.join("data");
    let server = Private::start(&data, &THROWAWAY).unwrap();
    assert_eq!(number(&server, "select 6").await, 6);
    let elsewhere = socket_folder(&server).parent().unwrap().to_owned();
    assert!(elsewhere.starts_with("/var/lib/countersign"), "{}", elsewhere.display());
    server.stop();
    let server = Private::start(&data, &THROWAWAY).unwrap();
    assert_eq!(socket_folder(&server).parent().unwrap(), elsewhere, "the same place every time");
    drop(server);
    fs::remove_dir_all(elsewhere).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_is_started_again() {
    let folder = Folder::new("killed");
    let server = Private::start(&folder.0, &THROWAWAY).unwrap();
    let mut connection = PgConnection::connect_with(&server.owner_options()).await.unwrap();
    sqlx::query("create table numbers as select 9 as n").execute(&mut connection).await.unwrap();
    sqlx::query("checkpoint").execute(&mut connection).await.unwrap();
    let first = server.process_id();
    let killed = std::process::Command::new("kill").args(["-9", &first.to_string()]).status().unwrap();
    assert!(killed.success());
    drop(connection);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        if server.process_id() != first
            && let Ok(mut connection) = PgConnection::connect_with(&server.owner_options()).await
        {
            let number: i32 = sqlx::query_scalar("select n from numbers").fetch_one(&mut connection).await.unwrap();
            assert_eq!(number, 9);
            break;
        }
        assert!(std::time::Instant::now() < deadline, "the server was not restarted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_has_three_roles_and_gives_them_to_a_cluster_of_an_earlier_release() {
    let folder = Folder::new("roles");
    let server = Private::start(&folder.0, &THROWAWAY).unwrap();
    let as_role = async |server: &Private, role: &str, sql: &'static str| {
        let mut db = PgConnection::connect_with(&server.options().username(role)).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut db).await.map(drop).map_err(|error| error.to_string())
    };
    let is_superuser = async |server: &Private, role: &str| -> bool {
        let mut db = PgConnection::connect_with(&server.options().username(role)).await.unwrap();
        sqlx::query_scalar("select rolsuper from pg_roles where rolname = current_user")
            .fetch_one(&mut db)
            .await
            .unwrap()
    };
    assert!(!is_superuser(&server, "countersign").await && !is_superuser(&server, "countersign_operator").await);

    // As earlier releases left it: one role, which is the server's first and owns everything.
    as_role(&server, "countersign_owner", "create table kept as select 7 as n; create role helper superuser login")
        .await
        .unwrap();
    let earlier = "drop role countersign; drop role countersign_operator;
        alter role countersign_owner rename to countersign";
    as_role(&server, "helper", earlier).await.unwrap();
    assert!(is_superuser(&server, "countersign").await);
    server.stop();
    fs::remove_file(folder.0.join("postgres/cluster/countersign-roles")).unwrap();

    let server = Private::start(&folder.0, &THROWAWAY).unwrap();
    assert!(!is_superuser(&server, "countersign").await && !is_superuser(&server, "countersign_operator").await);
    assert!(is_superuser(&server, "countersign_owner").await);
    as_role(&server, "countersign_owner", "alter table kept add column more integer").await.unwrap();
    let refused = as_role(&server, "countersign", "select n from kept").await.unwrap_err();
    assert!(refused.contains("permission denied"), "{refused}");
    // Interrupted before the file was written, it is done again and changes nothing.
    server.stop();
    fs::remove_file(folder.0.join("postgres/cluster/countersign-roles")).unwrap();
    let server = Private::start(&folder.0, &THROWAWAY).unwrap();
    assert!(!is_superuser(&server, "countersign").await && is_superuser(&server, "countersign_owner").await);
}
