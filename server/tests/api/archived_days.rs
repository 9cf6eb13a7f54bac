//! Archived days of the decision log on the command line: checked without a server, and brought back.

use lifecycle::decision::Record;
use serde_json::json;
use sqlx::ConnectOptions;
use store::decisions;

use crate::{
    command_line::run,
    support::{Workspace, admin},
};

const KEY: [(&str, &str); 2] = [("HMAC_SECRET", store::testing::SECRET), ("HMAC_KEY_ID", "test")];

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_day_is_verified_without_a_server_and_brought_back() {
    let workspace = Workspace::new().await;
    let store = &workspace.store;
    let long_ago: String = sqlx::query_scalar(
        "select to_char(now() at time zone 'UTC' - interval '100 days', 'YYYY-MM-DD\"T12:00:00Z\"')",
    )
    .fetch_one(store.pool())
    .await
    .unwrap();
    let record: Record = serde_json::from_value(json!({
        "decision_id": "long-ago", "decided_at": long_ago, "agent": "inbox.triage", "action": "quarantine",
        "subject": "account-1", "context": {"risk_score": 12}, "effect": "allow", "status": "matched",
        "matched_rule": "allow-rest", "reason": "fine", "budget": null, "bundle": null, "arm": "stable", "mode": "normal",
        "errors": [], "other_arm": null, "outcome": null,
    }))
    .unwrap();
    decisions::append(store, &[record]).await.unwrap();
    let there = async || decisions::get(store, &admin(), "long-ago").await.is_ok();
    // The server's own job may be faster, and meanwhile nothing is closed or archived here.
    let archive = workspace.folder.join("archive");
    while there().await {
        decisions::close_days(store).await.unwrap();
        decisions::archive_days(store, &archive).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let files: Vec<_> = std::fs::read_dir(&archive).unwrap().map(|file| file.unwrap().path()).collect();
    let [file] = &files[..] else { panic!("{files:?}") };

    let file = file.to_str().unwrap();
    let verified = run(&KEY, &["decisions", "verify", file, "--output", "json"], "").with_code(0).json();
    assert_eq!((&verified["manifest"]["decisions"], &verified["manifest"]["outcomes"]), (&json!(1), &json!(0)));
    let other = [("HMAC_SECRET", "another secret that is long enough to sign"), ("HMAC_KEY_ID", "test")];
    run(&other, &["decisions", "verify", file], "").with_code(1);
    run(&KEY, &["decisions", "verify", "/nonexistent"], "").with_code(2);
    let cut = workspace.folder.join("cut.jsonl.gz");
    let whole = std::fs::read(file).unwrap();
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let cut = cut.to_str().unwrap();
    run(&KEY, &["decisions", "verify", cut], "").with_code(1);

    let url = store.pool().connect_options().to_url_lossy().to_string();
    let folder = workspace.folder.to_str().unwrap();
    let with = [KEY[0], KEY[1], ("DATABASE_URL", &url), ("COUNTERSIGN_DATA_DIR", folder)];
    run(&with, &["decisions", "restore", cut], "").with_code(1);
    assert!(!there().await);
    let restored = run(&with, &["decisions", "restore", file], "").with_code(0);
    assert!(restored.out.contains("is in the database again. Decisions: 1, outcomes: 0"), "{restored:?}");
    assert!(there().await);
    let again = run(&with, &["decisions", "restore", file], "").with_code(1);
    assert!(again.err.contains("is in the database"), "{again:?}");
}
