//! `/policy/audit`

use lifecycle::{
    audit::{Checkpoint, Verifier},
    authority::Role,
    kpi::{self, Event},
};
use serde_json::{Map, Value};

use crate::support::{Workspace, as_owner, bundle};

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_listed_in_order() {
    let workspace = Workspace::new().await;
    let stable = workspace.stable(bundle("1.0.0", "allow")).await;
    let viewer = workspace.caller(Role::Viewer).await;
    let path = format!("/policy/audit?subject_type=bundle&subject_id={}&limit=100", stable["id"]);
    let entries = viewer.get(&path).await.expect(200);
    let mut story: Vec<String> = entries["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["event_type"].as_str().unwrap().to_owned())
        .collect();
    story.reverse();
    assert_eq!(story.first().map(String::as_str), Some("draft_created"));
    for (earlier, later) in [("draft_created", "applied"), ("applied", "promoted")] {
        let place = |name: &str| story.iter().position(|event| event == name);
        assert!(place(earlier) < place(later) && place(earlier).is_some(), "{earlier} before {later}: {story:?}");
    }
    let all = viewer.get("/policy/audit?limit=500").await.expect(200);
    let mut numbers: Vec<i64> =
        all["entries"].as_array().unwrap().iter().map(|entry| entry["seq"].as_i64().unwrap()).collect();
    numbers.reverse();
    assert_eq!(numbers, (1..=i64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>(), "no gaps");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_is_verified_and_exported_with_a_closing_checkpoint() {
    let workspace = Workspace::new().await;
    workspace.stable(bundle("1.0.0", "allow")).await;
    let viewer = workspace.caller(Role::Viewer).await;
    let verdict = viewer.get("/policy/audit/verify").await.expect(200);
    assert_eq!(
        (&verdict["valid"], &verdict["keyed"], &verdict["first_bad"]),
        (&true.into(), &true.into(), &Value::Null)
    );

    let exported = viewer.get("/policy/audit/export").await;
    assert_eq!(exported.status, 200);
    assert_eq!(exported.headers["content-type"], "application/x-ndjson");
    let lines: Vec<Map<String, Value>> =
        exported.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (closing, entries) = lines.split_last().unwrap();
    assert!(
        entries.iter().all(|entry| ["key_id", "prev_hash", "entry_hash"].iter().all(|name| entry[*name].is_string()))
    );
    let checkpoint: Checkpoint = serde_json::from_value(closing["checkpoint"].clone()).unwrap();
    let keys = checkpoint.bind(&store::testing::keys());
    let mut verifier = Verifier::new(Some(&keys), None);
    entries.iter().for_each(|entry| verifier.add(entry));
    verifier.add_checkpoint(checkpoint);
    let offline = verifier.finish();
    assert!(offline.valid, "{offline:?}");
    assert_eq!(offline.entries, u64::try_from(entries.len()).unwrap());

    // The exported file has the same numbers.
    let as_of = closing["exported_at"].as_str().unwrap();
    let online = viewer.get(&format!("/policy/kpis/summary?as_of={as_of}")).await.expect(200);
    let events: Vec<Event> = entries.iter().filter_map(Event::from_audit_entry).collect();
    let computed = kpi::summary(&events, as_of.parse().unwrap());
    assert_eq!(serde_json::from_value::<kpi::Summary>(online.clone()).unwrap(), computed);
    assert_eq!((&online["applied_candidate_count"], &online["rollback_rate_bps"]), (&1.into(), &0.into()));
    let detail = viewer.get("/policy/kpis/projected-vs-realized").await.expect(200);
    assert_eq!(detail["candidates"].as_array().unwrap().len(), 1, "{detail}");
    viewer.get("/policy/kpis/summary?as_of=yesterday").await.problem(422, "invalid_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_by_sql_is_sealed_by_the_server() {
    let workspace = Workspace::new().await;
    workspace.stable(bundle("1.0.0", "allow")).await;
    sqlx::raw_sql("update policy_bundles set active = false, canary_pct = 0")
        .execute(workspace.store.pool())
        .await
        .unwrap();
    let viewer = workspace.caller(Role::Viewer).await;
    let path = "/policy/audit?event_type=manual_failover";
    for _ in 0..30 {
        let entries = viewer.get(path).await.expect(200);
        if entries["entries"][0]["entry_hash"].is_string() {
            assert_eq!(viewer.get("/policy/audit/verify").await.expect(200)["valid"], true);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the entry was not sealed within three seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_entry_is_named() {
    let workspace = Workspace::new().await;
    workspace.stable(bundle("1.0.0", "allow")).await;
    as_owner(
        &workspace.store,
        "begin; set local session_replication_role = replica;
         update policy_lifecycle_audit set actor = 'nobody' where seq = 2; commit;",
    )
    .await;
    let viewer = workspace.caller(Role::Viewer).await;
    let verdict = viewer.get("/policy/audit/verify").await.expect(200);
    assert_eq!(verdict["valid"], false);
    assert_eq!((&verdict["first_bad"]["seq"], &verdict["first_bad"]["flaw"]), (&2.into(), &"edited".into()));
}
