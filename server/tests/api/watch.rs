//! A canary that does harm is taken out without anybody asking.

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use lifecycle::{
    authority::Role,
    rollout::{WatchConfig, WatchMode},
};
use serde_json::{Value, json};
use store::rollout::{Watched, watch};

use crate::support::{Workspace, admin, bundle, question};

/// Longer than a server takes to look and act, by a lot.
const PATIENCE: Duration = Duration::from_secs(20);

async fn limits(workspace: &Workspace, config: WatchConfig) {
    let mut settings = store::settings::get(&workspace.store, &admin()).await.unwrap();
    settings.watch = config;
    store::settings::update(&workspace.store, &admin(), settings).await.unwrap();
}

/// Half of the traffic meets a canary that denies what stable allows.
async fn harm(workspace: &Workspace) -> Value {
    workspace.stable(bundle("1.0.0", "allow")).await;
    let canary = workspace.canary(bundle("1.0.1", "deny"), 50).await;
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    let service = workspace.caller(Role::Service).await;
    let requests: Vec<Value> = (0..200).map(|number| question(&format!("subject-{number}"))).collect();
    service.post("/policy/evaluate/batch", json!({"requests": requests})).await.expect(200);
    canary
}

async fn events(workspace: &Workspace, event: &str) -> Vec<Value> {
    let viewer = workspace.caller(Role::Viewer).await;
    let audit = viewer.get(&format!("/policy/audit?event_type={event}")).await.expect(200);
    audit["entries"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_denies_most_is_rolled_back_by_the_server() {
    let workspace = Workspace::new().await;
    let canary = harm(&workspace).await;
    limits(&workspace, WatchConfig::default()).await;
    let viewer = workspace.caller(Role::Viewer).await;
    let path = format!("/policy/bundles/{}", canary["id"]);
    let began = Instant::now();
    while viewer.get(&path).await.expect(200)["state"] != "rolled_back" {
        assert!(began.elapsed() < PATIENCE, "nobody took it out");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let entries = events(&workspace, "rolled_back").await;
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!((&entry["actor"], &entry["via"]), (&json!("system"), &json!("worker")));
    let reason = entry["detail"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("Automatic rollback: deny rate 100 % exceeds 50 % (stable: 0 %), over "), "{reason}");
    let incident = entry["detail"]["incident_id"].as_str().unwrap();
    let incident = viewer.get(&format!("/incidents/{incident}")).await.expect(200);
    assert_eq!((&incident["severity"], &incident["status"]), (&json!("high"), &json!("open")));
    let measured = incident["timeline"].as_array().unwrap().last().unwrap();
    assert_eq!(measured["detail"]["alarms"][0]["cause"], "deny_rate", "{measured}");
    assert_eq!(watch(&workspace.store).await.unwrap(), Watched::Quiet, "there is nothing left to do");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_servers_one_takes_it_out() {
    let workspace = Workspace::new().await;
    harm(&workspace).await;
    limits(&workspace, WatchConfig::default()).await;
    let (one, two) = tokio::join!(watch(&workspace.store), watch(&workspace.store));
    let acted = [one.unwrap(), two.unwrap()].iter().filter(|watched| **watched != Watched::Quiet).count();
    assert!(acted <= 1, "both acted");
    assert_eq!(events(&workspace, "rolled_back").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_observes_reads_once_what_would_have_happened() {
    let workspace = Workspace::new().await;
    let canary = harm(&workspace).await;
    limits(&workspace, WatchConfig { mode: WatchMode::Observe, ..WatchConfig::default() }).await;
    watch(&workspace.store).await.unwrap();
    watch(&workspace.store).await.unwrap();
    let entries = events(&workspace, "rollback_withheld").await;
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!(entry["detail"]["why"], "it is only observed");
    let viewer = workspace.caller(Role::Viewer).await;
    assert_eq!(viewer.get(&format!("/policy/bundles/{}", canary["id"])).await.expect(200)["state"], "canary");
    assert!(viewer.get("/incidents").await.expect(200)["incidents"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_take_over_somebody_is_called() {
    let workspace = Workspace::new().await;
    let first = workspace.canary(bundle("1.0.0", "deny"), 50).await;
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    let service = workspace.caller(Role::Service).await;
    let requests: Vec<Value> = (0..200).map(|number| question(&format!("subject-{number}"))).collect();
    service.post("/policy/evaluate/batch", json!({"requests": requests})).await.expect(200);
    limits(&workspace, WatchConfig::default()).await;
    watch(&workspace.store).await.unwrap();
    watch(&workspace.store).await.unwrap();
    let viewer = workspace.caller(Role::Viewer).await;
    let incidents = viewer.get("/incidents").await.expect(200);
    let incidents = incidents["incidents"].as_array().unwrap();
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert_eq!((&incidents[0]["severity"], &incidents[0]["bundle_id"]), (&json!("critical"), &first["id"]));
    assert_eq!(events(&workspace, "rollback_withheld").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_out_of_range_are_refused_by_name() {
    let workspace = Workspace::new().await;
    let administrator = workspace.caller(Role::Admin).await;
    let refused = administrator.put("/settings", None, json!({"watch": {"max_deny_rate": 1.5}})).await;
    let problem = refused.problem(422, "invalid_field");
    assert!(problem.to_string().contains("/watch/max_deny_rate"), "{problem}");
    administrator.put("/settings", None, json!({"watch": {"mode": "off"}})).await.problem(422, "invalid_field");
}

/// The names of our metrics in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let word = |byte: char| byte.is_ascii_alphanumeric() || byte == '_';
    text.split(|byte| !word(byte)).filter(|name| name.starts_with("policy_")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_and_dashboard_ask_for_metrics_that_there_are() {
    let workspace = Workspace::new().await;
    harm(&workspace).await;
    let told = workspace.caller(Role::Viewer).await.get("/metrics").await;
    assert_eq!(told.status, 200, "{}", told.text);
    assert!(
        told.headers["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"),
        "{:?}",
        told.headers
    );
    let value = |line: &str| {
        let found = told.text.lines().find_map(|told| told.strip_prefix(line)?.trim().parse::<f64>().ok());
        found.unwrap_or_else(|| panic!("no {line} in {}", told.text))
    };
    let canary = value(r#"policy_decisions_total{arm="canary",effect="deny",status="matched"}"#);
    let stable = value(r#"policy_decisions_total{arm="stable",effect="allow",status="matched"}"#);
    assert!(canary > 50.0 && stable > 50.0, "{}", told.text);
    assert!(value("policy_decision_duration_seconds_count") >= 1.0);
    assert_eq!((value("policy_canary_pct"), value("policy_paused")), (50.0, 0.0));
    assert_eq!(value(r#"policy_canary_gate_passed{gate="sample_size"}"#), 1.0);
    assert!(value("policy_cost_24h") > 0.0);
    for file in ["alerts.yml", "dashboard.json"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../monitoring").join(file);
        let text = std::fs::read_to_string(path).unwrap();
        let asked = names(&text);
        assert!(asked.len() >= 4, "{asked:?}");
        let missing: Vec<_> = asked.difference(&names(&told.text)).copied().collect();
        assert!(missing.is_empty(), "{file} asks for {missing:?}");
    }
}
