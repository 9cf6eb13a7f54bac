//! The private PostgreSQL: first start, second start, a lost owner, a foreign owner.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection};
use store::postgres::{Binaries, Error, Options, Private};

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
async fn a_lock_that_a_child_process_still_has_for_a_moment_is_waited_for() {
    let folder = Folder::new("moment");
    Private::start(&folder.0, &THROWAWAY).unwrap().stop();
    // Stands for a child that another thread has forked and that has not run its program yet.
    let held = fs::File::open(folder.0.join("postgres/lock")).unwrap();
    held.lock().unwrap();
    let child = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        drop(held);
    });
    let server = Private::start(&folder.0, &THROWAWAY).unwrap();
    child.join().unwrap();
    assert_eq!(number(&server, "select 4").await, 4);
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
    let killed = Command::new("kill").args(["-9", &first.to_string()]).status().unwrap();
    assert!(killed.success());
    drop(connection);
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        if server.process_id() != first
            && let Ok(mut connection) = PgConnection::connect_with(&server.owner_options()).await
        {
            let number: i32 = sqlx::query_scalar("select n from numbers").fetch_one(&mut connection).await.unwrap();
            assert_eq!(number, 9);
            break;
        }
        assert!(Instant::now() < deadline, "the server was not restarted");
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

/// Sends SIGKILL to one process.
fn kill(process: u32) {
    assert!(Command::new("kill").args(["-9", &process.to_string()]).status().unwrap().success());
}

/// A statement that goes on for minutes without looking whether its server is there.
fn busy(server: &Private) -> tokio::task::JoinHandle<()> {
    let options = server.owner_options();
    tokio::spawn(async move {
        let mut db = PgConnection::connect_with(&options).await.unwrap();
        let statement = "select count(*) from generate_series(1, 2000000000) a where a % 7 = 3";
        let _lost = sqlx::query(statement).execute(&mut db).await;
    })
}

async fn until_busy(server: &Private) -> i32 {
    let sql = "select coalesce(max(pid), 0) from pg_stat_activity where query like 'select count(*) from generate%'";
    for _ in 0..200 {
        let found = number(server, sql).await;
        if found != 0 {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the statement does not run");
}

fn runs(process: i32) -> bool {
    fs::read_link(format!("/proc/{process}/cwd")).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_after_server_and_postgres_were_killed_in_the_middle_of_a_statement() {
    let folder = Folder::new("both-killed");
    let server = Private::start(&folder.0, &THROWAWAY).unwrap();
    let mut connection = PgConnection::connect_with(&server.owner_options()).await.unwrap();
    sqlx::query("create table numbers as select 10 as n").execute(&mut connection).await.unwrap();
    sqlx::query("checkpoint").execute(&mut connection).await.unwrap();
    let statement = busy(&server);
    let backend = until_busy(&server).await;
    let process = server.process_id();
    server.abandon_for_test();
    kill(process);
    assert!(runs(backend), "the backend goes on without its server");

    let began = Instant::now();
    let server = Private::start(&folder.0, &THROWAWAY).unwrap();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(number(&server, "select n from numbers").await, 10);
    assert!(!runs(backend), "the backend was ended");
    statement.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_started_again_when_it_alone_was_killed_in_the_middle_of_a_statement() {
    let folder = Folder::new("busy-killed");
    let server = Private::start(&folder.0, &THROWAWAY).unwrap();
    let _statement = busy(&server);
    until_busy(&server).await;
    let first = server.process_id();
    kill(first);
    until_it_answers_as_another(&server, first).await;
}

async fn until_it_answers_as_another(server: &Private, first: u32) {
    let deadline = Instant::now() + Duration::from_secs(40);
    while Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if server.process_id() != first && PgConnection::connect_with(&server.owner_options()).await.is_ok() {
            return;
        }
    }
    panic!("the server was not started again");
}

/// Another process of the account that PostgreSQL runs as.
fn bystander(cluster: &Path) -> Child {
    let owner = fs::metadata(cluster).unwrap();
    let mut sleep = Command::new("sleep");
    sleep.arg("600").current_dir("/");
    if owner.uid() != fs::metadata("/proc/self").unwrap().uid() {
        sleep.uid(owner.uid()).gid(owner.gid());
    }
    sleep.spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_server_that_is_gone_do_not_matter_whatever_has_its_number_now() {
    let folder = Folder::new("stale");
    let server = Private::start(&folder.0, &THROWAWAY).unwrap();
    let socket = socket_folder(&server);
    let cluster = folder.0.join("postgres/cluster");
    let pid_file = fs::read_to_string(cluster.join("postmaster.pid")).unwrap();
    let process = server.process_id();
    server.stop();

    let mut bystander = bystander(&cluster);
    let stale = pid_file.replacen(&process.to_string(), &bystander.id().to_string(), 1);
    let owner = fs::metadata(&cluster).unwrap();
    for (file, text) in [
        (cluster.join("postmaster.pid"), stale.as_str()),
        (socket.join(".s.PGSQL.5432.lock"), stale.as_str()),
        (socket.join(".s.PGSQL.5432"), ""),
    ] {
        fs::write(&file, text).unwrap();
        std::os::unix::fs::chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    let server = Private::start(&folder.0, &THROWAWAY).unwrap();
    assert_eq!(number(&server, "select 11").await, 11);
    assert!(bystander.try_wait().unwrap().is_none(), "a process that is none of its own is left alone");
    bystander.kill().unwrap();
    bystander.wait().unwrap();
    server.stop();

    // The disk was full when the file was written.
    fs::write(cluster.join("postmaster.pid"), "").unwrap();
    std::os::unix::fs::chown(cluster.join("postmaster.pid"), Some(owner.uid()), Some(owner.gid())).unwrap();
    let server = Private::start(&folder.0, &THROWAWAY).unwrap();
    assert_eq!(number(&server, "select 12").await, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_start_says_why_and_is_tried_less_and_less_often() {
    let folder = Folder::new("broken");
    let server = Private::start(&folder.0, &THROWAWAY).unwrap();
    let settings = folder.0.join("postgres/cluster/postgresql.auto.conf");
    let good = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, "work_mem = a great deal\n").unwrap();
    let first = server.process_id();
    kill(first);
    tokio::time::sleep(Duration::from_secs(9)).await;
    let log = fs::read_to_string(folder.0.join("postgres/postgres.log")).unwrap();
    let tries = log.matches("postgresql.auto.conf").count();
    assert!((3..=12).contains(&tries), "{tries} messages: {log}");
    fs::write(&settings, &good).unwrap();
    until_it_answers_as_another(&server, first).await;
    server.stop();

    fs::write(&settings, "work_mem = a great deal\n").unwrap();
    let refused = Private::start(&folder.0, &THROWAWAY).unwrap_err().to_string();
    assert!(refused.contains("postgresql.auto.conf"), "{refused}");
    fs::write(&settings, &good).unwrap();
    drop(Private::start(&folder.0, &THROWAWAY).unwrap());
}

/// A folder of programs that run the installed ones.
pub fn programs(folder: &Path) -> Binaries {
    let installed = Binaries::installed().unwrap();
    fs::create_dir_all(folder).unwrap();
    for name in ["initdb", "postgres"] {
        let script = format!("#!/bin/sh\nexec {} \"$@\"\n", installed[0].program(name).display());
        fs::write(folder.join(name), script).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    Binaries::in_folder(folder).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_with_new_programs_once_they_are_replaced() {
    let folder = Folder::new("replaced");
    let bin = folder.0.join("bin");
    let server = Private::start_with(&folder.0.join("data"), &THROWAWAY, programs(&bin)).unwrap();
    let first = server.process_id();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(server.process_id(), first);
    let condition = server.condition();
    assert!(condition.warnings().is_empty());
    // As an installer does: another file in the place of the old one.
    let new = bin.join("postgres.new");
    fs::copy(bin.join("postgres"), &new).unwrap();
    fs::rename(&new, bin.join("postgres")).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(condition.warnings()[0].contains("is started again with them"), "{:?}", condition.warnings());
    until_it_answers_as_another(&server, first).await;
    let shown = condition.warnings();
    assert!(shown.len() == 1 && shown[0].ends_with("it has new programs"), "{shown:?}");
    let second = server.process_id();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(server.process_id(), second, "once is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_of_another_major_version_are_not_run_and_named() {
    let folder = Folder::new("misfit");
    let bin = folder.0.join("bin");
    let server = Private::start_with(&folder.0.join("data"), &THROWAWAY, programs(&bin)).unwrap();
    let (first, major) = (server.process_id(), Binaries::installed().unwrap()[0].major());
    let new = bin.join("postgres.new");
    fs::write(&new, "#!/bin/sh\necho 'postgres (PostgreSQL) 99.1'\n").unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(&new, bin.join("postgres")).unwrap();
    let expected = format!("install PostgreSQL {major} again");
    let deadline = Instant::now() + Duration::from_secs(40);
    while !server.condition().warnings().iter().any(|shown| shown.ends_with(&expected)) {
        assert!(Instant::now() < deadline, "{:?}", server.condition().warnings());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!((server.process_id(), number(&server, "select 13").await), (first, 13), "it goes on");
}
