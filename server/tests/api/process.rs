//! The process: its start, its shutdown, and what survives a crash.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::support::folder;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

pub fn countersign(data_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_remove("DATABASE_URL").env("COUNTERSIGN_DATA_DIR", data_dir);
    command
}

/// Runs a command; returns exit code, standard output and standard error.
pub fn run(data_dir: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = countersign(data_dir, arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

pub struct Running {
    pub child: Child,
    pub address: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Starts a server on a free port and waits until it says that it is ready.
pub fn serve(data_dir: &Path) -> Running {
    start(&mut countersign(data_dir, &["serve", "--addr", "127.0.0.1:0"]))
}

/// As [`serve`], with a command that has more settings.
pub fn start(serve: &mut Command) -> Running {
    let mut child = serve.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.next().expect("the server ended before it was ready").unwrap();
    let address = ready.rsplit("http://").next().unwrap().to_owned();
    std::thread::spawn(move || lines.for_each(drop));
    Running { child, address }
}

pub fn curl(address: &str, token: &str, path: &str, body: Option<&str>) -> serde_json::Value {
    let mut command = Command::new("curl");
    command.args(["-sS", "--max-time", "20", "-H", &format!("Authorization: Bearer {token}")]);
    if let Some(body) = body {
        command.args(["-d", body]);
    }
    let output = command.arg(format!("http://{address}{path}")).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

pub fn token(data_dir: &Path, role: &str) -> String {
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

/// A page that listens, a caller who never finishes a request, and a statement that takes long: none of them holds the stop up.
#[test]
fn a_server_stops_in_time_with_connections_that_are_open() {
    use std::{io::Write, net::TcpStream, time::Instant};

    let data_dir = folder();
    let metrics = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut child = countersign(&data_dir, &["serve", "--addr", "127.0.0.1:0", "--metrics-addr", &metrics])
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut lines = lines.filter(|line| line.contains("is ready at"));
    let ready = lines.next().expect("the server ended before it was ready");
    let address = ready.rsplit("http://").next().unwrap().to_owned();
    std::thread::spawn(move || lines.for_each(drop));
    let server = Running { child, address };

    let get = |address: &str, path: &str| {
        Command::new("curl").args(["-sS", "--max-time", "20", &format!("http://{address}{path}")]).output().unwrap()
    };
    let text = String::from_utf8(get(&metrics, "/metrics").stdout).unwrap();
    assert!(text.contains("policy_loop_alive"), "{text}");
    assert!(!String::from_utf8(get(&metrics, "/metrics/errors").stdout).unwrap().contains("error_rate"));
    assert!(String::from_utf8(get(&server.address, "/metrics/errors").stdout).unwrap().contains("error_rate"));

    let viewer = token(&data_dir, "viewer");
    let request = |head: &str| {
        let mut connection = TcpStream::connect(&server.address).unwrap();
        connection.write_all(head.as_bytes()).unwrap();
        connection
    };
    let _listens = request(&format!("GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {viewer}\r\n\r\n"));
    let _sends_a_head = request("GET /policy/sys");
    let _sends_a_body = request(&format!(
        "POST /policy/lint HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {viewer}\r\nContent-Length: 1000\r\n\r\n{{"
    ));
    std::thread::sleep(Duration::from_millis(500));
    let asked = Instant::now();
    assert_eq!(stop(server), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(14), "{:?}", asked.elapsed());
    std::fs::remove_dir_all(data_dir).unwrap();
}

/// Sends SIGTERM; returns the exit code.
pub fn stop(mut server: Running) -> Option<i32> {
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
        (vec!["serve", "--demo", "--public-url", "https://policy.example.com"], 2, "policy.example.com"),
        (vec!["serve", "--demo", "--trusted-proxy", "10.0.0.1"], 2, "no proxy"),
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
    // A value that is none is followed by where to find help.
    let (code, _, err) = run(&data_dir, &["serve", "--trusted-proxy", "0.0.0.0/0"]);
    assert_eq!((code, err.lines().next().is_some_and(|line| line.contains("every address"))), (2, true), "{err}");
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

#[test]
fn a_server_that_root_started_is_not_roots() {
    use std::os::unix::fs::MetadataExt;
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return;
    }
    let data_dir = folder();
    // As an earlier release left it: everything is root's, and a link leads elsewhere.
    let (code, _, err) = run(&data_dir, &["user", "add", "ada@example.com", "--role", "admin"]);
    assert_eq!(code, 0, "{err}");
    let key = data_dir.join("hmac-key.json");
    std::os::unix::fs::chown(&key, Some(0), Some(0)).unwrap();
    let elsewhere = folder();
    std::fs::write(elsewhere.join("secret"), "").unwrap();
    std::os::unix::fs::symlink(elsewhere.join("secret"), data_dir.join("buffered-decisions.link")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, data_dir.join("archive.link")).unwrap();
    let archived = data_dir.join("archive/decisions-2026-01-01.jsonl.gz");
    std::fs::create_dir(data_dir.join("archive")).unwrap();
    std::fs::write(&archived, "").unwrap();

    let server = serve(&data_dir);
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let ids = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let user = std::fs::metadata(&data_dir).unwrap().uid();
    assert_ne!(user, 0);
    assert_eq!(ids("Uid:"), vec![user.to_string(); 4]);
    assert!(!ids("Gid:").contains(&"0".to_owned()) && !ids("Groups:").contains(&"0".to_owned()), "{status}");
    assert_eq!(ids("CapEff:"), ["0000000000000000"]);
    for kept in [elsewhere.clone(), elsewhere.join("secret")] {
        assert_eq!(std::fs::metadata(kept).unwrap().uid(), 0, "a link gives nothing away");
    }
    for given in [archived, data_dir.join("archive")] {
        assert_eq!(std::fs::metadata(given).unwrap().uid(), user, "days are archived there");
    }
    // Commands of root go on working beside it, and what they write is the server's to read.
    let (code, _, err) = run(&data_dir, &["keys", "rotate"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(std::fs::metadata(&key).unwrap().uid(), user);
    let viewer = token(&data_dir, "viewer");
    assert_eq!(curl(&server.address, &viewer, "/policy/audit/verify", None)["valid"], true);
    assert_eq!(stop(server), Some(0));
    // A directory with files of others in it stays theirs.
    let shared = folder();
    std::fs::write(shared.join("letters"), "").unwrap();
    let server = serve(&shared);
    assert_eq!(std::fs::metadata(&shared).unwrap().uid(), 0);
    assert_eq!(stop(server), Some(0));
    for folder in [data_dir, elsewhere, shared] {
        std::fs::remove_dir_all(folder).unwrap();
    }
}
