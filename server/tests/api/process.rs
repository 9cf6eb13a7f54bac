//! The process: its start, its shutdown, and what survives a crash.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::support::folder;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

fn countersign(data_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_remove("DATABASE_URL").env("COUNTERSIGN_DATA_DIR", data_dir);
    command
}

/// Runs a command; returns exit code, standard output and standard error.
fn run(data_dir: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = countersign(data_dir, arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

struct Running {
    child: Child,
    address: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Starts a server on a free port and waits until it says that it is ready.
fn serve(data_dir: &Path) -> Running {
    let mut child = countersign(data_dir, &["serve", "--addr", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.next().expect("the server ended before it was ready").unwrap();
    let address = ready.rsplit("http://").next().unwrap().to_owned();
    std::thread::spawn(move || lines.for_each(drop));
    Running { child, address }
}

fn curl(address: &str, token: &str, path: &str, body: Option<&str>) -> serde_json::Value {
    let mut command = Command::new("curl");
    command.args(["-sS", "--max-time", "20", "-H", &format!("Authorization: Bearer {token}")]);
    if let Some(body) = body {
        command.args(["-d", body]);
    }
    let output = command.arg(format!("http://{address}{path}")).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn token(data_dir: &Path, role: &str) -> String {
    let mut create = vec!["token", "create", role, "--role", role, "--output", "json"];
    let email = format!("{role}@example.com");
    if role != "service" {
        let (code, _, err) = run(data_dir, &["user", "add", &email, "--role", role]);
        assert_eq!(code, 0, "{err}");
        create.extend(["--email", &email]);
    }
    let (code, out, err) = run(data_dir, &create);
    assert_eq!(code, 0, "{err}");
    serde_json::from_str::<serde_json::Value>(&out).unwrap()["token"].as_str().unwrap().to_owned()
}

#[test]
fn what_was_acknowledged_survives_a_killed_server() {
    let data_dir = folder();
    let mut server = serve(&data_dir);
    let (service, viewer) = (token(&data_dir, "service"), token(&data_dir, "viewer"));
    let ids: Vec<String> = (0..50)
        .map(|number| {
            let body = format!(r#"{{"agent":"a","action":"b","decision_id":"kept-{number}"}}"#);
            curl(&server.address, &service, "/policy/evaluate", Some(&body))["decision_id"].as_str().unwrap().to_owned()
        })
        .collect();
    // SIGKILL: nothing is cleaned up, and the private PostgreSQL keeps running.
    server.child.kill().unwrap();
    server.child.wait().unwrap();

    let server = serve(&data_dir);
    for id in ids {
        let found = curl(&server.address, &viewer, &format!("/policy/decisions/{id}"), None);
        assert_eq!(found["decision_id"], id.as_str(), "{found}");
    }
    let stopped = stop(server);
    assert_eq!(stopped, Some(0));
    let left = std::fs::read_dir(data_dir.join("postgres").join("cluster"))
        .is_ok_and(|mut files| files.any(|file| file.is_ok_and(|file| file.file_name() == "postmaster.pid")));
    assert!(!left, "PostgreSQL is stopped with the server");
    std::fs::remove_dir_all(data_dir).unwrap();
}

/// Sends SIGTERM; returns the exit code.
fn stop(mut server: Running) -> Option<i32> {
    let pid = server.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    for _ in 0..150 {
        if let Some(status) = server.child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    None
}

#[test]
fn mistakes_get_one_sentence() {
    let data_dir = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = taken.local_addr().unwrap().to_string();
    let file = data_dir.join("file");
    std::fs::write(&file, "").unwrap();
    let below_a_file = file.join("data");
    let below_a_file = below_a_file.to_str().unwrap();
    for (arguments, code, word) in [
        (vec!["serve", "--addr", &busy], 1, "in use"),
        (vec!["serve", "--addr", "0.0.0.0:0", "--demo"], 2, "loopback"),
        (vec!["serve", "--addr", "127.0.0.1:0", "--data-dir", below_a_file], 2, "cannot write to the data directory"),
        (vec!["serve", "--addr", "127.0.0.1:0", "--database-url", "nonsense"], 2, "DATABASE_URL"),
        (vec!["bundle", "lint", "/no/such/file"], 2, "cannot read"),
    ] {
        let (found, out, err) = run(&data_dir, &arguments);
        assert_eq!(found, code, "{arguments:?}: {err}");
        assert!(err.contains(word), "{arguments:?}: {err}");
        assert_eq!(err.trim().lines().count(), 1, "{arguments:?}: {err}");
        assert!(!err.contains("panicked") && out.is_empty(), "{arguments:?}: {err}{out}");
    }
    std::fs::remove_dir_all(data_dir).unwrap();
}

#[test]
fn bundles_are_checked_without_a_server() {
    let folder = folder();
    let good = folder.join("good.json");
    let bad = folder.join("bad.json");
    std::fs::write(&good, crate::support::bundle("1.0.0", "deny").to_string()).unwrap();
    std::fs::write(&bad, r#"[{"id":"rule-a","agent":"a.b","action":"c","effect":"deny","conditions":{"x>=":1},"reason":"a reason long enough"}]"#).unwrap();
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());
    assert_eq!(run(&folder, &["bundle", "lint", good]).0, 0);
    let (code, out, _) = run(&folder, &["bundle", "lint", bad, "--output", "json"]);
    assert_eq!(code, 1);
    assert!(out.contains("bad_operator"), "{out}");
    let (code, out, _) = run(&folder, &["bundle", "digest", good]);
    assert!(code == 0 && out.starts_with("sha256:"), "{out}");
    assert_eq!(run(&folder, &["bundle", "diff", good, good]).0, 0);
    assert_eq!(run(&folder, &["bundle", "diff", good, bad]).0, 1);
    let simulate =
        ["bundle", "simulate", good, "--dataset", "synthetic", "--count", "20", "--against", good, "--fail-on-flip"];
    assert_eq!(run(&folder, &simulate).0, 0);
    std::fs::remove_dir_all(folder).unwrap();
}
