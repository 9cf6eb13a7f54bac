//! A canary that does harm is rolled back automatically.

use std::time::{Duration, Instant};

use lifecycle::{
    authority::Role,
    rollout::{WatchConfig, WatchMode},
};
use serde_json::{Value, json};
use store::rollout::{Watched, watch};

use crate::support::{Workspace, admin, bundle, question, set};

/// Much longer than a server takes to notice the harm and to roll back.
const TIMEOUT: Duration = Duration::from_secs(20);

async fn limits(workspace: &Workspace, config: WatchConfig) {
    let mut settings = store::settings::get(&workspace.store, &admin()).await.unwrap();
    settings.watch = config;
    set(&workspace.store, settings).await;
}

/// Sends half of the traffic to a canary that denies what stable allows.
pub async fn harm(workspace: &Workspace) -> Value {
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
        assert!(began.elapsed() < TIMEOUT, "the canary was not rolled back");
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
async fn of_two_servers_one_rolls_the_canary_back() {
    let workspace = Workspace::new().await;
    harm(&workspace).await;
    limits(&workspace, WatchConfig::default()).await;
    let (one, two) = tokio::join!(watch(&workspace.store), watch(&workspace.store));
    let acted = [one.unwrap(), two.unwrap()].iter().filter(|watched| **watched != Watched::Quiet).count();
    assert!(acted <= 1, "both acted");
    assert_eq!(events(&workspace, "rolled_back").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_observe_mode_a_withheld_rollback_is_recorded_once() {
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
async fn without_a_stable_bundle_a_critical_incident_is_opened() {
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
