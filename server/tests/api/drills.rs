//! `/policy/drills`

use lifecycle::authority::Role;
use serde_json::{Value, json};

use crate::support::{Workspace, bundle, question};

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_is_run_listed_and_signed_while_decisions_go_on() {
    let workspace = Workspace::new().await;
    let owner = workspace.caller(Role::RuntimeOwner).await;
    owner.post("/policy/drills", Value::Null).await.problem(409, "no_candidate");
    workspace.stable(bundle("1.0.0", "allow")).await;
    let (id, _) = workspace.approved(bundle("1.0.1", "deny")).await;
    let service = workspace.caller(Role::Service).await;
    let before = owner.get("/policy/system").await.expect(200);
    let (report, answers) =
        tokio::join!(async { owner.post("/policy/drills", Value::Null).await.expect(201) }, async {
            let mut answers = Vec::new();
            for number in 0..30 {
                answers.push(service.post("/policy/evaluate", question(&format!("d-{number}"))).await.expect(200));
            }
            answers
        });
    assert_eq!(report["safety_passed"], true, "{report}");
    assert_eq!(report["candidate_id"], id);
    assert_eq!(report["final_policy_version"], "1.0.1");
    assert!(answers.iter().all(|answer| answer["bundle"]["version"] == "1.0.0"));
    assert_eq!(owner.get("/policy/system").await.expect(200), before);
    let listed = workspace.caller(Role::Viewer).await.get("/policy/drills").await.expect(200);
    assert_eq!(listed["drills"], json!([report]));
    let path = format!("/policy/drills/{}", report["id"]);
    assert_eq!(owner.get(&path).await.expect(200), report);
    owner.get("/policy/drills/999").await.problem(404, "not_found");
}
