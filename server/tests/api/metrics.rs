//! `/metrics`

use std::{collections::BTreeSet, path::Path};

use lifecycle::authority::Role;

use crate::{automatic_rollback::harm, support::Workspace};

/// The names of Countersign's metrics in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let word = |byte: char| byte.is_ascii_alphanumeric() || byte == '_';
    text.split(|byte| !word(byte)).filter(|name| name.starts_with("policy_")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_and_dashboard_use_metrics_that_exist() {
    let workspace = Workspace::new().await;
    harm(&workspace).await;
    let reply = workspace.caller(Role::Viewer).await.get("/metrics").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(
        reply.headers["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"),
        "{:?}",
        reply.headers
    );
    let value = |line: &str| {
        let found = reply.text.lines().find_map(|text| text.strip_prefix(line)?.trim().parse::<f64>().ok());
        found.unwrap_or_else(|| panic!("no {line} in {}", reply.text))
    };
    let canary = value(r#"policy_decisions_total{arm="canary",effect="deny",status="matched"}"#);
    let stable = value(r#"policy_decisions_total{arm="stable",effect="allow",status="matched"}"#);
    assert!(canary > 50.0 && stable > 50.0, "{}", reply.text);
    assert!(value("policy_decision_duration_seconds_count") >= 1.0);
    assert_eq!((value("policy_canary_pct"), value("policy_paused")), (50.0, 0.0));
    assert_eq!(value(r#"policy_canary_gate_passed{gate="sample_size"}"#), 1.0);
    for (state, is_in) in [("pass", 1.0), ("hold", 0.0), ("fail", 0.0)] {
        assert_eq!(
            value(&format!(r#"policy_canary_gate_state{{gate="sample_size",state="{state}"}}"#)),
            is_in,
            "{state}"
        );
    }
    assert_eq!((value("policy_database_up"), value("policy_decision_queue")), (1.0, 0.0));
    assert_eq!(value(concat!(r#"policy_build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""}"#)), 1.0);
    assert!(value("policy_cost_24h") > 0.0);
    for file in ["alerts.yml", "dashboard.json"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../monitoring").join(file);
        let text = std::fs::read_to_string(path).unwrap();
        let used = names(&text);
        assert!(used.len() >= 4, "{used:?}");
        let missing: Vec<_> = used.difference(&names(&reply.text)).copied().collect();
        assert!(missing.is_empty(), "{file} uses {missing:?}");
    }
}
