//! The main path, end to end: draft, review, rollout, rollback, and the audit record of it.

use crate::fixtures::*;
use lifecycle::{
    authority::Role,
    bundle::State,
    incident::Step,
    problem::{Code, Problem},
    review::{PacketStatus, Verdict},
    signing,
};
use store::{audit, bundles, decisions, home, incidents, packets, rollout, system, testing};

#[tokio::test]
async fn a_policy_goes_from_draft_to_full_traffic_and_back() {
    let store = testing::store().await;
    let first = stable(&store, None, 90).await;
    assert_eq!((first.version.as_str(), first.state, first.canary_pct), ("1.0.0", State::Active, 100));

    let draft = bundles::clone_draft(&store, &author(), first.id).await.unwrap();
    assert_eq!((draft.version.as_str(), draft.base_version.as_deref()), ("1.0.1", Some("1.0.0")));
    let draft = bundles::update(&store, &author(), draft.id, draft.revision, source(None, 85)).await.unwrap();
    assert_eq!(draft.version, "1.0.1");
    let packet = submit(&store, draft.id).await;
    assert_eq!(packet.status, PacketStatus::InReview);
    assert_eq!(packet.content.base.as_ref().unwrap().version, "1.0.0");
    assert_eq!(packet.content.replay.corpus_source, "recorded");
    assert_eq!(home::badges(&store, &approver()).await.unwrap().reviews, 1);
    assert_eq!(home::badges(&store, &author()).await.unwrap().reviews, 0);

    let mut own = approver();
    own.name = author().name;
    let refused =
        Problem::from(packets::act(&store, &own, &packet.packet_id, Verdict::Approve, None).await.unwrap_err());
    assert_eq!((refused.code, refused.status), (Code::Forbidden, 403));

    packets::act(&store, &approver(), &packet.packet_id, Verdict::Approve, None).await.unwrap();
    let packet = packets::act(&store, &safety(), &packet.packet_id, Verdict::Approve, None).await.unwrap();
    assert_eq!(packet.status, PacketStatus::Approved);
    for action in &packet.actions {
        assert_eq!(signing::verify(store.keys(), action), Ok(()));
    }
    assert!(packets::verify(&store, &author(), &packet.packet_id).await.unwrap().passed);

    let applied = rollout::apply(&store, &owner(), draft.id, &packet.packet_id, None).await.unwrap();
    assert_eq!((applied.state, applied.active, applied.canary_pct), (State::Canary, true, 10));
    let repeated = rollout::apply(&store, &owner(), draft.id, &packet.packet_id, None).await.unwrap_err();
    assert_eq!(code(repeated), Code::InvalidTransition);
    let live = system::live(&store).await.unwrap();
    assert_eq!((live.stable.unwrap().id, live.canary.unwrap().id), (first.id, draft.id));
    let serving = bundles::Filter { active_only: true, ..Default::default() };
    let serving = bundles::list(&store, &author(), &serving).await.unwrap().items;
    assert_eq!(serving.iter().map(|bundle| bundle.id).collect::<Vec<_>>(), [draft.id, first.id]);

    let mut slow = store::settings::get(&store, &admin()).await.unwrap();
    slow.gates.min_stage_seconds = 3600;
    set(&store, slow).await;
    serve(&store, draft.id, 10).await;
    let early = Problem::from(rollout::promote(&store, &owner(), draft.id, 50).await.unwrap_err());
    assert_eq!(early.code, Code::GateNotPassed);
    let left = early.extra["seconds_remaining"].as_i64().unwrap();
    assert!((3590..=3600).contains(&left), "{left}");
    assert_eq!(early.extra["blocked_by"].as_array().unwrap().len(), 1, "{early:?}");
    let status = rollout::canary_status(&store, &author(), draft.id).await.unwrap();
    assert_eq!((status.canary.decisions, status.stable.decisions, status.compared), (10, 10, 20));
    assert!(status.gates.passed && !status.can_promote, "{status:?}");

    let preview = rollout::preview(&store, &author(), draft.id).await.unwrap();
    assert_eq!((preview.restored_version.as_deref(), preview.decisions_last_hour), (Some("1.0.0"), 10));
    let request = rollout::RollBack {
        rolled_back_by: Some("oncall-engineer".into()),
        ..rollback("Error rate 7.2% exceeds 5%", true)
    };
    let back = rollout::roll_back(&store, &owner(), draft.id, request).await.unwrap();
    assert_eq!((back.id, back.version.as_str(), back.rolled_back_from.as_str()), (first.id, "1.0.0", "1.0.1"));
    assert!(back.active && back.canary_pct == 100 && back.incident_created);
    let live = system::live(&store).await.unwrap();
    assert_eq!((live.stable.unwrap().id, live.canary), (first.id, None));
    let incident = incidents::get(&store, &author(), back.incident_id.as_ref().unwrap()).await.unwrap();
    assert_eq!(incident.rollback_id, Some(back.rollback_id));
    assert_eq!(incident.timeline.len(), 2);
    incidents::advance(&store, &safety(), &incident.id, Step::Acknowledge, None).await.unwrap();

    assert_eq!(
        events(&store, 9).await,
        [
            "draft_edited 1.0.1",
            "packet_built 1.0.1",
            "approved 1.0.1",
            "approved 1.0.1",
            "applied 1.0.1",
            "settings_changed",
            "rolled_back 1.0.1",
            "incident_opened 1.0.1",
            "incident_updated"
        ]
    );
    let history = rollout::history(&store, &author(), 10).await.unwrap();
    assert_eq!(history.applies.len(), 4);
    assert!(history.applies.iter().all(|record| record.verifies()));
    assert!(history.rollbacks.iter().all(|record| record.verifies()));
    let overview = home::overview(&store, &safety()).await.unwrap();
    assert_eq!(overview.minutes.len(), 60);
    assert_eq!(overview.minutes.iter().map(|minute| minute.decisions).sum::<u64>(), overview.mix.allow);
    let metrics = decisions::error_metrics(&store, "5m").await.unwrap();
    assert_eq!(metrics.total, overview.mix.allow);
    audit::list(&store, &actor(Role::Viewer), &audit::Filter::default()).await.unwrap();
}
