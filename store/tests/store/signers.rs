//! Whose signature counts: roles are asked again, authors stay authors.

use lifecycle::{
    authority::{Actor, Role},
    problem::{Code, Problem},
    review::{Packet, PacketStatus, Verdict},
    transfer::Upload,
};
use serde_json::json;
use store::{Store, bundles, drills, packets, people, rollout, system, testing};

use crate::fixtures::*;

/// A packet in review that needs two people, one of them a safety owner.
async fn high_risk(store: &Store) -> Packet {
    let draft = bundles::create(store, &author(), source(None, 90)).await.unwrap();
    let packet = submit(store, draft.id).await;
    assert_eq!(packet.content.required_approvals, 2);
    packet
}

async fn approve(store: &Store, who: &Actor, packet: &Packet) -> Packet {
    packets::act(store, who, &packet.packet_id, Verdict::Approve, None).await.unwrap()
}

async fn set_role(store: &Store, who: &Actor, role: Role) {
    people::set_roles(store, &admin(), &who.name, [role].into()).await.unwrap();
}

#[tokio::test]
async fn a_first_signature_is_worth_nothing_once_its_signer_lost_the_role() {
    let store = testing::store().await;
    let packet = high_risk(&store).await;
    approve(&store, &safety(), &packet).await;
    set_role(&store, &safety(), Role::Viewer).await;
    let second = approve(&store, &approver(), &packet).await;
    assert_eq!((second.status, second.approved_by.as_slice()), (PacketStatus::InReview, &[approver().name][..]));
    assert_eq!(second.lapsed, [safety().name]);
    assert!(second.missing.iter().any(|missing| missing.contains("does not count")), "{:?}", second.missing);
    let why = second.nobody_can_complete.unwrap();
    assert!(why.contains("no safety owner is left"), "{why}");
    // Another safety owner completes it.
    let sue = Actor { name: "sue@example.com".into(), ..safety() };
    testing::admit(&store, &sue).await;
    assert_eq!(approve(&store, &sue, &packet).await.status, PacketStatus::Approved);
}

#[tokio::test]
async fn signatures_are_asked_again_when_a_bundle_is_applied() {
    let store = testing::store().await;
    let packet = high_risk(&store).await;
    for reviewer in [approver(), safety()] {
        approve(&store, &reviewer, &packet).await;
    }
    let who = owner();
    let apply = || rollout::apply(&store, &who, packet.bundle_id, &packet.packet_id, None);
    set_role(&store, &safety(), Role::Viewer).await;
    let refused = Problem::from(apply().await.unwrap_err());
    assert_eq!(refused.code, Code::StaleApproval);
    assert!(refused.detail.contains("safety_owner@example.com"), "{}", refused.detail);
    let shown = packets::get(&store, &author(), &packet.packet_id).await.unwrap();
    assert_eq!((shown.status, shown.lapsed.as_slice()), (PacketStatus::Approved, &[safety().name][..]));
    assert!(!shown.missing.is_empty());
    // A person who was disabled signs nothing either, whatever their roles.
    set_role(&store, &safety(), Role::SafetyOwner).await;
    people::set_enabled(&store, &admin(), &approver().name, false).await.unwrap();
    assert_eq!(code(apply().await.unwrap_err()), Code::StaleApproval);
    people::set_enabled(&store, &admin(), &approver().name, true).await.unwrap();
    apply().await.unwrap();
}

#[tokio::test]
async fn a_rehearsal_of_what_was_applied_needs_nobody_to_have_stayed() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    canary(&store, None, 80).await;
    set_role(&store, &approver(), Role::Viewer).await;
    let report = drills::run(&store, &owner()).await.unwrap();
    assert!(report.safety_passed, "{:?}", report.failures);
}

#[tokio::test]
async fn a_pause_is_released_by_people_who_hold_their_roles() {
    let store = testing::store().await;
    let order = system::Engage { reason: "margins fall".into(), ticket: None, trigger_metrics: Vec::new() };
    system::pause(&store, &owner(), order).await.unwrap();
    system::sign_release(&store, &safety(), "put right").await.unwrap();
    set_role(&store, &safety(), Role::Viewer).await;
    let shown = system::get(&store, &author()).await.unwrap().pause.unwrap();
    assert!(shown.release_signatures.is_empty(), "{shown:?}");
    let after = system::sign_release(&store, &owner(), "put right").await.unwrap();
    assert!(after.system.paused, "{}", after.message);
    assert!(after.message.contains("Still needed: a safety owner"), "{}", after.message);
    let sue = Actor { name: "sue@example.com".into(), ..safety() };
    testing::admit(&store, &sue).await;
    assert!(!system::sign_release(&store, &sue, "checked").await.unwrap().system.paused);
}

#[tokio::test]
async fn a_packet_that_waits_for_nobody_says_so() {
    let store = testing::store().await;
    let packet = high_risk(&store).await;
    assert_eq!(packet.nobody_can_complete, None);
    people::set_enabled(&store, &admin(), &safety().name, false).await.unwrap();
    let stuck = packets::get(&store, &author(), &packet.packet_id).await.unwrap();
    let why = stuck.nobody_can_complete.unwrap();
    assert!(why.contains("no safety owner is left"), "{why}");
}

#[tokio::test]
async fn the_author_of_a_rolled_back_bundle_is_an_author_of_its_clone() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    let bad = canary(&store, None, 80).await;
    rollout::roll_back(&store, &owner(), bad.id, rollback("Emergency", false)).await.unwrap();
    let clone = bundles::clone_draft(&store, &owner(), bad.id).await.unwrap();
    let request =
        packets::BuildPacket { bundle_id: clone.id, fallback_plan: "Roll back.".into(), ..Default::default() };
    let packet = packets::build(&store, &owner(), request).await.unwrap();
    assert_eq!(packet.authors, [owner().name, author().name]);
    let author_as_approver = Actor { name: author().name, ..approver() };
    let refused = packets::act(&store, &author_as_approver, &packet.packet_id, Verdict::Approve, None).await;
    assert_eq!(code(refused.unwrap_err()), Code::Forbidden);
}

/// By hand, as an edit of another draft, or from a file: who makes the same content anew does not free its author.
#[tokio::test]
async fn the_same_content_made_anew_keeps_its_authors() {
    let store = testing::store().await;
    let written = bundles::create(&store, &author(), source(None, 90)).await.unwrap();
    let by_hand = bundles::create(&store, &owner(), source(None, 90)).await.unwrap();
    let edited = bundles::create(&store, &owner(), source(None, 70)).await.unwrap();
    let edited = bundles::update(&store, &owner(), edited.id, edited.revision, source(None, 90)).await.unwrap();
    let cloned = bundles::clone_draft(&store, &owner(), written.id).await.unwrap();
    let mut document = json!(source(Some("7.0.0"), 90));
    document["created_by"] = json!("partner@elsewhere");
    let upload = Upload { document, unsigned: true, import_as_version: None };
    let imported = bundles::import(&store, &owner(), upload).await.unwrap().bundle;
    for (how, id) in [("made", by_hand.id), ("edited", edited.id), ("cloned", cloned.id), ("imported", imported.id)] {
        let authors: Vec<String> = sqlx::query_scalar("select unnest(authors) from policy_bundles where id = $1")
            .bind(id)
            .fetch_all(store.pool())
            .await
            .unwrap();
        assert!(authors.contains(&author().name) && authors.contains(&owner().name), "{how}: {authors:?}");
    }
    // The original, too: the author of the same content is no reviewer of it.
    let packet = submit(&store, written.id).await;
    assert!(packet.authors.contains(&owner().name), "{:?}", packet.authors);
    // What was reviewed and served belongs to everybody.
    let store = testing::store().await;
    stable(&store, Some("1.0.0"), 90).await;
    let next = bundles::create(&store, &owner(), source(Some("1.0.1"), 90)).await.unwrap();
    let authors: Vec<String> = sqlx::query_scalar("select unnest(authors) from policy_bundles where id = $1")
        .bind(next.id)
        .fetch_all(store.pool())
        .await
        .unwrap();
    assert_eq!(authors, [owner().name]);
}

/// The transaction of an action may begin a moment before the packet is built anew. Its record would make the packet
/// unusable, because actions older than their packet do not count.
#[tokio::test]
async fn an_action_from_before_a_resubmission_is_refused_and_leaves_nothing() {
    let store = testing::store().await;
    let packet = high_risk(&store).await;
    tamper(&store, "update policy_packets set built_at = clock_timestamp() + interval '2 seconds'").await;
    for verdict in [Verdict::Approve, Verdict::Reject] {
        let early = packets::act(&store, &approver(), &packet.packet_id, verdict, Some("In time".into())).await;
        assert_eq!(code(early.unwrap_err()), Code::Conflict);
    }
    tamper(&store, "update policy_packets set built_at = built_at - interval '4 seconds'").await;
    let after = approve(&store, &approver(), &packet).await;
    assert_eq!((after.actions.len(), after.altered.len()), (1, 0));
}
