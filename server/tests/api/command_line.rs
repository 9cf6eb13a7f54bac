//! The command line, without a server and with one: exit codes and output.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use lifecycle::authority::Role;
use serde_json::{Value, json};

use crate::support::{Workspace, bundle, folder};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
const SECRET: &str = "a secret that is long enough to sign with";

/// The result of a command.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ended {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        assert!(!self.err.contains("panicked"), "{self:?}");
        self
    }
}

/// Runs the program to its end with `input` as standard input.
pub fn run(environment: &[(&str, &str)], arguments: &[&str], input: &str) -> Ended {
    let mut command = Command::new(PROGRAM);
    for name in ["DATABASE_URL", "COUNTERSIGN_URL", "COUNTERSIGN_TOKEN", "HMAC_SECRET", "HMAC_KEY_ID", "HMAC_PREVIOUS"]
    {
        command.env_remove(name);
    }
    let mut child = command
        .args(arguments)
        .env("COUNTERSIGN_DATA_DIR", "/nonexistent")
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

pub fn offline(arguments: &[&str], input: &str) -> Ended {
    run(&[("HMAC_SECRET", SECRET)], arguments, input)
}

fn write(folder: &Path, name: &str, value: &Value) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, value.to_string()).unwrap();
    path
}

#[test]
fn bundles_are_signed_and_verified_without_a_server() {
    let bare = bundle("2.4.0", "deny").to_string();
    let signed = offline(&["bundle", "sign", "--expiry-hours", "48"], &bare).with_code(0).out;
    let judged = offline(&["bundle", "verify", "-", "--output", "json"], &signed).with_code(0).json();
    assert_eq!((&judged["verdict"], &judged["version"]), (&json!("valid"), &json!("2.4.0")));
    assert!(offline(&["bundle", "verify"], &signed).with_code(0).out.starts_with("valid: "));

    let changed = signed.replace("deny", "allow");
    let refused = offline(&["bundle", "verify", "--output", "json"], &changed).with_code(1).json();
    assert_eq!(refused["verdict"], "invalid_signature");
    // A key without a name is named by its fingerprint, so another secret is another key.
    let other = run(&[("HMAC_SECRET", "another secret that is long")], &["bundle", "verify"], &signed).with_code(1);
    assert!(other.out.starts_with("unknown_key: ") && other.out.contains("`key-"), "{other:?}");
    let id = signed.split("\"key_id\":\"").nth(1).unwrap().split('"').next().unwrap();
    let other = [("HMAC_SECRET", "another secret that is long"), ("HMAC_KEY_ID", id)];
    let other = run(&other, &["bundle", "verify"], &signed).with_code(1);
    assert!(other.out.starts_with("invalid_signature: "), "{other:?}");
    let unknown = run(&[("HMAC_SECRET", SECRET), ("HMAC_KEY_ID", "new")], &["bundle", "verify"], &signed).with_code(1);
    assert!(unknown.out.starts_with("unknown_key: "), "{unknown:?}");
    let previous = format!("{id}:{SECRET}");
    let rotated =
        [("HMAC_SECRET", "another secret that is long"), ("HMAC_KEY_ID", "new"), ("HMAC_PREVIOUS", &previous)];
    run(&rotated, &["bundle", "verify"], &signed).with_code(0);
    assert!(offline(&["bundle", "verify"], &bare).with_code(1).out.starts_with("malformed: "));

    offline(&["bundle", "verify"], "{").with_code(2);
    offline(&["bundle", "verify", "/nonexistent"], "").with_code(2);
    offline(&["bundle", "sign", "--expiry-hours", "721"], &bare).with_code(2);
    let short = run(&[("HMAC_SECRET", "too short")], &["bundle", "sign"], &bare).with_code(2);
    assert!(short.err.contains("at least 32"), "{short:?}");
    let keyless = run(&[], &["bundle", "sign"], &bare).with_code(2);
    assert!(keyless.err.contains("HMAC_SECRET"), "{keyless:?}");
}

#[test]
fn a_bundle_signed_with_a_key_pair_is_verified_without_the_secret() {
    let folder = folder();
    let bare = bundle("2.4.0", "deny").to_string();
    let signed = offline(&["bundle", "sign", "--algorithm", "ed25519"], &bare).with_code(0).out;
    let file: Value = serde_json::from_str(&signed).unwrap();
    assert_eq!(file["algorithm"], "Ed25519");
    // Who has the secret has the pair.
    assert!(offline(&["bundle", "verify"], &signed).with_code(0).out.starts_with("valid: "));
    let public = lifecycle::signing::Key::new("k", SECRET).public();
    assert_eq!(file["key_id"], public.key_id.as_str());
    let keys = write(&folder, "keys.json", &json!({"keys": [public]}));
    let partner = ["bundle", "verify", "-", "--partner-keys", keys.to_str().unwrap()];
    assert!(run(&[], &partner, &signed).with_code(0).out.starts_with("valid: "));
    let changed = signed.replace("deny", "allow");
    assert!(run(&[], &partner, &changed).with_code(1).out.starts_with("invalid_signature: "));
    // The key decides the algorithm: the public key is no secret to sign with, and the file cannot say otherwise.
    let mut claims: Value = file.clone();
    claims["algorithm"] = json!("HMAC-SHA256");
    assert!(run(&[], &partner, &claims.to_string()).with_code(1).out.starts_with("malformed: "));
    let forged = [("HMAC_SECRET", public.public_key.as_str()), ("HMAC_KEY_ID", public.key_id.as_str())];
    let forged = run(&forged, &["bundle", "sign"], &bare).with_code(0).out;
    let refused = run(&[], &partner, &forged).with_code(1);
    assert!(refused.out.starts_with("malformed: "), "{refused:?}");
    let by_hmac = offline(&["bundle", "sign"], &bare).with_code(0).out;
    assert!(run(&[], &partner, &by_hmac).with_code(1).out.starts_with("unknown_key: "));
    let other = write(&folder, "other.json", &json!({"keys": [lifecycle::signing::Key::new("k", "x").public()]}));
    let other = ["bundle", "verify", "-", "--partner-keys", other.to_str().unwrap()];
    let unknown = run(&[], &other, &signed).with_code(1);
    assert!(unknown.out.starts_with("unknown_key: "), "{unknown:?}");
    let pasted = run(&[], &["bundle", "verify", "-", "--public-key", &public.public_key], &signed).with_code(0);
    assert!(pasted.out.starts_with("valid: "), "{pasted:?}");
    assert!(run(&[], &["bundle", "verify", "-", "--public-key", "00"], &signed).with_code(2).err.contains("64 hex"));
    let wrong = json!({"keys": [{"key_id": "ed25519-0000000000000000", "algorithm": "Ed25519",
        "public_key": public.public_key}]});
    let wrong = write(&folder, "wrong.json", &wrong);
    run(&[], &["bundle", "verify", "-", "--partner-keys", wrong.to_str().unwrap()], &signed).with_code(2);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn bundles_are_linted_compared_and_simulated_from_files_and_standard_input() {
    let folder = folder();
    let (deny, allow) = (bundle("1.0.0", "deny"), bundle("1.0.1", "allow"));
    let before = write(&folder, "before.json", &deny);
    let after = write(&folder, "after.json", &allow);
    let (before, after) = (before.to_str().unwrap(), after.to_str().unwrap());

    let report = offline(&["bundle", "lint", "--output", "json"], &deny.to_string()).with_code(0).json();
    assert_eq!((&report["passed"], &report["summary"]["total_rules"]), (&json!(true), &json!(1)));
    let broken = r#"[{"id":"rule-a","agent":"a.b","action":"c","effect":"deny","conditions":{"x>=":1},"reason":"long enough a reason"}]"#;
    assert!(offline(&["bundle", "lint"], broken).with_code(1).out.contains("bad_operator"));
    let digest = offline(&["bundle", "digest", before, "--output", "json"], "").with_code(0).json();
    assert_eq!(digest["digest"].as_str().unwrap().len(), 71);

    let diff = offline(&["bundle", "diff", before, after, "--output", "json"], "").with_code(1).json();
    assert_eq!(diff["rules_modified"][0]["id"], "quarantine-high-risk");
    assert_eq!(diff["semantic_diff"]["new_allows"], json!({"verdict": "some", "regions": 1}), "{diff}");
    assert_eq!(diff["semantic_diff"]["regions"][0]["after"]["effect"], "allow");
    let out = offline(&["bundle", "diff", "-", after], &deny.to_string()).with_code(1).out;
    assert!(out.contains("new allows: 1 region") && out.contains("deny (quarantine-high-risk) → allow"), "{out}");
    let mut reworded = deny.clone();
    reworded["rules"][0]["reason"] = json!("Another reason that is long enough");
    let reworded = write(&folder, "reworded.json", &reworded);
    let reworded = reworded.to_str().unwrap();
    offline(&["bundle", "diff", before, reworded], "").with_code(1);
    let same = offline(&["bundle", "diff", before, reworded, "--fail-on-flip"], "").with_code(0);
    assert!(same.out.contains("every input is answered alike") && same.out.contains("new allows: none"), "{same:?}");
    offline(&["bundle", "diff", before, after, "--fail-on-flip"], "").with_code(1);

    let cases = json!([{"case_id": "one", "agent": "inbox.triage", "action": "quarantine",
        "context": {"risk_score": 95}, "expected_effect": "deny"}]);
    let cases = write(&folder, "cases.json", &cases);
    let cases = cases.to_str().unwrap();
    let tried = offline(&["bundle", "simulate", before, "--cases", cases, "--output", "json"], "").with_code(0).json();
    assert_eq!((&tried["summary"]["total_cases"], &tried["results"][0]["passed"]), (&json!(1), &json!(true)));
    offline(&["bundle", "simulate", after, "--cases", cases], "").with_code(1);
    let flips = ["bundle", "simulate", before, "--dataset", "synthetic", "--count", "50", "--against", after];
    let compared = offline(&[&flips[..], &["--output", "json"]].concat(), "").with_code(0).json();
    assert!(compared["comparison"]["total_changes"].as_u64().unwrap() > 0, "{compared}");
    offline(&[&flips[..], &["--fail-on-flip"]].concat(), "").with_code(1);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn wrong_usage_ends_with_two_and_a_missing_server_with_three() {
    for arguments in [
        &["bundle", "frobnicate"][..],
        &["packet", "verify"],
        &["packet", "action", "pktv1:0", "--decision", "reject"],
        &["promote", "2.4.0"],
        &["rollback", "2.4.0", "--reason", "long enough", "--url", "nowhere"],
    ] {
        offline(arguments, "").with_code(2);
    }
    for arguments in [
        &["packet", "show", "pktv1:0"][..],
        &["apply", "1", "--packet", "pktv1:0"],
        &["promote", "1", "--to", "50"],
        &["rollback", "1", "--reason", "Emergency"],
        &["bundle", "export", "1"],
    ] {
        // Nothing listens on the discard port of the loopback address.
        let ended = run(&[("COUNTERSIGN_URL", "http://127.0.0.1:9")], arguments, "").with_code(3);
        assert!(ended.err.contains("http://127.0.0.1:9"), "{ended:?}");
    }
}

#[test]
fn completions_are_generated() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(offline(&["completions", shell], "").with_code(0).out.contains("rollback"), "{shell}");
    }
    offline(&["completions", "tcl"], "").with_code(2);
}

/// A workspace behind a real port.
pub struct Served {
    pub workspace: Workspace,
    url: String,
}

impl Served {
    pub async fn new() -> Self {
        let workspace = Workspace::new().await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = axum::ServiceExt::<axum::extract::Request>::into_make_service(workspace.service.clone());
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { workspace, url }
    }

    pub async fn run(&self, role: Role, arguments: &[&str], input: &str) -> Ended {
        let token = self.workspace.token(&[role]).await;
        self.run_as(&token, arguments, input).await
    }

    async fn run_as(&self, token: &str, arguments: &[&str], input: &str) -> Ended {
        let (url, token, input) = (self.url.clone(), token.to_owned(), input.to_owned());
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        tokio::task::spawn_blocking(move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            run(&[("COUNTERSIGN_URL", &url), ("COUNTERSIGN_TOKEN", &token)], &arguments, &input)
        })
        .await
        .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_goes_from_draft_to_traffic_and_back_on_the_command_line() {
    let served = Served::new().await;
    served.workspace.stable(bundle("1.0.0", "deny")).await;
    let author = served.workspace.caller(Role::Author).await;
    let mut draft = bundle("1.0.1", "deny");
    draft["rules"][0]["conditions"] = json!({">=risk_score": 85});
    author.post("/policy/bundles", draft).await.expect(201);

    let built = served
        .run(Role::Author, &["packet", "build", "1.0.1", "--fallback-plan", "back to 1.0.0", "--output", "json"], "")
        .await
        .with_code(0)
        .json();
    let packet = built["packet_id"].as_str().unwrap();
    assert_eq!(built["status"], "in_review");
    let shown = served.run(Role::Viewer, &["packet", "show", packet, "--output", "json"], "").await.with_code(0).json();
    assert_eq!(shown["packet_id"], packet);
    assert!(served.run(Role::Viewer, &["packet", "show", packet], "").await.with_code(0).out.contains("in_review"));

    // The evidence is replayed on the server, and from a file without a server: the checksum is the same.
    let verified =
        served.run(Role::Viewer, &["packet", "verify", packet, "--output", "json"], "").await.with_code(0).json();
    assert_eq!((&verified["passed"], &verified["replay_checksum"]), (&json!(true), &built["replay_checksum"]));
    let file = served.workspace.folder.join("packet.json");
    let file = file.to_str().unwrap();
    served.run(Role::Viewer, &["packet", "show", packet, "--evidence", "--to", file], "").await.with_code(0);
    let replayed = offline(&["packet", "verify", "--file", file, "--output", "json"], "").with_code(0).json();
    assert_eq!((&replayed["passed"], &replayed["replay_checksum"]), (&json!(true), &built["replay_checksum"]));
    let changed = std::fs::read_to_string(file).unwrap().replace("High-risk", "Low-risk");
    let refused = offline(&["packet", "verify", "--file", "-", "--output", "json"], &changed).with_code(1).json();
    assert_eq!((&refused["passed"], &refused["packet_id_matches"]), (&json!(false), &json!(false)));
    offline(&["packet", "verify", "--file", "-"], "{\"packet_id\": \"pktv1:0\"}").with_code(2);

    let own =
        served.run(Role::Author, &["packet", "action", packet, "--decision", "approve", "--output", "json"], "").await;
    assert_eq!(own.with_code(1).json()["code"], "forbidden");
    for role in [Role::Approver, Role::SafetyOwner] {
        let acted =
            served.run(role, &["packet", "action", packet, "--decision", "approve", "--output", "json"], "").await;
        if acted.with_code(0).json()["status"] == "approved" {
            break;
        }
    }
    let applied = served
        .run(Role::RuntimeOwner, &["apply", "1.0.1", "--packet", packet, "--output", "json"], "")
        .await
        .with_code(0)
        .json();
    assert_eq!((&applied["canary_pct"], &applied["state"]), (&json!(10), &json!("canary")));
    let early = served.run(Role::RuntimeOwner, &["promote", "1.0.1", "--to", "50", "--output", "json"], "").await;
    assert_eq!(early.with_code(1).json()["code"], "gate_not_passed");
    let blank = served.run(Role::RuntimeOwner, &["rollback", "1.0.1", "--reason", "no"], "").await;
    assert!(blank.with_code(2).err.contains("Emergency"));
    let rolled_back = served
        .run(Role::SafetyOwner, &["rollback", "--reason", "The canary refuses too much", "--output", "json"], "")
        .await
        .with_code(0)
        .json();
    assert_eq!((&rolled_back["rolled_back_from"], &rolled_back["incident_created"]), (&json!("1.0.1"), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn bundles_are_exported_and_imported_on_the_command_line() {
    let served = Served::new().await;
    let author = served.workspace.caller(Role::Author).await;
    author.post("/policy/bundles", bundle("1.0.0", "deny")).await.expect(201);
    let file = served.workspace.folder.join("out.json");
    let to = file.to_str().unwrap();
    served.run(Role::Author, &["bundle", "export", "1.0.0", "--to", to], "").await.with_code(0);
    let signed = std::fs::read_to_string(&file).unwrap();
    let printed = served.run(Role::Author, &["bundle", "export", "1.0.0"], "").await.with_code(0);
    assert_eq!(printed.json()["digest"], serde_json::from_str::<Value>(&signed).unwrap()["digest"]);

    let taken = served.run(Role::Author, &["bundle", "import", to, "--output", "json"], "").await.with_code(1);
    assert_eq!(taken.json()["code"], "version_exists");
    let preview = served
        .run(Role::Author, &["bundle", "import", to, "--dry-run", "--output", "json"], "")
        .await
        .with_code(1)
        .json();
    assert_eq!((&preview["draft"]["version_taken"], &preview["verification"]["valid"]), (&json!(true), &json!(true)));
    let renamed = ["bundle", "import", "-", "--import-as-version", "1.0.1", "--output", "json"];
    let imported = served.run(Role::Author, &renamed, &signed).await.with_code(0).json();
    assert_eq!((&imported["version"], &imported["provenance"]["signed"]), (&json!("1.0.1"), &json!(true)));

    let tampered = signed.replace("deny", "allow");
    let refused =
        served.run(Role::Author, &["bundle", "import", "--output", "json"], &tampered).await.with_code(1).json();
    assert_eq!(refused["verdict"], "invalid_signature");
    let bare = bundle("3.0.0", "deny").to_string();
    served.run(Role::Author, &["bundle", "import"], &bare).await.with_code(1);
    served.run(Role::Author, &["bundle", "import", "--unsigned"], &bare).await.with_code(0);

    served.run(Role::Viewer, &["bundle", "export", "1.0.0"], "").await.with_code(1);
    served.run(Role::Author, &["bundle", "export", "9.9.9"], "").await.with_code(1);
    let stranger = served.run_as("", &["bundle", "export", "1.0.0"], "").await.with_code(1);
    assert!(stranger.err.contains("COUNTERSIGN_TOKEN"), "{stranger:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_paused_released_disabled_and_drilled_on_the_command_line() {
    let served = Served::new().await;
    let nothing = served.run(Role::RuntimeOwner, &["drill", "--output", "json"], "").await;
    assert_eq!(nothing.with_code(1).json()["code"], "no_candidate");
    served.workspace.stable(bundle("1.0.0", "deny")).await;
    let (_, packet) = served.workspace.approved(bundle("1.0.1", "allow")).await;

    let pause = ["pause", "--reason", "margins fall", "--trigger", "error_rate_5m", "--output", "json"];
    served.run(Role::Approver, &pause, "").await.with_code(1);
    let paused = served.run(Role::SafetyOwner, &pause, "").await.with_code(0).json();
    assert_eq!(paused["pause"]["reason"], "margins fall");
    let apply = ["apply", "1.0.1", "--packet", &packet, "--output", "json"];
    assert_eq!(served.run(Role::RuntimeOwner, &apply, "").await.with_code(1).json()["code"], "paused");
    let status = served.run(Role::Viewer, &["status"], "").await.with_code(0).out;
    assert!(status.contains("PAUSED: margins fall") && status.contains("0 of 2"), "{status}");
    let release = ["release", "--remediation", "prices were corrected"];
    assert!(served.run(Role::SafetyOwner, &release, "").await.with_code(0).out.starts_with("1 of 2"));
    served.run(Role::SafetyOwner, &release, "").await.with_code(1);
    assert!(served.run(Role::RuntimeOwner, &release, "").await.with_code(0).out.starts_with("2 of 2"));

    let drilled = served.run(Role::RuntimeOwner, &["drill", "--output", "json"], "").await.with_code(0).json();
    assert_eq!((&drilled["safety_passed"], &drilled["final_policy_version"]), (&json!(true), &json!("1.0.1")));
    let off = served.run(Role::Admin, &["disable", "--reason", "Emergency bypass", "--output", "json"], "").await;
    assert_eq!(off.with_code(0).json()["enabled"], false);
    assert!(served.run(Role::Viewer, &["status"], "").await.with_code(0).out.contains("DISABLED"));
    served.run(Role::SafetyOwner, &["enable"], "").await.with_code(1);
    served.run(Role::Admin, &["enable"], "").await.with_code(0);
}
