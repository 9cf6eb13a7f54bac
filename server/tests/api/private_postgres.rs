//! The real program with its private PostgreSQL: killed, both of them, and its programs replaced while it runs.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use store::postgres::{Binaries, Private};

use crate::{
    process::{countersign, curl, serve, start, stop, token},
    support::folder,
};

fn ask(address: &str, token: &str, id: &str) -> Value {
    let body = json!({"agent": "a", "action": "b", "decision_id": id}).to_string();
    curl(address, token, "/policy/evaluate", Some(&body))
}

fn owner(data_dir: &Path) -> PgConnectOptions {
    Private::running(data_dir).expect("a server that runs").1
}

/// The process of the database, as soon as it runs: between two runs there is none.
fn postmaster(data_dir: &Path) -> String {
    for _ in 0..1_000 {
        let file = fs::read_to_string(data_dir.join("postgres/cluster/postmaster.pid")).unwrap_or_default();
        if let Some(process) = file.lines().next() {
            return process.to_owned();
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("the database does not run");
}

/// A statement that goes on for minutes and does not notice that its server is gone; returns its process.
async fn busy(owner: PgConnectOptions) -> i32 {
    let mut db = PgConnection::connect_with(&owner).await.unwrap();
    let process: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut db).await.unwrap();
    tokio::spawn(async move {
        let statement = "select count(*) from generate_series(1, 2000000000) a where a % 7 = 3";
        let _lost = sqlx::query(statement).execute(&mut db).await;
    });
    let mut other = PgConnection::connect_with(&owner).await.unwrap();
    for _ in 0..500 {
        let runs: bool = sqlx::query_scalar(
            "select exists (select from pg_stat_activity where pid = $1 and state = 'active' and query like '%generate%')",
        )
        .bind(process)
        .fetch_one(&mut other)
        .await
        .unwrap();
        if runs {
            return process;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the statement does not run");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_again_and_again_after_both_were_killed_and_has_all_that_was_acknowledged() {
    let data_dir = folder();
    let mut server = serve(&data_dir);
    let (service, viewer) = (token(&data_dir, "service"), token(&data_dir, "viewer"));
    let mut acknowledged = Vec::new();
    for round in 0..2 {
        for number in 0..20 {
            let id = format!("round-{round}-{number}");
            assert_eq!(ask(&server.address, &service, &id)["decision_id"], id.as_str());
            acknowledged.push(id);
        }
        let backend = busy(owner(&data_dir)).await;
        let killed = Command::new("kill").args(["-9", &server.child.id().to_string(), &postmaster(&data_dir)]).status();
        assert!(killed.unwrap().success());
        server.child.wait().unwrap();
        assert!(fs::read_link(format!("/proc/{backend}/cwd")).is_ok(), "the statement goes on without its server");
        server = serve(&data_dir);
        assert!(fs::read_link(format!("/proc/{backend}/cwd")).is_err(), "the statement was ended");
    }
    for id in acknowledged {
        let found = curl(&server.address, &viewer, &format!("/policy/decisions/{id}"), None);
        assert_eq!(found["decision_id"], id.as_str(), "{found}");
    }
    assert_eq!(stop(server), Some(0));
    let server = serve(&data_dir);
    assert_eq!(curl(&server.address, &viewer, "/policy/audit/verify", None)["valid"], true);
    assert_eq!(stop(server), Some(0));
    fs::remove_dir_all(data_dir).unwrap();
}

/// A folder of programs that run the installed ones.
fn programs(folder: &Path) {
    let installed = Binaries::installed().unwrap().remove(0);
    for name in ["initdb", "postgres"] {
        let script = format!("#!/bin/sh\nexec {} \"$@\"\n", installed.program(name).display());
        fs::write(folder.join(name), script).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn its_programs_are_replaced_under_it_and_it_says_so() {
    let (data_dir, bin) = (folder(), folder());
    programs(&bin);
    let server = start(countersign(&data_dir, &["serve", "--addr", "127.0.0.1:0"]).env("COUNTERSIGN_PG_BIN", &bin));
    let (service, viewer) = (token(&data_dir, "service"), token(&data_dir, "viewer"));
    let readiness = || curl(&server.address, &viewer, "/readyz", None).to_string();
    assert_eq!(readiness(), r#"{"status":"ready","warnings":[]}"#);
    let first = postmaster(&data_dir);
    // As an installer does: another file in the place of the old one.
    fs::copy(bin.join("postgres"), bin.join("postgres.new")).unwrap();
    fs::rename(bin.join("postgres.new"), bin.join("postgres")).unwrap();

    let deadline = Instant::now() + Duration::from_secs(90);
    let (mut ids, mut announced) = (Vec::new(), false);
    loop {
        let id = format!("meanwhile-{}", ids.len());
        let answer = ask(&server.address, &service, &id);
        assert_eq!(answer["decision_id"], id.as_str(), "{answer}");
        ids.push(id);
        let said = readiness();
        announced |= said.contains("is started again with them in some seconds");
        if said.contains("it has new programs") {
            break;
        }
        assert!(Instant::now() < deadline, "{said}");
        thread::sleep(Duration::from_millis(50));
    }
    assert!(announced, "it says what it is about to do");
    assert_ne!(postmaster(&data_dir), first);
    for id in ids {
        let found = || curl(&server.address, &viewer, &format!("/policy/decisions/{id}"), None);
        while found()["decision_id"] != id.as_str() {
            assert!(Instant::now() < deadline, "{}", found());
            thread::sleep(Duration::from_millis(50));
        }
    }
    assert_eq!(stop(server), Some(0));
    for folder in [data_dir, bin] {
        fs::remove_dir_all(folder).unwrap();
    }
}
