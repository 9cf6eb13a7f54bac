//! The example workspace on a real database.

use lifecycle::{
    authority::{Actor, Role},
    bundle::State,
    problem::{Code, Problem},
    review::{GuardrailVerdict, PacketStatus, content::InvariantVerdict},
};
use store::{bundles, decisions, demo, incidents, packets, people, rollout, tokens};

use crate::fixtures::actor;

fn viewer() -> Actor {
    Actor { name: demo::email(Role::Viewer), ..actor(Role::Viewer) }
}

#[tokio::test]
async fn the_example_is_loaded_once_and_its_credentials_work() {
    let store = store::testing::store_without_people().await;
    let credentials = demo::load(&store, false).await.unwrap().unwrap().0;

    assert_eq!(credentials.len(), Role::ALL.len());
    for credential in &credentials {
        assert!(tokens::authenticate(&store, &credential.token).await.unwrap().is_some());
        let (Some(email), Some(password)) = (&credential.email, &credential.password) else {
            assert!(credential.roles.contains(&Role::Service));
            continue;
        };
        let person = people::sign_in(&store, email, password, "127.0.0.1").await.unwrap().unwrap();
        assert_eq!(person.person.roles, credential.roles);
    }

    let summaries = bundles::summaries(&store, &viewer(), &bundles::Filter::default()).await.unwrap();
    let states: Vec<_> = summaries.items.iter().map(|bundle| (bundle.version.as_str(), bundle.state)).collect();
    let wanted =
        [("2.5.0", State::Draft), ("2.4.0", State::InReview), ("2.3.0", State::Active), ("2.2.0", State::Superseded)];
    assert_eq!(states, wanted);
    let queue = packets::list(&store, &viewer(), &packets::Filter::default()).await.unwrap();
    let packet = packets::get(&store, &viewer(), &queue.items[0].packet_id).await.unwrap();
    assert_eq!(packet.status, PacketStatus::InReview);
    assert_eq!(packet.built_by, demo::email(Role::Author));
    assert!(packet.content.replay.total_flips > 0);
    assert_eq!(packet.content.newly_allowed, 0);
    let content = &packet.content;
    assert!(content.blockers(&[]).is_empty(), "{:?}", content.blockers(&[]));
    assert!(content.guardrails.iter().all(|guardrail| guardrail.verdict == GuardrailVerdict::Pass));
    assert_eq!(content.invariants[0].verdict, InvariantVerdict::Holds);
    assert!(content.blast_radius.as_ref().is_some_and(|reach| reach.subjects > 0 && reach.decisions > 0));
    let incident = incidents::list(&store, &viewer(), &incidents::Filter::default()).await.unwrap();
    assert_eq!(incident.items[0].timeline.len(), 5);
    let page = decisions::list(&store, &viewer(), &decisions::Filter::default()).await.unwrap();
    assert!(page.next_cursor.is_some());
    let history = rollout::history(&store, &viewer(), 10).await.unwrap();
    assert_eq!(history.applies.len(), 6);
    assert!(history.applies.iter().all(|record| record.verifies()));

    assert!(demo::load(&store, true).await.unwrap().is_none());
    // When the file is lost there are new credentials; the old ones stop working, and nothing is loaded twice.
    let renewed = demo::load(&store, false).await.unwrap().unwrap().0;
    assert!(tokens::authenticate(&store, &credentials[0].token).await.unwrap().is_none());
    assert!(tokens::authenticate(&store, &renewed[0].token).await.unwrap().is_some());
    let count: i64 = sqlx::query_scalar("select count(*) from policy_decisions").fetch_one(store.pool()).await.unwrap();
    assert_eq!(count, 20_000);
    let summaries = bundles::summaries(&store, &viewer(), &bundles::Filter::default()).await.unwrap();
    assert_eq!(summaries.items.len(), 4);
}

#[tokio::test]
async fn two_servers_may_load_the_example_at_the_same_time() {
    let store = store::testing::store_without_people().await;
    let (one, two) = tokio::join!(demo::load(&store, true), demo::load(&store, true));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one.is_some() != two.is_some());
}

#[tokio::test]
async fn the_example_is_not_added_to_a_workspace_with_people_of_its_own() {
    // Its people have no passwords; the example's would.
    let store = store::testing::store().await;
    let refused = Problem::from(demo::load(&store, false).await.err().unwrap());
    assert_eq!(refused.code, Code::Conflict);
    assert!(refused.detail.contains("without --demo"), "{refused}");
    for table in ["api_tokens", "policy_bundles", "policy_decisions"] {
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        let count: i64 = sqlx::query_scalar(sql).fetch_one(store.pool()).await.unwrap();
        assert_eq!(count, 0, "{table}");
    }
    assert!(people::by_email(&store, &demo::email(Role::Admin)).await.unwrap().is_none());
    assert!(demo::refuse_people(&store).await.is_ok(), "a workspace of its own is served");
}

#[tokio::test]
async fn a_server_without_the_example_refuses_its_people() {
    let store = store::testing::store_without_people().await;
    assert!(demo::refuse_people(&store).await.is_ok());
    demo::load(&store, false).await.unwrap();
    // Whoever works with the example may add people, and it is still the example.
    store::testing::admit(&store, &actor(Role::Author)).await;
    assert!(demo::load(&store, true).await.unwrap().is_none());
    let refused = Problem::from(demo::refuse_people(&store).await.unwrap_err());
    assert!(refused.detail.contains(&demo::email(Role::Admin)), "{refused}");
    assert!(refused.detail.contains("--demo") && refused.detail.contains("user disable"), "{refused}");
}
