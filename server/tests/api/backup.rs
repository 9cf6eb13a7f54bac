//! Backup and restore with the real program on a real PostgreSQL: the copy is the workspace.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use lifecycle::authority::Role;
use serde_json::{Value, json};
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use store::testing;

use crate::{
    evaluate::until_served_by,
    postgres_server::{self, Postgres},
    process::{countersign, curl, run, serve, start, stop, token},
    support::{Workspace, bundle, folder, question},
};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs a command with the keys of test stores; returns the exit code and all that was printed.
fn with_test_keys(command: &mut Command) -> (i32, String) {
    let command = command.env("HMAC_SECRET", testing::SECRET).env("HMAC_KEY_ID", "test");
    let output = command.stdin(Stdio::null()).output().unwrap();
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap_or(-1), printed)
}

/// A copy of a file with one byte changed.
fn damaged(file: &Path, at: usize) -> PathBuf {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 1;
    let copy = file.with_extension(format!("damaged-{at}"));
    fs::write(&copy, bytes).unwrap();
    copy
}

#[test]
fn a_workspace_of_a_private_postgres_comes_back_whole_with_its_keys() {
    let (data_dir, other) = (folder(), folder());
    let server = serve(&data_dir);
    let (service, viewer) = (token(&data_dir, "service"), token(&data_dir, "viewer"));
    let ask = |address: &str, id: &str| {
        let body = json!({"agent": "a", "action": "b", "decision_id": id}).to_string();
        curl(address, &service, "/policy/evaluate", Some(&body))
    };
    let before = ask(&server.address, "before");

    // While the server runs.
    let file = other.join("workspace.backup");
    let (code, out, err) = run(&data_dir, &["backup", text(&file)]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("1 decisions; keys included"), "{out}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let (code, _, err) = run(&data_dir, &["backup", text(&file)]);
    assert!(code == 1 && err.contains("exists already"), "{err}");
    assert_eq!(fs::read_dir(&other).unwrap().count(), 1, "no draft is left behind");
    ask(&server.address, "after");

    // Whatever was changed in the file is found before anything is made.
    let length = fs::metadata(&file).unwrap().len() as usize;
    let place = other.join("restored");
    for at in [600, length / 2, length - 2_000] {
        let (code, _, err) = run(&place, &["restore", text(&damaged(&file, at))]);
        assert!(code == 1 && err.contains("cannot be used"), "{at}: {err}");
    }
    let half = other.join("half");
    fs::write(&half, &fs::read(&file).unwrap()[..length / 2]).unwrap();
    let (code, _, err) = run(&place, &["restore", text(&half)]);
    assert!(code == 1 && err.contains("cannot be used"), "{err}");
    assert!(!place.exists(), "nothing is left behind");
    let (code, _, err) = run(&data_dir, &["restore", text(&file)]);
    assert!(code == 1 && err.contains("is not empty"), "{err}");

    let (code, out, err) = run(&place, &["restore", text(&file)]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("the audit record is whole"), "{out}");
    let copy = serve(&place);
    let verdict = curl(&copy.address, &viewer, "/policy/audit/verify", None);
    assert_eq!(verdict["valid"], true, "{verdict}");
    let recorded = |id: &str| curl(&copy.address, &viewer, &format!("/policy/decisions/{id}"), None);
    assert_eq!(recorded("before")["decision_id"], "before");
    assert_eq!(recorded("after")["code"], "not_found", "made after the backup");
    // The same question under the same id is the same decision.
    assert_eq!(ask(&copy.address, "before"), before);
    // The copy goes on by itself: its keys sign.
    let (code, _, err) = run(&place, &["user", "add", "new@example.com", "--role", "viewer"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(curl(&copy.address, &viewer, "/policy/audit/verify", None)["valid"], true);
    assert_eq!((stop(copy), stop(server)), (Some(0), Some(0)));
    for folder in [data_dir, other] {
        fs::remove_dir_all(folder).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_at_a_database_url_comes_back_in_a_private_one_and_answers_the_same() {
    let workspace = Workspace::new().await;
    let stable = workspace.stable(bundle("1.0.0", "needs_approval")).await;
    let service = workspace.caller(Role::Service).await;
    until_served_by(&service, &stable).await;
    let mut expected = Vec::new();
    for risk in [10, 89, 90, 95] {
        let mut asked = question("one");
        asked["context"]["risk_score"] = json!(risk);
        expected.push((asked.clone(), service.post("/policy/evaluate", asked).await.expect(200)));
    }
    let database = testing::as_owner(&workspace.store.pool().connect_options()).to_url_lossy().to_string();
    let (folder, token) = (folder(), service.token.clone().unwrap());
    let viewer = workspace.token(&[Role::Viewer]).await;
    tokio::task::spawn_blocking(move || {
        let file = folder.join("external.backup");
        let home = folder.join("home");
        let (code, printed) =
            with_test_keys(countersign(&home, &["backup", text(&file)]).env("DATABASE_URL", &database));
        assert_eq!(code, 0, "{printed}");
        assert!(printed.contains("without keys"), "{printed}");

        let place = folder.join("restored");
        let (code, printed) = {
            let output = countersign(&place, &["restore", text(&file)]).output().unwrap();
            (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        assert!(code == Some(1) && printed.contains("HMAC_SECRET with HMAC_KEY_ID=test"), "{printed}");
        assert!(!place.exists());
        let (code, printed) = with_test_keys(&mut countersign(&place, &["restore", text(&file)]));
        assert_eq!(code, 0, "{printed}");

        let mut serve = countersign(&place, &["serve", "--addr", "127.0.0.1:0"]);
        let copy = start(serve.env("HMAC_SECRET", testing::SECRET).env("HMAC_KEY_ID", "test"));
        for (asked, answered) in expected {
            let again = curl(&copy.address, &token, "/policy/evaluate", Some(&asked.to_string()));
            for member in ["effect", "status", "matched_rule", "reason", "bundle", "arm", "mode", "budget"] {
                assert_eq!(again[member], answered[member], "{member} of {again}");
            }
        }
        let verdict = curl(&copy.address, &viewer, "/policy/audit/verify", None);
        assert_eq!(verdict["valid"], true, "{verdict}");
        assert_eq!(stop(copy), Some(0));
        fs::remove_dir_all(folder).unwrap();
    })
    .await
    .unwrap();
}

#[test]
fn the_data_is_moved_to_other_programs_and_the_old_is_kept() {
    let data_dir = folder();
    let server = serve(&data_dir);
    let (service, viewer) = (token(&data_dir, "service"), token(&data_dir, "viewer"));
    let body = json!({"agent": "a", "action": "b", "decision_id": "kept"}).to_string();
    curl(&server.address, &service, "/policy/evaluate", Some(&body));
    let (code, _, err) = run(&data_dir, &["db", "upgrade"]);
    assert!(code == 1 && err.contains("is in use"), "{err}");
    assert_eq!(stop(server), Some(0));

    let newest = store::postgres::Binaries::installed().unwrap().remove(0);
    let (code, _, err) = run(&data_dir, &["db", "upgrade"]);
    assert!(code == 1 && err.contains("the newest installed"), "{err}");
    let programs = newest.program("postgres").parent().unwrap().to_owned();
    let (code, out, err) = run(&data_dir, &["db", "upgrade", "--programs", text(&programs), "--output", "json"]);
    assert_eq!(code, 0, "{err}");
    let done: Value = serde_json::from_str(&out).unwrap();
    let kept = PathBuf::from(done["kept"].as_str().unwrap());
    assert!(kept.join("PG_VERSION").exists() && kept.ends_with(format!("cluster-{}", newest.major())), "{done}");

    let server = serve(&data_dir);
    assert_eq!(curl(&server.address, &viewer, "/policy/decisions/kept", None)["decision_id"], "kept");
    assert_eq!(curl(&server.address, &viewer, "/policy/audit/verify", None)["valid"], true);
    assert_eq!(stop(server), Some(0));
    fs::remove_dir_all(data_dir).unwrap();
}

/// What the role that serves may do with its owner's rights. What only triggers may do is not in it.
async fn functions_of_the_server(options: &PgConnectOptions) -> Vec<(String, bool)> {
    let mut db = PgConnection::connect_with(options).await.unwrap();
    let found: Vec<(String, bool)> = sqlx::query_as(
        "select oid::regprocedure::text, prorettype = 'trigger'::regtype from pg_proc
         where pronamespace = 'public'::regnamespace and prosecdef and has_function_privilege('countersign', oid, 'execute')
         order by 1",
    )
    .fetch_all(&mut db)
    .await
    .unwrap();
    assert!(found.len() > 2 && found.iter().all(|(_, trigger)| !trigger), "{found:?}");
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_elsewhere_needs_the_roles_first_and_keeps_its_protection() {
    let (data_dir, place) = (folder(), postgres_server::place());
    let server = serve(&data_dir);
    let granted = functions_of_the_server(&store::postgres::Private::running(&data_dir).unwrap().0).await;
    let file = data_dir.join("workspace.backup");
    let (code, _, err) = run(&data_dir, &["backup", text(&file)]);
    assert_eq!((code, stop(server)), (0, Some(0)), "{err}");

    let mut other = Postgres::new(place.join("data"));
    other.initialise();
    other.start(&[]);
    other.run("postgres", "create database countersign").await;
    let url = |role: &str| format!("postgres://{role}@127.0.0.1:{}/countersign", other.port);
    let home = place.join("home");
    let restore = || {
        let mut command = countersign(&home, &["restore", text(&file)]);
        command.env("DATABASE_URL", url("countersign")).env("COUNTERSIGN_MIGRATE_URL", url("countersign_owner"));
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, err) = restore();
    let wanted = "create role countersign nologin; create role countersign_operator nologin";
    assert!(code == Some(1) && err.contains(wanted), "{err}");
    assert!(!home.exists(), "nothing is left behind");

    other.run("postgres", "create role countersign login; create role countersign_operator login").await;
    let (code, err) = restore();
    assert_eq!(code, Some(0), "{err}");
    let options = other.options().username("countersign");
    assert_eq!(functions_of_the_server(&options).await, granted);
    let mut db = PgConnection::connect_with(&options).await.unwrap();
    let refused = sqlx::query("truncate policy_lifecycle_audit").execute(&mut db).await.unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("42501"), "{refused}");
    let (code, err) = restore();
    assert!(code == Some(1) && err.contains("is not empty"), "{err}");
    drop(other);
    for folder in [data_dir, place] {
        fs::remove_dir_all(folder).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_whose_record_was_changed_comes_back_all_the_same_and_is_named_so() {
    let (data_dir, other) = (folder(), folder());
    let server = serve(&data_dir);
    let viewer = token(&data_dir, "viewer");
    let owner = store::postgres::Private::running(&data_dir).unwrap().1;
    let mut db = PgConnection::connect_with(&owner).await.unwrap();
    sqlx::raw_sql(
        "set session_replication_role = replica; update policy_lifecycle_audit set summary = 'nothing' where seq = 1",
    )
    .execute(&mut db)
    .await
    .unwrap();
    drop(db);
    let (file, place) = (other.join("workspace.backup"), other.join("restored"));
    let (code, _, err) = run(&data_dir, &["backup", text(&file)]);
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = run(&place, &["restore", text(&file)]);
    assert!(code == 1 && err.contains("its audit record is not whole"), "{err}");
    let copy = serve(&place);
    assert_eq!(curl(&copy.address, &viewer, "/policy/audit/verify", None)["valid"], false);
    assert_eq!((stop(copy), stop(server)), (Some(0), Some(0)));
    for folder in [data_dir, other] {
        fs::remove_dir_all(folder).unwrap();
    }
}
