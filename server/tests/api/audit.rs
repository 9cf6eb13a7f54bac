//! `/policy/audit`

use lifecycle::authority::Role;

use crate::support::{Workspace, bundle};

#[tokio::test(flavor = "multi_thread")]
async fn the_record_tells_the_story_in_order() {
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
