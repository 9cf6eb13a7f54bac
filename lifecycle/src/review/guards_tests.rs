//! No sequence of packets takes a guard away unless one of them retires it.

use std::collections::{BTreeMap, BTreeSet};

use policy::{
    bundle::{Bundle, Effect, Invariant, Source},
    engine::{Input, Prepared},
    random::Random,
    replay::{Corpus, Dataset},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{guards::*, red_team::ScenarioName, *};

fn guard() -> Value {
    json!({"id": "guard-high-risk", "agent": "inbox.*", "action": "quarantine", "conditions": {">=risk": 80},
        "effect": "deny", "reason": "High risk is looked at by a person", "priority": 500, "tags": ["guardrail"]})
}

fn rest() -> Value {
    json!({"id": "allow-rest", "agent": "inbox.triage", "action": "quarantine", "effect": "allow",
        "reason": "Everything else may be put aside", "priority": 10})
}

fn source(version: &str, document: Value) -> Source {
    let mut source = Source::read(document).unwrap();
    source.version = Some(version.into());
    source
}

fn guarded(change: impl FnOnce(&mut Value)) -> Value {
    let mut document = json!({"rules": [guard(), rest()], "schema": {"agents": {"inbox.triage": {
        "actions": ["quarantine"], "fields": {"risk": "number"}}}}});
    change(&mut document);
    document
}

fn retire(kind: GuardKind, id: &str) -> Retirement {
    Retirement { kind, id: id.into(), reason: "Agreed with the mail team".into() }
}

fn invariant(below: i64) -> Invariant {
    serde_json::from_value(json!({"id": "keep-low", "agent": "inbox.*", "action": "quarantine", "never": "allow",
        "when": {"<risk": below}}))
    .unwrap()
}

fn packet(
    base: &Source,
    draft: &Source,
    retires: &[Retirement],
    base_invariants: &[Invariant],
    invariants: &[Invariant],
) -> Result<Content, CannotBuild> {
    let corpus = Corpus::of_cases(Dataset::Recorded, Vec::new());
    build(&PacketInputs {
        draft,
        base: Some(base),
        corpus: &corpus,
        corpus_by_policy: true,
        fallback_plan: "Roll back",
        settings: &ReviewSettings::default(),
        invariants,
        base_invariants,
        retires,
    })
}

fn removal(content: &Content) -> &Scenario {
    content.red_team.iter().find(|scenario| scenario.name == ScenarioName::GuardRemoved).unwrap()
}

/// The scenario for a change of the guarded bundle, with and without its retirement.
#[track_caller]
fn removes(change: impl FnOnce(&mut Value), kind: GuardKind, id: &str, loses: &str) {
    let (base, draft) = (source("1.0.0", guarded(|_| {})), source("2.0.0", guarded(change)));
    let content = packet(&base, &draft, &[], &[], &[]).unwrap();
    let scenario = removal(&content);
    assert_eq!(scenario.verdict, ScenarioVerdict::Blocked, "{}", scenario.detail);
    let [removed] = scenario.removed.as_slice() else { panic!("{:?}", scenario.removed) };
    assert_eq!((removed.kind, removed.id.as_str(), removed.retired), (kind, id, false));
    assert!(removed.loses.contains(loses), "{}", removed.loses);
    assert!(
        content.blockers(&[]).iter().any(|blocker| blocker.contains("guard removed")),
        "{:?}",
        content.blockers(&[])
    );

    let listed = packet(&base, &draft, &[retire(kind, id)], &[], &[]).unwrap();
    assert_eq!(removal(&listed).verdict, ScenarioVerdict::Retired);
    assert!(listed.blockers(&[]).is_empty(), "{:?}", listed.blockers(&[]));
    assert!(listed.quorum_reasons.contains(&QuorumReason::GuardRemoved), "{:?}", listed.quorum_reasons);
    assert_eq!(listed.required_approvals, 2);
    assert_ne!(packet_id(&listed), packet_id(&content), "what is retired is content");
}

#[test]
fn whatever_a_guard_loses_is_listed_or_blocked() {
    use GuardKind::{Rule, Setting};
    let rule = |draft: &mut Value, member: &str, value: Value| draft["rules"][0][member] = value;
    removes(|draft| rule(draft, "tags", json!([])), Rule, "guard-high-risk", "loses its tag");
    removes(|draft| rule(draft, "tags", json!(["Guardrail"])), Rule, "guard-high-risk", "loses its tag");
    removes(|draft| rule(draft, "id", json!("another-name")), Rule, "guard-high-risk", "is gone");
    removes(|draft| rule(draft, "enabled", json!(false)), Rule, "guard-high-risk", "is disabled");
    removes(|draft| rule(draft, "effect", json!("needs_approval")), Rule, "guard-high-risk", "answers needs_approval");
    removes(|draft| rule(draft, "conditions", json!({">=risk": 90})), Rule, "guard-high-risk", "holds back less");
    removes(|draft| rule(draft, "agent", json!("inbox.triage")), Rule, "guard-high-risk", "holds back less");
    let narrower = json!({">=risk": 80, "?sender": true});
    removes(|draft| rule(draft, "conditions", narrower), Rule, "guard-high-risk", "holds back less");
    removes(|draft| drop(draft["rules"].as_array_mut().unwrap().remove(0)), Rule, "guard-high-risk", "is gone");
    removes(|draft| draft["default_effect"] = json!("needs_approval"), Setting, "default_effect", "moves from deny");
    removes(|draft| draft["on_error"] = json!("needs_approval"), Setting, "on_error", "moves from deny");
    removes(|draft| draft["schema"]["enforce"] = json!(false), Setting, "schema.enforce", "goes off");
    removes(|draft| draft["schema"] = Value::Null, Setting, "schema.enforce", "goes off");
    let other = json!({"agents": {"other": {"actions": ["x"]}}});
    removes(|draft| draft["schema"] = other, Setting, "schema.enforce", "goes off for inbox.triage");
}

#[test]
fn a_guard_that_holds_back_as_much_or_more_stays() {
    for change in [
        json!({"conditions": {">=risk": 70}}),
        json!({"conditions": {}}),
        json!({"agent": "*", "action": "*"}),
        json!({"reason": "High risk is for people only, as agreed"}),
        json!({"priority": 600}),
        json!({"tags": ["guardrail", "mail"]}),
    ] {
        let draft = guarded(|draft| {
            for (member, value) in change.as_object().unwrap() {
                draft["rules"][0][member] = value.clone();
            }
        });
        let content = packet(&source("1.0.0", guarded(|_| {})), &source("2.0.0", draft), &[], &[], &[]).unwrap();
        assert_eq!(removal(&content).verdict, ScenarioVerdict::Pass, "{change}: {}", removal(&content).detail);
        assert!(content.retires.is_empty());
    }
}

#[test]
fn an_invariant_that_is_gone_or_weaker_still_guards_until_it_is_retired() {
    let plain = |limit: i64| {
        source(
            "1.0.0",
            json!([{"id": "hold-low", "agent": "inbox.*", "action": "quarantine", "conditions": {"<risk": limit},
            "effect": "deny", "reason": "Low risk stays where it is", "priority": 90}, rest()]),
        )
    };
    let (base, draft) = (plain(20), Source { version: Some("1.0.1".into()), ..plain(10) });
    let verdicts = |content: &Content| (content.red_team[0].verdict, removal(content).verdict);
    let kept = packet(&base, &plain(20), &[], &[invariant(20)], &[invariant(20)]).unwrap();
    assert_eq!(verdicts(&kept), (ScenarioVerdict::Pass, ScenarioVerdict::Pass));
    for now in [&[][..], &[invariant(10)]] {
        let content = packet(&base, &draft, &[], &[invariant(20)], now).unwrap();
        assert_eq!(removal(&content).verdict, ScenarioVerdict::Blocked, "{now:?}");
        let retired =
            packet(&base, &draft, &[retire(GuardKind::Invariant, "keep-low")], &[invariant(20)], now).unwrap();
        assert_eq!(removal(&retired).verdict, ScenarioVerdict::Retired, "{now:?}");
        assert!(retired.blockers(&[]).is_empty(), "{:?}", retired.blockers(&[]));
    }
    // The one that is gone still stands against a draft that breaks it.
    let gone = packet(&base, &draft, &[], &[invariant(20)], &[]).unwrap();
    assert_eq!(gone.red_team[0].verdict, ScenarioVerdict::Blocked, "{}", gone.red_team[0].detail);
}

#[test]
fn only_guards_are_retired_once_each_and_with_a_reason() {
    let (base, draft) = (source("1.0.0", guarded(|_| {})), source("1.0.1", guarded(|_| {})));
    let refused = |retires: &[Retirement]| match packet(&base, &draft, retires, &[], &[]) {
        Err(CannotBuild::Retires(faults)) => faults.into_iter().map(|fault| fault.pointer).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let rule = retire(GuardKind::Rule, "guard-high-risk");
    assert_eq!(refused(&[retire(GuardKind::Rule, "allow-rest")]), ["/0/id"]);
    assert_eq!(refused(&[rule.clone(), retire(GuardKind::Invariant, "keep-low")]), ["/1/id"]);
    assert_eq!(refused(&[retire(GuardKind::Setting, "timezone")]), ["/0/id"]);
    assert_eq!(refused(&[rule.clone(), rule.clone()]), ["/1/id"]);
    assert_eq!(refused(&[Retirement { reason: "  too short  ".into(), ..rule.clone() }]), ["/0/reason"]);
    let problem = crate::problem::Problem::from(
        packet(&base, &draft, &[retire(GuardKind::Rule, "x-y-z")], &[], &[]).unwrap_err(),
    );
    assert_eq!((problem.status, problem.errors[0].pointer.as_str()), (422, "/retires/0/id"));
    // The order of the list makes no difference.
    let setting = retire(GuardKind::Setting, "on_error");
    let id = |retires: &[Retirement]| packet_id(&packet(&base, &draft, retires, &[], &[]).unwrap());
    assert_eq!(id(&[rule.clone(), setting.clone()]), id(&[setting, rule]));
}

/// Inputs around every threshold that the random drafts use, of several agents and types.
fn grid() -> Vec<Input> {
    let risks = (0..=20).map(|step| json!(step * 5)).chain([json!("text"), Value::Null]);
    let risks: Vec<Value> = risks.collect();
    let input = |agent: &str, risk: &Value| Input {
        agent: agent.into(),
        action: "quarantine".into(),
        context: json!({"risk": risk}).as_object().unwrap().clone(),
    };
    ["inbox.triage", "inbox.other", "other"]
        .iter()
        .flat_map(|agent| risks.iter().map(|risk| input(agent, risk)))
        .collect()
}

/// One random edit of a bundle as written.
fn edit(random: &mut Random, document: &mut Value) {
    let limit = json!(random.below(20) * 5);
    let name = ["guard-high-risk", "guard-two", "allow-rest", "allow-top"][random.below(4)];
    let Some(rules) = document["rules"].as_array_mut() else { return };
    let place = rules.iter().position(|rule| rule["id"] == name);
    match (random.below(11), place) {
        (0, Some(place)) => rules[place]["tags"] = json!([]),
        (1, Some(place)) => rules[place]["tags"] = json!(["guardrail"]),
        (2, Some(place)) => rules[place]["enabled"] = json!(random.below(2) == 0),
        (3, Some(place)) => rules[place]["conditions"] = json!({">=risk": limit}),
        (4, Some(place)) => rules[place]["effect"] = json!(["allow", "deny", "needs_approval"][random.below(3)]),
        (5, Some(place)) => rules[place]["priority"] = json!([5, 300, 500, 700][random.below(4)]),
        (6, Some(place)) => rules[place]["agent"] = json!(["inbox.triage", "inbox.*", "*"][random.below(3)]),
        (7, Some(place)) => drop(rules.remove(place)),
        (8, _) => document["default_effect"] = json!(["deny", "needs_approval", "allow"][random.below(3)]),
        (9, _) => document["on_error"] = json!(["deny", "needs_approval", "allow"][random.below(3)]),
        (_, Some(place)) => rules[place]["conditions"] = json!({"<risk": limit}),
        (_, None) => {
            let effect = if name.starts_with("allow") { "allow" } else { "deny" };
            rules.push(json!({"id": name, "agent": "inbox.*", "action": "quarantine", "effect": effect,
                "conditions": {">=risk": limit}, "reason": "A rule that comes and goes", "priority": 400,
                "tags": if effect == "deny" { json!(["guardrail"]) } else { json!([]) }}));
        }
    }
}

/// What each guard has held back since it was last retired: places in the grid.
type Held = BTreeMap<(GuardKind, String), BTreeSet<usize>>;

/// Adds what the guards of a bundle in service hold back.
fn note_held(held: &mut Held, grid: &[Input], bundle: &Bundle, invariants: &[Invariant]) {
    let serving = Prepared::new(bundle);
    let mut note = |kind: GuardKind, id: &str, alone: Bundle| {
        let alone = Prepared::new(&alone);
        let places = grid.iter().enumerate().filter(|(_, input)| {
            let asked = alone.decide(input);
            asked.effect == Effect::Deny && serving.decide(input).effect != Effect::Allow
        });
        held.entry((kind, id.to_owned())).or_default().extend(places.map(|(place, _)| place));
    };
    let alone = |rule: policy::bundle::Rule, on_error: Effect| Bundle {
        rules: vec![policy::bundle::Rule { effect: Effect::Deny, ..rule }],
        default_effect: Effect::Allow,
        on_error,
        schema: None,
    };
    for rule in bundle.rules.iter().filter(|rule| rule.is_guardrail() && rule.enabled && rule.effect != Effect::Allow) {
        note(GuardKind::Rule, &rule.id, alone(rule.clone(), Effect::Deny));
    }
    for statement in invariants.iter().filter_map(|invariant| invariant.parse().ok()) {
        let rule = policy::analysis::invariants::as_rule(&statement);
        note(GuardKind::Invariant, &statement.id, alone(rule, Effect::Allow));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Random packets one after the other, each put into service when nothing blocks it: whatever a guard once held back
    /// stays refused until a packet retires that guard.
    #[test]
    fn packets_never_add_up_to_a_bypass(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let grid = grid();
        let mut live = guarded(|document| document["schema"] = Value::Null);
        let mut live_invariants = vec![invariant(10)];
        live["rules"].as_array_mut().unwrap().push(json!({"id": "low-stays", "agent": "*", "action": "*",
            "conditions": {"<risk": 10}, "effect": "deny", "reason": "Low risk stays where it is", "priority": 900}));
        let mut held = Held::new();
        note_held(&mut held, &grid, &source("1.0.0", live.clone()).parse_rules().bundle, &live_invariants);
        for _ in 0..10 {
            let mut document = live.clone();
            for _ in 0..=random.below(3) {
                edit(&mut random, &mut document);
            }
            let invariants = match random.below(4) {
                0 => Vec::new(),
                1 => vec![invariant(5)],
                _ => live_invariants.clone(),
            };
            let retires: Vec<Retirement> = if random.below(4) > 0 { Vec::new() } else {
                [(GuardKind::Rule, "guard-high-risk"), (GuardKind::Rule, "guard-two"), (GuardKind::Invariant, "keep-low"),
                 (GuardKind::Setting, "default_effect"), (GuardKind::Setting, "on_error")]
                    .into_iter().filter(|_| random.below(2) == 0).map(|(kind, id)| retire(kind, id)).collect()
            };
            let (base, draft) = (source("1.0.0", live.clone()), source("2.0.0", document.clone()));
            let Ok(content) = packet(&base, &draft, &retires, &live_invariants, &invariants) else { continue };
            if !content.blockers(&[]).is_empty() {
                continue;
            }
            for retired in &retires {
                held.remove(&(retired.kind, retired.id.clone()));
            }
            let bundle = draft.parse_rules().bundle;
            let serving = Prepared::new(&bundle);
            for (guard, places) in &held {
                for input in places.iter().filter_map(|place| grid.get(*place)) {
                    let answer = serving.decide(input);
                    prop_assert!(
                        answer.effect != Effect::Allow,
                        "{guard:?} held back {input:?}; now {:?} allows it in {document}", answer.matched_rule
                    );
                }
            }
            note_held(&mut held, &grid, &bundle, &invariants);
            (live, live_invariants) = (document, invariants);
        }
    }
}
