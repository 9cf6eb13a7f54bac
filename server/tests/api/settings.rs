//! `/settings`

use lifecycle::authority::Role;
use serde_json::json;

use crate::support::Workspace;

#[tokio::test(flavor = "multi_thread")]
async fn limits_out_of_range_are_refused_by_name() {
    let workspace = Workspace::new().await;
    let administrator = workspace.caller(Role::Admin).await;
    let refused = administrator.put("/settings", None, json!({"watch": {"max_deny_rate": 1.5}})).await;
    let problem = refused.problem(422, "invalid_field");
    assert!(problem.to_string().contains("/watch/max_deny_rate"), "{problem}");
    administrator.put("/settings", None, json!({"watch": {"mode": "off"}})).await.problem(422, "invalid_field");
}
