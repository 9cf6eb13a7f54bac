//! Saved test cases: saved, replaced, removed, each with its audit entry.

use lifecycle::{
    authority::Role,
    problem::{Code, Problem},
};
use policy::{
    bundle::Effect,
    replay::{Case, Dataset, fixtures},
};
use serde_json::json;
use store::{audit, test_cases, testing};

use crate::fixtures::*;

fn case(id: &str, expected_effect: Option<Effect>) -> Case {
    let context = json!({"risk_score": 87}).as_object().unwrap().clone();
    Case { case_id: id.into(), agent: "inbox.triage".into(), action: "quarantine".into(), context, expected_effect }
}

#[tokio::test]
async fn a_test_case_is_saved_replaced_and_removed() {
    let store = testing::store().await;
    let author = actor(Role::Author);
    let built_in = fixtures::cases().len();

    let all = test_cases::save(&store, &author, &[case("at 87", Some(Effect::Allow))], &[]).await.unwrap();
    assert_eq!((all.len(), &all[0]), (built_in + 1, &case("at 87", Some(Effect::Allow))));
    let all = test_cases::save(&store, &author, &[case("at 87", Some(Effect::Deny))], &[]).await.unwrap();
    assert_eq!((all.len(), all[0].expected_effect), (built_in + 1, Some(Effect::Deny)));
    let read = test_cases::cases(&store, &actor(Role::Viewer), Dataset::Fixtures, None, None).await.unwrap();
    assert_eq!(read, all);

    let removed = ["at 87".to_owned(), "never saved".to_owned()];
    let all = test_cases::save(&store, &author, &[], &removed).await.unwrap();
    assert_eq!(all.len(), built_in);
    let entries = audit::list(&store, &author, &audit::Filter::default()).await.unwrap().items;
    let about: Vec<&str> =
        entries.iter().filter(|e| e.subject_type == "test_case").map(|e| e.subject_id.as_str()).collect();
    assert_eq!(about, ["at 87"; 3], "an unknown id leaves no entry");
}

#[tokio::test]
async fn a_batch_with_an_invalid_test_case_is_refused_whole() {
    let store = testing::store().await;
    let author = actor(Role::Author);
    let good = case("good", Some(Effect::Deny));
    for (bad, pointer) in [
        (case("unstated", None), "/save/1/expected_effect"),
        (case("  ", Some(Effect::Deny)), "/save/1/case_id"),
        (Case { agent: "x".repeat(2000), ..case("large", Some(Effect::Deny)) }, "/save/1/context"),
    ] {
        let refused = test_cases::save(&store, &author, &[good.clone(), bad], &[]).await.unwrap_err();
        let problem = Problem::from(refused);
        assert_eq!(problem.code, Code::InvalidField);
        assert!(problem.detail.starts_with(&format!("`{pointer}`")), "{}", problem.detail);
    }
    let all = test_cases::cases(&store, &author, Dataset::Fixtures, None, None).await.unwrap();
    assert_eq!(all, fixtures::cases());
}
