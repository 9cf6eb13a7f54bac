//! Packets: building them, acting on them, and what makes an approval void or stale.

use lifecycle::{
    bundle::State,
    problem::{Code, Problem},
    review::{PacketStatus, ScenarioVerdict, Verdict, content::InvariantVerdict},
    transfer::Upload,
};
use policy::bundle::{Invariant, Source};
use serde_json::json;
use store::{bundles, packets, rollout, settings, testing};

use crate::fixtures::*;

fn plan(bundle_id: i64) -> packets::BuildPacket {
    packets::BuildPacket { bundle_id, fallback_plan: "Roll back to stable.".into(), ..Default::default() }
}

#[tokio::test]
async fn a_packet_needs_a_plan_a_clean_draft_and_the_right_version() {
    let store = testing::store().await;
    let draft = bundles::create(&store, &author(), source(None, 90)).await.unwrap();
    let blank = packets::BuildPacket { fallback_plan: "  \n".into(), ..plan(draft.id) };
    let problem = Problem::from(packets::build(&store, &author(), blank).await.unwrap_err());
    assert_eq!((problem.code, problem.errors[0].pointer.as_str()), (Code::InvalidField, "/fallback_plan"));

    let wrong = Source::read(json!([{"id": "no-reason", "agent": "*", "action": "*", "effect": "allow"}])).unwrap();
    let wrong = bundles::create(&store, &author(), wrong).await.unwrap();
    let problem = Problem::from(packets::build(&store, &author(), plan(wrong.id)).await.unwrap_err());
    assert_eq!((problem.code, problem.status), (Code::LintErrors, 422));
    assert!(!problem.extra["lint_errors"].as_array().unwrap().is_empty());

    stable(&store, Some("2.0.0"), 50).await;
    for version in ["2.0.0-x y", "1.0.0-rc.1", "2.3.0", "4.0.0"] {
        let draft = bundles::create(&store, &author(), source(Some(version), 40)).await.unwrap();
        let problem = Problem::from(packets::build(&store, &author(), plan(draft.id)).await.unwrap_err());
        assert_eq!((problem.code, problem.errors[0].pointer.as_str()), (Code::InvalidField, "/version"), "{version}");
    }
    let taken = bundles::create(&store, &author(), source(Some("2.0.0"), 40)).await.unwrap_err();
    assert_eq!(code(taken), Code::VersionExists);
}

#[tokio::test]
async fn a_proposed_version_follows_the_content() {
    let store = testing::store().await;
    let first = stable(&store, Some("2.0.0"), 90).await;
    let draft = bundles::clone_draft(&store, &author(), first.id).await.unwrap();
    assert_eq!(draft.version, "2.0.1");
    let mut more = source(Some("2.0.1"), 90);
    let rule = json!({"id": "deny-archive", "agent": "inbox.triage", "action": "archive", "effect": "deny",
        "reason": "Nothing is archived by software"});
    more.rules.push(rule.as_object().unwrap().clone());
    let saved = bundles::update(&store, &author(), draft.id, draft.revision, more).await.unwrap();
    assert_eq!(saved.version, "2.1.0");
    let chosen = bundles::update(&store, &author(), draft.id, saved.revision, source(Some("3.0.0"), 90)).await.unwrap();
    assert_eq!(chosen.version, "3.0.0");
    let saved = bundles::update(&store, &author(), draft.id, chosen.revision, source(None, 90)).await.unwrap();
    assert_eq!(saved.version, "3.0.0");
}

#[tokio::test]
async fn the_same_draft_gives_the_same_packet_again() {
    let store = testing::store().await;
    let draft = bundles::create(&store, &author(), source(None, 90)).await.unwrap();
    let first = submit(&store, draft.id).await;
    assert_eq!(first.content.replay.corpus_source, "fixtures");
    let twice = packets::build(&store, &author(), plan(draft.id)).await.unwrap_err();
    assert_eq!(code(twice), Code::InvalidTransition);
    let back = bundles::withdraw(&store, &author(), draft.id).await.unwrap();
    assert_eq!(back.state, State::Draft);
    assert_eq!(packets::get(&store, &author(), &first.packet_id).await.unwrap().status, PacketStatus::Void);
    let resubmitted = submit(&store, draft.id).await;
    assert_eq!(resubmitted.packet_id, first.packet_id);
    assert_eq!(resubmitted.replay_checksum, first.replay_checksum);
    assert_eq!((resubmitted.status, resubmitted.actions.len()), (PacketStatus::InReview, 0));
    let verified = packets::verify(&store, &author(), &resubmitted.packet_id).await.unwrap();
    assert!(verified.passed, "{:?}", verified.problems);
}

#[tokio::test]
async fn reviewers_need_a_reason_to_refuse_and_one_action_is_one_action() {
    let store = testing::store().await;
    let draft = bundles::create(&store, &author(), source(None, 90)).await.unwrap();
    let packet = submit(&store, draft.id).await;
    let id = packet.packet_id.as_str();
    for verdict in [Verdict::Reject, Verdict::RequestChanges] {
        let error = packets::act(&store, &approver(), id, verdict, Some("  ".into())).await.unwrap_err();
        assert_eq!(code(error), Code::InvalidField);
    }
    let reason = Some("The threshold is too low".to_owned());
    let sent_back = packets::act(&store, &approver(), id, Verdict::RequestChanges, reason.clone()).await.unwrap();
    assert_eq!(sent_back.status, PacketStatus::ChangesRequested);
    let repeated = packets::act(&store, &approver(), id, Verdict::RequestChanges, reason).await.unwrap();
    assert_eq!(repeated.actions, sent_back.actions);
    let late = packets::act(&store, &safety(), id, Verdict::Approve, None).await.unwrap_err();
    assert_eq!(code(late), Code::InvalidTransition);
    let bundle = bundles::get(&store, &author(), draft.id).await.unwrap();
    assert_eq!(bundle.state, State::ChangesRequested);
    let saved = bundles::update(&store, &author(), draft.id, bundle.revision, source(None, 95)).await.unwrap();
    assert_eq!(saved.state, State::ChangesRequested);
    let next = submit(&store, draft.id).await;
    let rejected =
        packets::act(&store, &approver(), &next.packet_id, Verdict::Reject, Some("No.".into())).await.unwrap();
    assert_eq!(rejected.status, PacketStatus::Rejected);
    let closed = bundles::get(&store, &author(), draft.id).await.unwrap();
    assert_eq!(closed.state, State::Rejected);
    let error = bundles::update(&store, &author(), draft.id, closed.revision, source(None, 1)).await.unwrap_err();
    assert_eq!(code(error), Code::InvalidTransition);
}

#[tokio::test]
async fn authors_cannot_approve_their_own_content_through_a_copy() {
    let store = testing::store().await;
    let draft = bundles::create(&store, &author(), source(None, 90)).await.unwrap();
    let mut copier = owner();
    let copy = bundles::clone_draft(&store, &copier, draft.id).await.unwrap();
    let packet = packets::build(&store, &copier, plan(copy.id)).await.unwrap();
    let mut first_author = approver();
    first_author.name = author().name;
    let error = packets::act(&store, &first_author, &packet.packet_id, Verdict::Approve, None).await.unwrap_err();
    assert_eq!(code(error), Code::Forbidden);
    copier.name = "Runtime_Owner@example.com".into();
    let error = packets::act(&store, &copier, &packet.packet_id, Verdict::Approve, None).await.unwrap_err();
    assert_eq!(code(error), Code::Forbidden, "another spelling is the same person");

    // An approved bundle may be built upon, and its author may then approve the change.
    let (approved, _) = approved(&store, None, 70).await;
    let next = bundles::clone_draft(&store, &owner(), approved.id).await.unwrap();
    let packet = packets::build(&store, &owner(), plan(next.id)).await.unwrap();
    assert_eq!(packet.authors, [owner().name]);
}

#[tokio::test]
async fn authors_cannot_approve_their_own_content_through_a_file() {
    let store = testing::store().await;
    let draft = bundles::create(&store, &author(), source(None, 90)).await.unwrap();
    let export = bundles::export(&store, &owner(), draft.id, 24).await.unwrap();
    let mut first_author = approver();
    first_author.name = author().name;
    let signed = json!(export);
    let bare = json!({"rules": draft.rules});
    for (document, unsigned, version) in [(signed, false, "1.0.1"), (bare, true, "1.0.2")] {
        let upload = Upload { document, import_as_version: Some(version.into()), unsigned };
        let imported = bundles::import(&store, &owner(), upload).await.unwrap();
        let packet = packets::build(&store, &owner(), plan(imported.bundle.id)).await.unwrap();
        let error = packets::act(&store, &first_author, &packet.packet_id, Verdict::Approve, None).await.unwrap_err();
        assert_eq!(code(error), Code::Forbidden, "{version}");
        bundles::withdraw(&store, &owner(), imported.bundle.id).await.unwrap();
    }
    // On another instance the file names its author.
    let elsewhere = testing::store().await;
    let upload = Upload { document: json!(export), import_as_version: None, unsigned: false };
    let imported = bundles::import(&elsewhere, &owner(), upload).await.unwrap();
    let packet = packets::build(&elsewhere, &owner(), plan(imported.bundle.id)).await.unwrap();
    assert_eq!(packet.authors, [owner().name, author().name]);
    let error = packets::act(&elsewhere, &first_author, &packet.packet_id, Verdict::Approve, None).await.unwrap_err();
    assert_eq!(code(error), Code::Forbidden);
}

#[tokio::test]
async fn an_edit_voids_the_approved_packet() {
    let store = testing::store().await;
    let (bundle, packet) = approved(&store, None, 90).await;
    assert_eq!(bundle.state, State::Approved);
    let edited = bundles::update(&store, &author(), bundle.id, bundle.revision, source(None, 91)).await.unwrap();
    assert_eq!(edited.state, State::Draft);
    let error = rollout::apply(&store, &owner(), bundle.id, &packet.packet_id, None).await.unwrap_err();
    assert_eq!(code(error), Code::InvalidTransition);
    assert_eq!(
        events(&store, 2).await,
        [format!("draft_edited {0}", bundle.version), format!("packet_voided {0}", bundle.version)]
    );
}

#[tokio::test]
async fn approvals_go_stale_and_have_to_verify() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    let (late, late_packet) = approved(&store, None, 70).await;
    let (old, old_packet) = approved(&store, None, 80).await;
    // Another bundle becomes stable meanwhile.
    let other = canary(&store, None, 60).await;
    for target in [50, 100] {
        serve(&store, other.id, 5).await;
        rollout::promote(&store, &owner(), other.id, target).await.unwrap();
    }
    let error = rollout::apply(&store, &owner(), late.id, &late_packet.packet_id, None).await.unwrap_err();
    assert_eq!(code(error), Code::StaleApproval);
    assert!(packets::get(&store, &author(), &late_packet.packet_id).await.unwrap().stale);
    assert_eq!(events(&store, 1).await, [format!("stale_approval_detected {}", late.version)]);

    bundles::withdraw(&store, &author(), old.id).await.unwrap();
    let error = rollout::apply(&store, &owner(), old.id, &old_packet.packet_id, None).await.unwrap_err();
    assert_eq!(code(error), Code::InvalidTransition);

    let (fresh, packet) = approved(&store, None, 55).await;
    let set = |sql: &'static str| sqlx::raw_sql(sql).execute(store.pool());
    // An attacker with every right in the database might switch the trigger off and change a record.
    set("alter table policy_packet_actions disable trigger append_only; \
         update policy_packet_actions set expires_at = now() + interval '1 year' \
         where id = (select max(id) from policy_packet_actions)")
    .await
    .unwrap();
    let error = Problem::from(rollout::apply(&store, &owner(), fresh.id, &packet.packet_id, None).await.unwrap_err());
    assert_eq!(error.code, Code::Conflict);
    assert!(error.detail.contains("signature"), "{}", error.detail);
}

/// A bundle whose guardrail rule denies mail of at least this risk.
fn guarded(threshold: i64) -> Source {
    let mut guarded = source(None, 40);
    let guard = json!({"id": "never-by-software", "agent": "inbox.triage", "action": "quarantine", "effect": "deny",
        "conditions": {">=risk_score": threshold}, "reason": "The riskiest is put aside by people", "priority": 500,
        "tags": ["guardrail"]});
    guarded.rules.push(guard.as_object().unwrap().clone());
    // Everything that the guardrail does not deny is allowed.
    guarded.rules.retain(|rule| rule["id"] != "hold-risky");
    guarded
}

#[tokio::test]
async fn a_bundle_that_bypasses_a_guardrail_cannot_be_approved() {
    let store = testing::store().await;
    fast_gates(&store).await;
    let first = bundles::create(&store, &author(), guarded(90)).await.unwrap();
    let packet = submit(&store, first.id).await;
    assert!(packet.content.blockers(&[]).is_empty(), "{:?}", packet.content.blockers(&[]));
    for reviewer in [approver(), safety()] {
        packets::act(&store, &reviewer, &packet.packet_id, Verdict::Approve, None).await.unwrap();
    }
    rollout::apply(&store, &owner(), first.id, &packet.packet_id, None).await.unwrap();
    for target in [50, 100] {
        serve(&store, first.id, 5).await;
        rollout::promote(&store, &owner(), first.id, target).await.unwrap();
    }

    let weaker = bundles::create(&store, &author(), guarded(95)).await.unwrap();
    let packet = submit(&store, weaker.id).await;
    let scenario = &packet.content.red_team[0];
    assert_eq!(scenario.verdict, ScenarioVerdict::Blocked);
    assert_eq!(scenario.witnesses[0].protected_by, "never-by-software");
    assert!(packet.content.risk_score_bps >= 5000);
    let error = packets::act(&store, &safety(), &packet.packet_id, Verdict::Approve, None).await.unwrap_err();
    let problem = Problem::from(error);
    assert_eq!((problem.code, problem.status), (Code::PacketBlocked, 409));
    assert!(problem.extra["blockers"][0].as_str().unwrap().contains("never-by-software"), "{problem:?}");
    let back = Some("This lets more through than we agreed".to_owned());
    let back = packets::act(&store, &safety(), &packet.packet_id, Verdict::RequestChanges, back).await.unwrap();
    assert_eq!(back.status, PacketStatus::ChangesRequested);
}

#[tokio::test]
async fn invariants_are_stored_proven_and_enforced() {
    let store = testing::store().await;
    let invariant = |value| serde_json::from_value::<Invariant>(value).unwrap();
    let wrong = invariant(json!({"id": "keep-low", "agent": "inbox.triage", "action": "quarantine", "never": "allow",
        "when": {"risk_score<": 20}}));
    let problem = Problem::from(settings::set_invariants(&store, &admin(), vec![wrong]).await.unwrap_err());
    assert_eq!(problem.errors[0].pointer, "/invariants/0/when/risk_score<");
    let strict = invariant(json!({"id": "keep-low", "agent": "inbox.triage", "action": "quarantine", "never": "allow",
        "when": {">=risk_score": 60}}));
    settings::set_invariants(&store, &admin(), vec![strict.clone()]).await.unwrap();
    // Replacing the other settings keeps the invariants.
    settings::update(&store, &admin(), settings::Settings::default()).await.unwrap();
    assert_eq!(settings::invariants(&store, &author()).await.unwrap(), [strict]);

    let loose = bundles::create(&store, &author(), source(None, 80)).await.unwrap();
    let problem = Problem::from(packets::build(&store, &author(), plan(loose.id)).await.unwrap_err());
    assert_eq!(problem.code, Code::LintErrors);
    let error = &problem.extra["lint_errors"][0];
    assert_eq!((error["code"].as_str(), error["rule_id"].as_str()), (Some("invariant"), Some("allow-rest")));
    assert!(error["witness"]["context"]["risk_score"].as_f64().unwrap() >= 60.0);
    let tight = bundles::create(&store, &author(), source(None, 60)).await.unwrap();
    let packet = submit(&store, tight.id).await;
    assert_eq!(packet.content.invariants[0].verdict, InvariantVerdict::Holds);

    // An invariant that is added after the approval counts when the bundle is applied.
    for reviewer in [approver(), safety()] {
        packets::act(&store, &reviewer, &packet.packet_id, Verdict::Approve, None).await.unwrap();
    }
    let stricter = invariant(json!({"id": "keep-all", "agent": "inbox.triage", "action": "*", "never": "allow"}));
    settings::set_invariants(&store, &admin(), vec![stricter]).await.unwrap();
    let error = Problem::from(rollout::apply(&store, &owner(), tight.id, &packet.packet_id, None).await.unwrap_err());
    assert_eq!(error.code, Code::Conflict);
    assert!(error.detail.contains("keep-all"), "{}", error.detail);
}

#[tokio::test]
async fn a_packet_can_be_replayed_from_its_evidence() {
    let store = testing::store().await;
    let draft = bundles::create(&store, &author(), source(None, 90)).await.unwrap();
    let packet = submit(&store, draft.id).await;
    let evidence = packets::evidence(&store, &author(), &packet.packet_id).await.unwrap();
    let replayed = evidence.verify();
    assert!(replayed.passed, "{:?}", replayed.problems);
    assert_eq!(replayed.replay_checksum, packet.replay_checksum);
}

#[tokio::test]
async fn a_pause_refuses_approvals_and_applies_and_nothing_else() {
    let store = testing::store().await;
    let first = stable(&store, None, 90).await;
    let (bundle, packet) = approved(&store, None, 80).await;
    let draft = bundles::create(&store, &author(), source(None, 70)).await.unwrap();
    let waiting = submit(&store, draft.id).await;
    sqlx::query(
        "update system_state set pause = '{\"reason\": \"margins fall\", \"ticket\": null, \"by\": \"sue\", \
         \"since\": \"2026-11-22T10:00:00Z\", \"release_signatures\": []}'",
    )
    .execute(store.pool())
    .await
    .unwrap();
    let problem =
        Problem::from(rollout::apply(&store, &owner(), bundle.id, &packet.packet_id, None).await.unwrap_err());
    assert_eq!((problem.code, problem.extra["by"].as_str()), (Code::Paused, Some("sue")));
    let error = packets::act(&store, &approver(), &waiting.packet_id, Verdict::Approve, None).await.unwrap_err();
    assert_eq!(code(error), Code::Paused);
    let no = Some("Not during a pause".to_owned());
    packets::act(&store, &approver(), &waiting.packet_id, Verdict::Reject, no).await.unwrap();
    let back = rollback("nothing to go back to", false);
    let error = rollout::roll_back(&store, &owner(), first.id, back).await.unwrap_err();
    assert_eq!(code(error), Code::NoPreviousVersion);
}
