//! Keys of running processes: a command without the workspace's key writes nothing, and servers change the key that
//! signs without refusing each other.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::ConnectOptions;

use crate::support::{bundle, folder};

const K1: &str = "the first secret of these two servers";
const K2: &str = "the second secret of these two servers";

/// The environment of a process: its data directory, and what else is set.
#[derive(Clone)]
struct Place {
    data_dir: PathBuf,
    set: Vec<(&'static str, String)>,
}

impl Place {
    fn new(set: &[(&'static str, &str)]) -> Self {
        Self { data_dir: folder(), set: set.iter().map(|(name, value)| (*name, (*value).to_owned())).collect() }
    }

    fn with(&self, set: &[(&'static str, &str)]) -> Self {
        let mut place = self.clone();
        place.set.extend(set.iter().map(|(name, value)| (*name, (*value).to_owned())));
        place
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        for name in ["DATABASE_URL", "COUNTERSIGN_MIGRATE_URL", "HMAC_SECRET", "HMAC_KEY_ID", "HMAC_PREVIOUS"] {
            command.env_remove(name);
        }
        command.args(arguments).env("COUNTERSIGN_DATA_DIR", &self.data_dir).env("RUST_LOG", "error");
        command.envs(self.set.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// Runs a command to its end; returns its exit code, output and error text.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.command(arguments).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let (code, out, err) = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {out}{err}");
        out
    }

    fn token(&self, role: &str) -> String {
        let email = format!("{role}@example.com");
        let _there = self.run(&["user", "add", &email, "--role", role]);
        let out = self.ok(&["token", "create", role, "--role", role, "--email", &email, "--output", "json"]);
        serde_json::from_str::<Value>(&out).unwrap()["token"].as_str().unwrap().to_owned()
    }

    fn serve(&self) -> Server {
        let mut child = self
            .command(&["serve", "--addr", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.next().expect("the server ended before it was ready").unwrap();
        let url = format!("http://{}", ready.rsplit("http://").next().unwrap());
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, url }
    }
}

struct Server {
    child: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGTERM, so that the server says that it stops.
        let _gone = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _gone = self.child.wait();
    }
}

impl Server {
    fn call(&self, token: &str, path: &str, body: Option<&Value>) -> Value {
        let mut command = Command::new("curl");
        command.args(["-sS", "--max-time", "20", "-H", &format!("Authorization: Bearer {token}")]);
        if let Some(body) = body {
            command.args(["-d", &body.to_string()]);
        }
        let output = command.arg(format!("{}{path}", self.url)).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    }

    /// The record is whole, and its newest entry is sealed with this key.
    #[track_caller]
    fn sealed_with(&self, token: &str, key: &str) {
        let verdict = self.call(token, "/policy/audit/verify", None);
        assert_eq!(verdict["valid"], true, "{verdict}");
        let newest = self.call(token, "/policy/audit?limit=1", None);
        assert_eq!(newest["entries"][0]["key_id"], key, "{newest}");
    }
}

fn draft(server: &Server, author: &str) -> i64 {
    let mut source = bundle("1.0.0", "deny");
    source.as_object_mut().unwrap().remove("version");
    let made = server.call(author, "/policy/bundles", Some(&source));
    made["id"].as_i64().unwrap_or_else(|| panic!("{made}"))
}

/// The id of the key in a data directory.
fn kept(data_dir: &Path) -> String {
    let file = std::fs::read(data_dir.join("hmac-key.json")).unwrap();
    serde_json::from_slice::<Value>(&file).unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_without_the_workspaces_key_writes_nothing() {
    let url = store::testing::database().await.to_url_lossy().to_string();
    let first = Place::new(&[("DATABASE_URL", &url)]);
    first.ok(&["user", "add", "ada@example.com", "--role", "admin"]);
    let key = kept(&first.data_dir);
    let elsewhere = Place::new(&[("DATABASE_URL", &url)]);
    for arguments in [
        &["user", "add", "bob@example.com", "--role", "admin"][..],
        &["token", "create", "gateway", "--role", "service"],
        &["serve", "--addr", "127.0.0.1:0"],
        &["keys", "rotate"],
    ] {
        let (code, out, err) = elsewhere.run(arguments);
        assert!(code == 1 && err.contains(&key) && err.contains("HMAC_SECRET"), "{arguments:?}: {code} {out}{err}");
        assert!(!elsewhere.data_dir.join("hmac-key.json").exists(), "no other key is made");
    }
    let given = elsewhere.with(&[("HMAC_SECRET", K1), ("HMAC_KEY_ID", "k1")]);
    let (code, _, err) = given.run(&["user", "add", "bob@example.com", "--role", "admin"]);
    assert!(code == 1 && err.contains(&key), "{code} {err}");
    let impostor = elsewhere.with(&[("HMAC_SECRET", K1), ("HMAC_KEY_ID", &key)]);
    let (code, _, err) = impostor.run(&["user", "list"]);
    assert!(code == 1 && err.contains("another secret"), "{code} {err}");
    assert!(!first.ok(&["user", "list"]).contains("bob"));
}

#[test]
fn a_generated_key_is_rotated_while_the_server_runs() {
    let place = Place::new(&[]);
    let server = place.serve();
    let (author, viewer) = (place.token("author"), place.token("viewer"));
    let first = kept(&place.data_dir);
    draft(&server, &author);
    server.sealed_with(&viewer, &first);
    let export = server.call(&author, "/policy/bundles?limit=1", None)["bundles"][0]["id"].as_i64().unwrap();
    let export = server.call(&author, &format!("/policy/bundles/{export}/export"), None);
    assert_eq!(export["key_id"], first.as_str());

    let out = place.ok(&["keys", "rotate", "--output", "json"]);
    let rotated: Value = serde_json::from_str(&out).unwrap();
    let second = kept(&place.data_dir);
    assert_eq!((&rotated["state"], &rotated["key_id"]), (&json!("in_use"), &json!(second)), "{rotated}");
    assert_ne!(first, second);
    let deadline = Instant::now() + Duration::from_secs(10);
    while server.call(&author, "/policy/bundles", Some(&bundle("9.9.9", "deny"))).get("id").is_none()
        && Instant::now() < deadline
    {
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_millis(2_500));
    draft(&server, &author);
    server.sealed_with(&viewer, &second);
    assert_eq!(
        server.call(&author, "/policy/bundles/verify", Some(&export))["verdict"],
        "valid",
        "the old key verifies"
    );
    drop(server);

    // A secret in the environment takes over; the kept keys go on verifying.
    let given = place.with(&[("HMAC_SECRET", K1), ("HMAC_KEY_ID", "k1")]);
    let server = given.serve();
    draft(&server, &author);
    server.sealed_with(&viewer, "k1");
    let (code, _, err) = given.run(&["keys", "rotate"]);
    assert!(code == 1 && err.contains("HMAC_PREVIOUS=k1:"), "{code} {err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_change_the_key_in_both_orders() {
    for new_first in [true, false] {
        let url = store::testing::database().await.to_url_lossy().to_string();
        let old = Place::new(&[("DATABASE_URL", &url), ("HMAC_SECRET", K1), ("HMAC_KEY_ID", "k1")]);
        let (author, viewer) = (old.token("author"), old.token("viewer"));
        let approver = old.token("approver");
        let f = old.serve();
        draft(&f, &author);
        f.sealed_with(&viewer, "k1");

        let previous = format!("k1:{K1}");
        let new = Place::new(&[
            ("DATABASE_URL", &url),
            ("HMAC_SECRET", K2),
            ("HMAC_KEY_ID", "k2"),
            ("HMAC_PREVIOUS", &previous),
        ]);
        let g = new.serve();
        // The former key signs while one server does not have the new one, and each relies on the other's signatures.
        let id = draft(&g, &author);
        let packet = json!({"bundle_id": id, "fallback_plan": "roll back to the version before"});
        let packet = g.call(&author, "/policy/packets", Some(&packet));
        let packet = packet["packet_id"].as_str().unwrap_or_else(|| panic!("{packet}")).to_owned();
        let signed =
            f.call(&approver, &format!("/policy/packets/{packet}/actions"), Some(&json!({"decision": "approve"})));
        assert_eq!(signed["actions"][0]["actor"], "approver@example.com", "{signed}");
        for server in [&f, &g] {
            server.sealed_with(&viewer, "k1");
        }
        drop(f);

        let both = match new_first {
            true => old.with(&[("HMAC_SECRET", K2), ("HMAC_KEY_ID", "k2"), ("HMAC_PREVIOUS", &previous)]),
            false => old.with(&[("HMAC_PREVIOUS", &format!("k2:{K2}"))]),
        };
        let f = both.serve();
        std::thread::sleep(Duration::from_millis(2_500));
        for server in [&f, &g] {
            draft(server, &author);
            server.sealed_with(&viewer, "k2");
        }
        // Who comes without it is refused by name.
        let (code, _, err) = old.run(&["serve", "--addr", "127.0.0.1:0"]);
        assert!(code == 1 && err.contains("`k2`"), "{code} {err}");
    }
}

#[tokio::test]
async fn public_keys_are_published_and_exports_verify_with_them() {
    use crate::support::Workspace;
    use lifecycle::{authority::Role, transfer::open_with_partners};
    let workspace = Workspace::new().await;
    let published = workspace.stranger().get("/.well-known/countersign-keys").await.expect(200);
    let keys: Vec<lifecycle::signing::PublicKey> = serde_json::from_value(published["keys"].clone()).unwrap();
    assert_eq!(keys, [store::testing::keys().current.public()]);
    assert_eq!(published["keys"][0]["signs"], true);
    let author = workspace.caller(Role::Author).await;
    let made = author.post("/policy/bundles", bundle("1.0.0", "deny")).await.expect(201);
    let path = format!("/policy/bundles/{}/export", made["id"]);
    let export = author.get(&format!("{path}?algorithm=ed25519")).await.expect(200);
    assert_eq!(author.post("/policy/bundles/verify", export.clone()).await.expect(200)["verdict"], "valid");
    let stranger = lifecycle::signing::KeyRing {
        current: lifecycle::signing::Key::new("other", "another secret"),
        previous: Vec::new(),
    };
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    assert!(open_with_partners(&stranger, &keys, &export, now).1.is_some());
    assert!(open_with_partners(&stranger, &[], &export, now).1.is_none());
    author.get(&format!("{path}?algorithm=none")).await.problem(422, "invalid_field");
    assert_eq!(author.get(&path).await.expect(200)["algorithm"], "HMAC-SHA256");
}

/// A public key lets anybody try secrets at leisure: there is none of a secret that can be guessed, nor of a partner's.
#[tokio::test]
async fn nothing_is_published_that_a_stranger_could_guess() {
    use lifecycle::signing::Key;
    let url = store::testing::database().await.to_url_lossy().to_string();
    let previous = format!("short:letmein,partner:{K2}");
    let place =
        Place::new(&[("DATABASE_URL", &url), ("HMAC_SECRET", K1), ("HMAC_KEY_ID", "k1"), ("HMAC_PREVIOUS", &previous)]);
    let server = place.serve();
    let published = server.call("", "/.well-known/countersign-keys", None);
    let ids: Vec<&Value> = published["keys"].as_array().unwrap().iter().map(|key| &key["key_id"]).collect();
    assert_eq!(ids, [&json!(Key::new("k1", K1).public().key_id)], "{published}");
}

/// A key of an earlier release that can be guessed signs nothing but what replaces it.
#[tokio::test(flavor = "multi_thread")]
async fn a_short_key_of_an_earlier_release_is_only_replaced() {
    use lifecycle::signing::{Key, KeyRing};
    let options = store::testing::database().await;
    let short = KeyRing { current: Key::new("main", "letmein"), previous: Vec::new() };
    let former = store::Store::connect(options.clone(), short).await.unwrap();
    store::key_check::check(&former).await.unwrap();
    let url = options.to_url_lossy().to_string();
    let new = Place::new(&[
        ("DATABASE_URL", &url),
        ("HMAC_SECRET", K1),
        ("HMAC_KEY_ID", "k1"),
        ("HMAC_PREVIOUS", "main:letmein"),
    ]);
    let add = ["user", "add", "ada@example.com", "--role", "admin"];
    let (code, _, err) = new.run(&add);
    assert!(
        code == 1 && err.contains("`main`") && err.contains("7 bytes") && err.contains("keys rotate"),
        "{code} {err}"
    );
    new.ok(&["keys", "rotate"]);
    new.ok(&add);
}
