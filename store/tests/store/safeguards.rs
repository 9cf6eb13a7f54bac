//! Nobody weakens a safeguard alone: guards, failed guardrails, settings and invariants.

use lifecycle::{
    authority::{Actor, Role},
    problem::{Code, Problem},
    review::{
        GuardKind, GuardrailVerdict, Packet, PacketStatus, QuorumReason, Retirement, ScenarioVerdict, Verdict,
        guardrails::GuardrailName, red_team::ScenarioName,
    },
    settings::ProposalStatus,
};
use policy::{
    bundle::{Invariant, Source},
    replay::{Outcome, OutcomeStatus},
};
use serde_json::json;
use store::{Store, audit, bundles, decisions, packets, people, rollout, settings, testing};

use crate::fixtures::*;

fn plan(bundle_id: i64) -> packets::BuildPacket {
    packets::BuildPacket { bundle_id, fallback_plan: "Roll back to stable.".into(), ..Default::default() }
}

/// A bundle with a guardrail rule, with or without its mark; what the guard does not deny is allowed.
fn guarded(marked: bool, threshold: i64) -> Source {
    let mut source = source(None, 40);
    source.rules.retain(|rule| rule["id"] != "hold-risky");
    let guard = json!({"id": "never-by-software", "agent": "inbox.triage", "action": "quarantine", "effect": "deny",
        "conditions": {">=risk_score": threshold}, "reason": "The riskiest is put aside by people", "priority": 500,
        "tags": if marked { json!(["guardrail"]) } else { json!([]) }});
    source.rules.push(guard.as_object().unwrap().clone());
    source
}

/// Brings a bundle to 100 %.
async fn serve_all(store: &Store, draft: Source) {
    fast_gates(store).await;
    let bundle = bundles::create(store, &author(), draft).await.unwrap();
    let packet = submit(store, bundle.id).await;
    for reviewer in [approver(), safety()] {
        packets::act(store, &reviewer, &packet.packet_id, Verdict::Approve, None).await.unwrap();
    }
    rollout::apply(store, &owner(), bundle.id, &packet.packet_id, None).await.unwrap();
    for target in [50, 100] {
        serve(store, bundle.id, 5).await;
        rollout::promote(store, &owner(), bundle.id, target).await.unwrap();
    }
}

#[tokio::test]
async fn a_guard_goes_only_when_a_packet_retires_it_and_a_safety_owner_signs() {
    let store = testing::store().await;
    serve_all(&store, guarded(true, 90)).await;
    // The first of two harmless packets takes the mark away and changes no answer.
    let unmarked = bundles::create(&store, &author(), guarded(false, 90)).await.unwrap();
    let removed = packets::removed_guards(&store, &author(), unmarked.id).await.unwrap();
    assert_eq!((removed.len(), removed[0].kind, removed[0].id.as_str()), (1, GuardKind::Rule, "never-by-software"));
    let packet = submit(&store, unmarked.id).await;
    let scenario = packet.content.red_team.iter().find(|one| one.name == ScenarioName::GuardRemoved).unwrap();
    assert_eq!(scenario.verdict, ScenarioVerdict::Blocked);
    assert_eq!(packet.content.replay.total_flips, 0);
    let error = packets::act(&store, &safety(), &packet.packet_id, Verdict::Approve, None).await.unwrap_err();
    assert_eq!(code(error), Code::PacketBlocked);
    bundles::withdraw(&store, &author(), unmarked.id).await.unwrap();

    let retire = |id: &str| Retirement {
        kind: GuardKind::Rule,
        id: id.into(),
        reason: "The gateway holds these back since March".into(),
    };
    let unknown = packets::BuildPacket { retires: vec![retire("allow-rest")], ..plan(unmarked.id) };
    let problem = Problem::from(packets::build(&store, &author(), unknown).await.unwrap_err());
    assert_eq!((problem.code, problem.errors[0].pointer.as_str()), (Code::InvalidField, "/retires/0/id"));
    let listed = packets::BuildPacket { retires: vec![retire("never-by-software")], ..plan(unmarked.id) };
    let packet = packets::build(&store, &author(), listed).await.unwrap();
    assert!(packet.content.quorum_reasons.contains(&QuorumReason::GuardRemoved));
    assert_eq!(packet.content.required_approvals, 2);
    let one = packets::act(&store, &approver(), &packet.packet_id, Verdict::Approve, None).await.unwrap();
    assert_eq!(one.status, PacketStatus::InReview);
    let two = packets::act(&store, &safety(), &packet.packet_id, Verdict::Approve, None).await.unwrap();
    assert_eq!(two.status, PacketStatus::Approved);
}

#[tokio::test]
async fn an_invariant_that_an_administrator_removed_still_guards() {
    let store = testing::store().await;
    let invariant: Invariant = serde_json::from_value(json!({"id": "keep-risky", "agent": "inbox.triage",
        "action": "quarantine", "never": "allow", "when": {">=risk_score": 90}}))
    .unwrap();
    settings::set_invariants(&store, &admin(), vec![invariant.clone()]).await.unwrap();
    serve_all(&store, source(None, 90)).await;
    // Removing it alone only proposes it.
    let changed = settings::set_invariants(&store, &admin(), Vec::new()).await.unwrap();
    assert_eq!(changed.invariants, [invariant]);
    let proposal = changed.proposal.unwrap();
    settings::accept(&store, &safety(), proposal.id).await.unwrap();
    assert!(settings::invariants(&store, &admin()).await.unwrap().is_empty());
    let draft = bundles::create(&store, &author(), source(None, 95)).await.unwrap();
    let packet = submit(&store, draft.id).await;
    for name in [ScenarioName::PolicyBypass, ScenarioName::GuardRemoved] {
        let scenario = packet.content.red_team.iter().find(|one| one.name == name).unwrap();
        assert_eq!(scenario.verdict, ScenarioVerdict::Blocked, "{}", scenario.detail);
    }
    bundles::withdraw(&store, &author(), draft.id).await.unwrap();
    let retires = vec![Retirement {
        kind: GuardKind::Invariant,
        id: "keep-risky".into(),
        reason: "Agreed with the mail team on Monday".into(),
    }];
    let packet = packets::build(&store, &author(), packets::BuildPacket { retires, ..plan(draft.id) }).await.unwrap();
    assert!(packet.content.blockers(&[]).is_empty(), "{:?}", packet.content.blockers(&[]));
}

/// A packet whose approval load rises past its guardrail.
async fn failing(store: &Store) -> Packet {
    serve_all(store, source(None, 90)).await;
    let live = store::system::live(store).await.unwrap().stable.unwrap();
    let reference = lifecycle::decision::BundleRef { id: live.id, version: live.version, digest: live.digest };
    let at = now(store).await - time::Duration::hours(1);
    let records: Vec<_> = (0..400)
        .map(|number| {
            let mut record = decision(at, policy::engine::Arm::Stable, reference.clone(), None);
            record.context.insert("risk_score".into(), json!(number % 100));
            record
        })
        .collect();
    decisions::append(store, &records).await.unwrap();
    for record in &records {
        let outcome = Outcome {
            status: OutcomeStatus::Ok,
            cost: None,
            margin_bps: Some(10.0),
            success: Some(true),
            latency_ms: None,
            note: None,
        };
        let service = Actor { name: "mail-gateway".into(), ..actor(Role::Service) };
        decisions::report_outcome(store, &service, &record.decision_id, outcome).await.unwrap();
    }
    let draft = bundles::create(store, &author(), source(None, 80)).await.unwrap();
    let packet = submit(store, draft.id).await;
    let failed: Vec<GuardrailName> = packet
        .content
        .guardrails
        .iter()
        .filter(|one| one.verdict == GuardrailVerdict::Fail)
        .map(|one| one.name)
        .collect();
    assert_eq!(failed, [GuardrailName::ApprovalLoadDelta], "{:?}", packet.content.guardrails);
    packet
}

#[tokio::test]
async fn a_failed_guardrail_is_overridden_by_two_people_in_two_roles() {
    let store = testing::store().await;
    let packet = failing(&store).await;
    let id = packet.packet_id.as_str();
    let load = GuardrailName::ApprovalLoadDelta;
    let sign = |who: Actor, guardrail, reason: &'static str| {
        let (store, id) = (store.clone(), id.to_owned());
        async move { packets::sign_exception(&store, &who, &id, guardrail, reason).await }
    };
    let approve = |who: Actor| {
        let (store, id) = (store.clone(), id.to_owned());
        async move { packets::act(&store, &who, &id, Verdict::Approve, None).await }
    };
    let why = "Two more people read mail from Monday on";
    assert_eq!(code(approve(approver()).await.unwrap_err()), Code::PacketBlocked);
    assert_eq!(code(sign(approver(), load, why).await.unwrap_err()), Code::Forbidden);
    assert_eq!(code(sign(safety(), load, " ").await.unwrap_err()), Code::InvalidField);
    assert_eq!(code(sign(safety(), GuardrailName::MarginDelta, why).await.unwrap_err()), Code::InvalidField);
    let author_as_safety = Actor { name: author().name, ..safety() };
    assert_eq!(code(sign(author_as_safety, load, why).await.unwrap_err()), Code::Forbidden);

    let one = sign(safety(), load, why).await.unwrap();
    assert_eq!((one.exceptions.len(), one.overridden.len()), (1, 0));
    assert_eq!(code(sign(safety(), load, why).await.unwrap_err()), Code::Conflict);
    assert_eq!(code(approve(approver()).await.unwrap_err()), Code::PacketBlocked);
    let two = sign(owner(), load, why).await.unwrap();
    assert_eq!(two.overridden, [load]);
    assert_eq!(events(&store, 1).await, ["exception_signed 1.0.1"]);
    for reviewer in [approver(), safety()] {
        if packets::get(&store, &author(), id).await.unwrap().status == PacketStatus::InReview {
            approve(reviewer).await.unwrap();
        }
    }
    assert_eq!(packets::get(&store, &author(), id).await.unwrap().status, PacketStatus::Approved);
    // An exception counts while its signers hold their roles.
    people::set_roles(&store, &admin(), &owner().name, [Role::Viewer].into()).await.unwrap();
    let second_owner = Actor { name: "rob@example.com".into(), ..owner() };
    testing::admit(&store, &second_owner).await;
    let apply = || rollout::apply(&store, &second_owner, packet.bundle_id, id, None);
    assert_eq!(code(apply().await.unwrap_err()), Code::StaleApproval);
    people::set_roles(&store, &admin(), &owner().name, [Role::RuntimeOwner].into()).await.unwrap();
    apply().await.unwrap();
    assert_eq!(packets::exceptions_in_service(&store, &author()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_exception_is_void_with_its_packet_and_cannot_be_forged() {
    let store = testing::store().await;
    let packet = failing(&store).await;
    let load = GuardrailName::ApprovalLoadDelta;
    for who in [safety(), owner()] {
        packets::sign_exception(&store, &who, &packet.packet_id, load, "As agreed on Monday").await.unwrap();
    }
    bundles::withdraw(&store, &author(), packet.bundle_id).await.unwrap();
    let again = submit(&store, packet.bundle_id).await;
    assert_eq!(again.packet_id, packet.packet_id);
    assert!(again.exceptions.is_empty() && again.overridden.is_empty());
    packets::sign_exception(&store, &safety(), &packet.packet_id, load, "As agreed on Monday").await.unwrap();
    tamper(
        &store,
        "insert into policy_packet_exceptions (packet_row, packet_id, guardrail, reason, actor, roles, at, key_id, signature)
         select packet_row, packet_id, guardrail, reason, 'runtime_owner@example.com', '{runtime_owner}', at, key_id, signature
         from policy_packet_exceptions order by id desc limit 1",
    )
    .await;
    let shown = packets::get(&store, &author(), &packet.packet_id).await.unwrap();
    assert!(shown.altered.iter().any(|what| what.contains("exception")), "{:?}", shown.altered);
    let error = packets::act(&store, &approver(), &packet.packet_id, Verdict::Approve, None).await.unwrap_err();
    assert_eq!(code(error), Code::Conflict);
    let changed = sqlx::query("update policy_packet_exceptions set reason = 'x'").execute(store.pool()).await;
    assert!(changed.unwrap_err().to_string().contains("append-only"));
}

#[tokio::test]
async fn what_weakens_a_safeguard_waits_for_a_safety_owner() {
    let store = testing::store().await;
    let mut wanted = settings::get(&store, &admin()).await.unwrap();
    wanted.gates.max_error_rate = 0.5;
    wanted.gates.max_deny_rate = 0.1;
    let changed = settings::update(&store, &admin(), wanted).await.unwrap();
    let fields = |changes: &[settings::Change]| changes.iter().map(|one| one.field.clone()).collect::<Vec<_>>();
    assert_eq!(fields(&changed.applied), ["/gates/max_deny_rate"]);
    let proposal = changed.proposal.unwrap();
    assert_eq!(
        (fields(&proposal.changes), proposal.status),
        (vec!["/gates/max_error_rate".to_owned()], ProposalStatus::Pending)
    );
    let now = settings::get(&store, &admin()).await.unwrap();
    assert_eq!((now.gates.max_error_rate, now.gates.max_deny_rate), (0.05, 0.1));

    // Not by who proposed it, whatever their roles, and by nobody without the role.
    let both = Actor { roles: [Role::Admin, Role::SafetyOwner].into(), ..admin() };
    assert_eq!(code(settings::accept(&store, &both, proposal.id).await.unwrap_err()), Code::Forbidden);
    assert_eq!(code(settings::accept(&store, &owner(), proposal.id).await.unwrap_err()), Code::Forbidden);
    let accepted = settings::accept(&store, &safety(), proposal.id).await.unwrap();
    assert_eq!((accepted.status, accepted.decided_by), (ProposalStatus::Accepted, Some(safety().name)));
    assert_eq!(settings::get(&store, &admin()).await.unwrap(), wanted);
    assert_eq!(fields(&settings::below_default(&store, &author()).await.unwrap()), ["/gates/max_error_rate"]);
    assert_eq!(code(settings::reject(&store, &safety(), proposal.id).await.unwrap_err()), Code::InvalidTransition);
    let events = audit::list(&store, &admin(), &audit::Filter::default()).await.unwrap().items;
    assert!(events[0].summary.contains("accepted") && events[0].summary.contains("maximum error rate"), "{events:?}");

    // Back to the default alone, and at once.
    let back = settings::update(&store, &admin(), settings::Settings::default()).await.unwrap();
    assert!(back.proposal.is_some(), "the deny rate goes from 10 % back to 30 %");
    assert!(settings::below_default(&store, &author()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_proposal_counts_against_the_value_it_was_made_for() {
    let store = testing::store().await;
    let propose = async |rate: f64| {
        settings::change(&store, &admin(), |settings| settings.gates.max_error_rate = rate).await.unwrap().proposal
    };
    let first = propose(0.2).await.unwrap();
    // A later proposal about the same setting takes its place.
    let second = propose(0.3).await.unwrap();
    assert_eq!(code(settings::accept(&store, &safety(), first.id).await.unwrap_err()), Code::InvalidTransition);
    assert!(propose(0.04).await.is_none(), "stricter");
    let problem = Problem::from(settings::accept(&store, &safety(), second.id).await.unwrap_err());
    assert_eq!((problem.code, problem.extra["field"].as_str()), (Code::Conflict, Some("/gates/max_error_rate")));
    let rejected = settings::reject(&store, &safety(), second.id).await.unwrap();
    assert_eq!(rejected.status, ProposalStatus::Rejected);
    let pending = settings::proposals(&store, &author(), Some(ProposalStatus::Pending), None, None).await.unwrap();
    assert!(pending.items.is_empty());
    assert_eq!(settings::get(&store, &admin()).await.unwrap().gates.max_error_rate, 0.04);
    let changed = sqlx::query("update settings_proposals set status = 'pending'").execute(store.pool()).await;
    assert!(changed.unwrap_err().to_string().contains("append-only"));
}

#[tokio::test]
async fn no_setting_goes_below_its_floor() {
    let store = testing::store().await;
    type Change = fn(&mut settings::Settings);
    let below: [(Change, &str); 4] = [
        (|settings| settings.review.approvals_high_risk = 1, "/review/approvals_high_risk"),
        (|settings| settings.review.min_evidence = 0, "/review/min_evidence"),
        (|settings| settings.gates.min_sample_size = 0, "/gates/min_sample_size"),
        (|settings| settings.watch.min_sample_size = u64::MAX, "/watch/min_sample_size"),
    ];
    for (change, pointer) in below {
        let problem = Problem::from(settings::change(&store, &admin(), change).await.unwrap_err());
        assert_eq!((problem.code, problem.errors[0].pointer.as_str()), (Code::InvalidField, pointer));
    }
}
