//! Packets: equal evidence gives equal ids, and every change is noticed.

use policy::{
    analysis::diff::NewAllows,
    bundle::{Effect, Source},
    replay::{Case, Corpus, Dataset},
};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn source(version: &str, limit: f64, effect: &str) -> Source {
    let mut source = Source::read(json!([
        {"id": "quarantine-risky", "agent": "inbox.triage", "action": "quarantine", "conditions": {">=risk": limit},
         "effect": effect, "reason": "Risky mail is put aside", "priority": 80},
        {"id": "hold-the-middle", "agent": "inbox.triage", "action": "quarantine",
         "conditions": {">=risk": 20, "<risk": limit}, "effect": "needs_approval",
         "reason": "A person should look at it", "budget": {"cost": 1.0, "compute": 1}},
    ]))
    .unwrap();
    source.version = Some(version.into());
    source
}

fn corpus(risks: &[f64]) -> Corpus {
    let cases = risks
        .iter()
        .enumerate()
        .map(|(at, risk)| Case {
            case_id: format!("d-{at}"),
            agent: "inbox.triage".into(),
            action: "quarantine".into(),
            context: json!({"risk": risk}).as_object().unwrap().clone(),
            expected_effect: None,
        })
        .collect();
    Corpus::of_cases(Dataset::Recorded, cases)
}

fn many() -> Corpus {
    corpus(&(0..200).map(|at| f64::from(at % 100)).collect::<Vec<_>>())
}

fn built(draft: &Source, base: Option<&Source>, corpus: &Corpus) -> Content {
    let settings = ReviewSettings::default();
    build(&PacketInputs {
        draft,
        base,
        corpus,
        corpus_by_policy: true,
        fallback_plan: "Roll back to the live version",
        settings: &settings,
        invariants: &[],
        base_invariants: &[],
        retires: &[],
    })
    .unwrap()
}

#[test]
fn a_small_tightening_needs_one_approval() {
    let (base, draft) = (source("1.0.0", 80.0, "allow"), source("1.0.1", 82.0, "allow"));
    let content = built(&draft, Some(&base), &many());
    assert_eq!((content.replay.total_flips, content.newly_allowed, content.newly_refused), (4, 0, 4));
    assert!(content.replay.deterministic_pass && !content.replay.insufficient_evidence);
    assert_eq!(content.required_approvals, 1);
    assert_eq!(content.risk_score_bps, content.risk_parts.iter().map(|part| part.bps).sum::<u32>());
    assert_eq!(content.replay.flips[0].before, Effect::Allow);
    assert_eq!(content.replay.flips[0].after_rule.as_deref(), Some("hold-the-middle"));
    let meaning = content.semantic_diff.as_ref().unwrap();
    assert!(meaning.complete && meaning.new_allows == NewAllows::None);
    for flip in &content.replay.flips {
        let region = &meaning.regions[flip.region.unwrap()];
        assert_eq!((region.before.effect, region.after.effect), (flip.before, flip.after));
    }
}

#[test]
fn a_packet_of_an_earlier_engine_stays_valid_while_the_answers_are_the_same() {
    let (base, draft) = (source("1.0.0", 80.0, "allow"), source("1.0.1", 82.0, "allow"));
    let (base_bundle, bundle) = (base.parse_rules().bundle, draft.parse_rules().bundle);
    let (base_digest, digest) = (base.digest(), draft.digest());
    let earlier = |corpus: &Corpus| {
        let mut content = built(&draft, Some(&base), corpus);
        let base = replay::DigestedBundle { bundle: &base_bundle, digest: base_digest.as_str() };
        let draft = replay::DigestedBundle { bundle: &bundle, digest: digest.as_str() };
        let (report, _) =
            replay::replay_as("countersign-engine-1", corpus, Some(base), draft, &ReviewSettings::default(), true);
        assert_ne!(report.replay_checksum, content.replay.replay_checksum);
        (content.replay.engine_version, content.replay.replay_checksum) =
            (report.engine_version, report.replay_checksum);
        let packet_id = content::packet_id(&content);
        Evidence { packet_id, content, corpus: corpus.clone() }
    };
    let evidence = earlier(&many());
    assert!(evidence.verify().passed, "{:?}", evidence.verify().problems);
    // The earlier engine answered this case by a rule.
    let mut odd = evidence;
    odd.content.replay.replay_checksum = "sha256:00".to_owned();
    odd.packet_id = content::packet_id(&odd.content);
    let problems = odd.verify().problems;
    assert!(problems.len() == 1 && problems[0].contains("the answers are not the same"), "{problems:?}");
}

#[test]
fn anything_newly_allowed_or_too_little_evidence_needs_two() {
    let (base, wider) = (source("1.0.0", 80.0, "allow"), source("1.0.1", 79.0, "allow"));
    let content = built(&wider, Some(&base), &many());
    assert_eq!((content.newly_allowed, content.required_approvals), (2, 2));
    assert!(matches!(content.semantic_diff.as_ref().unwrap().new_allows, NewAllows::Some(1..)));
    assert!(content.risk_score_bps < 5000);
    let thin = built(&source("1.0.1", 82.0, "allow"), Some(&base), &corpus(&[10.0, 90.0]));
    assert!(thin.replay.insufficient_evidence && thin.risk_score_bps >= 5000);
    assert_eq!(thin.required_approvals, 2);
    let first = built(&base, None, &many());
    assert_eq!((first.newly_allowed, first.replay.base_summary), (40, None));
    assert_eq!(first.required_approvals, 2);
}

/// The builder of a packet cannot choose what it is judged by: test cases, however many, and other decisions than those
/// that the settings name prove nothing.
#[test]
fn a_chosen_corpus_is_insufficient_evidence_however_large() {
    use content::EvidenceGap::{NotRecorded, OtherCorpus, TooFew};
    let (base, draft) = (source("1.0.0", 80.0, "allow"), source("1.0.1", 82.0, "allow"));
    let settings = ReviewSettings::default();
    let build_with = |corpus: &Corpus, corpus_by_policy| {
        build(&PacketInputs {
            draft: &draft,
            base: Some(&base),
            corpus,
            corpus_by_policy,
            fallback_plan: "Roll back",
            settings: &settings,
            invariants: &[],
            base_invariants: &[],
            retires: &[],
        })
        .unwrap()
    };
    let fixtures = Corpus { source: Dataset::Fixtures, ..many() };
    for (corpus, by_policy, gap) in
        [(&fixtures, true, NotRecorded), (&many(), false, OtherCorpus), (&corpus(&[10.0; 99]), true, TooFew)]
    {
        let content = build_with(corpus, by_policy);
        assert_eq!((content.replay.insufficient_evidence, content.replay.evidence_gap), (true, Some(gap)));
        assert!(content.risk_score_bps >= 5000 && content.required_approvals == 2, "{gap:?}");
        for guardrail in &content.guardrails {
            assert!(
                matches!(guardrail.verdict, GuardrailVerdict::NoData | GuardrailVerdict::InsufficientEvidence),
                "{gap:?}: {guardrail:?}"
            );
        }
        for scenario in content.red_team.iter().filter(|scenario| {
            matches!(
                scenario.name,
                red_team::ScenarioName::MarginCollapse | red_team::ScenarioName::BiasedCohortRegression
            )
        }) {
            assert_eq!(scenario.verdict, ScenarioVerdict::InsufficientEvidence, "{gap:?}: {scenario:?}");
        }
    }
    let enough = build_with(&many(), true);
    assert_eq!((enough.replay.evidence_gap, enough.required_approvals), (None, 1));
}

#[test]
fn what_is_not_ready_is_refused() {
    let settings = ReviewSettings::default();
    let (draft, corpus) = (source("1.0.0", 80.0, "allow"), many());
    let ask = |draft: &Source, fallback_plan| {
        build(&PacketInputs {
            draft,
            base: None,
            corpus: &corpus,
            corpus_by_policy: true,
            fallback_plan,
            settings: &settings,
            invariants: &[],
            base_invariants: &[],
            retires: &[],
        })
    };
    assert_eq!(ask(&draft, " \n").unwrap_err(), CannotBuild::FallbackPlan);
    assert_eq!(ask(&Source { version: None, ..draft.clone() }, "roll back").unwrap_err(), CannotBuild::NoVersion);
    let mut broken = draft.clone();
    broken.rules[0].remove("id");
    assert!(matches!(ask(&broken, "roll back"), Err(CannotBuild::LintErrors(_))));
    let problem = crate::problem::Problem::from(ask(&broken, "roll back").unwrap_err());
    assert_eq!(problem.status, 422);
}

#[test]
fn a_packet_verifies_and_anything_changed_is_noticed() {
    let (base, draft, corpus) = (source("1.0.0", 80.0, "allow"), source("1.0.1", 70.0, "allow"), many());
    let content = built(&draft, Some(&base), &corpus);
    let id = packet_id(&content);
    let good = verify(&id, &content, &corpus);
    assert!(good.passed, "{good:?}");
    // The packet survives being written and read.
    let read: Content = serde_json::from_str(&serde_json::to_string(&content).unwrap()).unwrap();
    assert_eq!(packet_id(&read), id);
    let mut shorter = corpus.clone();
    shorter.cases.pop();
    let wrong = verify(&id, &content, &shorter);
    assert!(!wrong.passed && !wrong.corpus_matches && !wrong.checksum_matches);
    let mut forged = content.clone();
    forged.bundle.rules[0].insert("conditions".into(), json!({">=risk": 10}));
    let wrong = verify(&packet_id(&forged), &forged, &corpus);
    assert!(wrong.packet_id_matches && !wrong.digests_match && !wrong.checksum_matches, "{wrong:?}");
    assert!(!verify(&id, &forged, &corpus).packet_id_matches);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_id_depends_on_content_and_on_nothing_else(limit in 21_i32..99, risks in prop::collection::vec(0_i32..100, 1..30)) {
        let corpus = corpus(&risks.into_iter().map(f64::from).collect::<Vec<_>>());
        let (base, draft) = (source("1.0.0", 80.0, "allow"), source("1.0.1", f64::from(limit), "allow"));
        let id = packet_id(&built(&draft, Some(&base), &corpus));
        prop_assert_eq!(&id, &packet_id(&built(&draft.clone(), Some(&base), &corpus.clone())));
        // Notes, metadata and the author are not part of the evidence.
        let noted = Source { notes: "by ann".into(), ..draft.clone() };
        prop_assert_eq!(&id, &packet_id(&built(&noted, Some(&base), &corpus)));
        let other = source("1.0.1", f64::from(limit) + 0.5, "allow");
        prop_assert_ne!(&id, &packet_id(&built(&other, Some(&base), &corpus)));
    }
}

fn guarded(draft: bool) -> Source {
    let mut source = source(if draft { "1.0.1" } else { "1.0.0" }, 80.0, "allow");
    let guard = json!({"id": "guard-top", "agent": "inbox.triage", "action": "quarantine", "effect": "deny",
        "conditions": {">=risk": if draft { 98 } else { 95 }}, "reason": "The riskiest is looked at by a person",
        "priority": 500, "tags": ["guardrail"]});
    source.rules.push(guard.as_object().unwrap().clone());
    source
}

#[test]
fn a_packet_says_what_blocks_it() {
    let content = built(&guarded(true), Some(&guarded(false)), &many());
    let kpis = content.projected_kpis.as_ref().unwrap();
    assert_eq!((kpis.hard_violation_delta, kpis.decisions, kpis.imputed), (6, 200, 6));
    assert_eq!(kpis.margin_delta_bps, None);
    let bypass = content.red_team.first().unwrap();
    assert_eq!((bypass.verdict, bypass.witnesses.len()), (ScenarioVerdict::Blocked, 1));
    let blockers = content.blockers(&[]);
    assert_eq!(blockers.len(), 3, "{blockers:?}");
    for (blocker, what) in blockers.iter().zip(["policy bypass", "guard removed", "hard violations +6"]) {
        assert!(blocker.contains(what), "{blocker}");
    }
    assert!(content.risk_score_bps >= 5000 && content.required_approvals == 2);
    assert!(content.risk_parts.iter().any(|part| part.name.starts_with("red team")));

    let fine = built(&source("1.0.1", 82.0, "allow"), Some(&source("1.0.0", 80.0, "allow")), &many());
    assert!(fine.blockers(&[]).is_empty(), "{:?}", fine.blockers(&[]));
    let reach = fine.blast_radius.as_ref().unwrap();
    assert_eq!(
        (reach.agents.as_slice(), reach.actions.as_slice()),
        (&["inbox.triage".to_owned()][..], &["quarantine".to_owned()][..])
    );
    assert_eq!((reach.decisions, reach.of_decisions, reach.share_bps), (4, 200, 200));
}

#[test]
fn invariants_are_proven_in_the_packet_and_block_building_when_broken() {
    let settings = ReviewSettings::default();
    let (base, draft, corpus) = (source("1.0.0", 80.0, "allow"), source("1.0.1", 82.0, "allow"), many());
    let invariant = |below: i64| -> policy::bundle::Invariant {
        serde_json::from_value(json!({"id": "keep-low", "agent": "*", "action": "quarantine", "never": "allow",
            "when": {"<risk": below}}))
        .unwrap()
    };
    let build_with = |below: i64| {
        let invariants = [invariant(below)];
        build(&PacketInputs {
            draft: &draft,
            base: Some(&base),
            corpus: &corpus,
            corpus_by_policy: true,
            fallback_plan: "Roll back",
            settings: &settings,
            invariants: &invariants,
            base_invariants: &[],
            retires: &[],
        })
    };
    let held = build_with(82).unwrap();
    assert_eq!(held.invariants[0].verdict, content::InvariantVerdict::Holds);
    assert_eq!(held.invariants[0].statement, "* · quarantine is never allow when risk < 82");
    let refused = build_with(83).unwrap_err();
    let CannotBuild::LintErrors(report) = refused else { panic!("{refused}") };
    assert_eq!(report.errors[0].code, policy::lint::Code::Invariant);
}

#[test]
fn evidence_travels_as_one_document() {
    let corpus = many();
    let content = built(&source("1.0.1", 82.0, "allow"), Some(&source("1.0.0", 80.0, "allow")), &corpus);
    let evidence = Evidence { packet_id: packet_id(&content), content, corpus };
    let read: Evidence = serde_json::from_str(&serde_json::to_string(&evidence).unwrap()).unwrap();
    assert!(read.verify().passed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_order_of_rules_and_of_members_makes_no_difference(limit in 21_i32..99, shuffle in any::<bool>(), turn in 0_usize..3) {
        let (base, draft, corpus) = (guarded(false), { let mut d = guarded(true); d.rules[0].insert("conditions".into(), json!({">=risk": limit})); d }, many());
        let id = packet_id(&built(&draft, Some(&base), &corpus));
        let turned = |source: &Source| {
            let mut source = source.clone();
            source.rules.rotate_left(turn);
            if shuffle {
                source.rules.reverse();
                for rule in &mut source.rules {
                    *rule = rule.clone().into_iter().rev().collect();
                }
            }
            source
        };
        prop_assert_eq!(id, packet_id(&built(&turned(&draft), Some(&turned(&base)), &corpus)));
    }
}
