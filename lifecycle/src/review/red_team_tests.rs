//! Every known way to get around a guardrail rule is caught, with an input that shows the bypass.

use policy::{
    analysis::{Meter, semantic_diff},
    bundle::{Bundle, Effect, Invariant, Source},
    engine::Prepared,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    ProjectedKpis, Scenario, ScenarioVerdict,
    guardrails::Conclusive,
    red_team::{self, Bypass, Held, biased_cohort, margin_collapse},
};

/// High risk is never put aside by software; the rest may be.
fn guard() -> Value {
    json!({"id": "guard-high-risk", "agent": "inbox.*", "action": "quarantine", "conditions": {">=risk": 80},
        "effect": "deny", "reason": "High risk is looked at by a person", "priority": 500, "tags": ["guardrail"]})
}

fn rest() -> Value {
    json!({"id": "allow-rest", "agent": "inbox.triage", "action": "quarantine", "effect": "allow",
        "reason": "Everything else may be put aside", "priority": 10})
}

fn bundle(document: Value) -> Bundle {
    Source::read(document).unwrap().parse_rules().bundle
}

fn base() -> Bundle {
    bundle(json!([guard(), rest()]))
}

fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut guard = guard();
    change(&mut guard);
    guard
}

fn policy_bypass(base: &Bundle, draft: &Bundle, invariants: &[Invariant], meter: Meter) -> Scenario {
    let diff = semantic_diff(base, draft, meter.clone());
    let held = Held { invariants, retired_rules: &[] };
    red_team::policy_bypass(Some((base, &diff)), draft, held, &[], meter)
}

fn assess(draft: &Bundle) -> Scenario {
    policy_bypass(&base(), draft, &[], Meter::default())
}

#[track_caller]
fn caught(draft: &Bundle) -> Bypass {
    let scenario = assess(draft);
    assert_eq!(scenario.verdict, ScenarioVerdict::Blocked, "{}", scenario.detail);
    let witness = scenario.witnesses.first().unwrap().clone();
    assert_eq!(witness.protected_by, "guard-high-risk");
    assert_ne!(Prepared::new(&base()).decide(&witness.input).effect, Effect::Allow);
    assert_eq!(Prepared::new(draft).decide(&witness.input).effect, Effect::Allow);
    witness
}

#[test]
fn nothing_changed_is_no_bypass() {
    let scenario = assess(&base());
    assert_eq!(scenario.verdict, ScenarioVerdict::Pass, "{}", scenario.detail);
    let stricter = bundle(json!([with(|rule| rule["conditions"] = json!({">=risk": 70})), rest()]));
    assert_eq!(assess(&stricter).verdict, ScenarioVerdict::Pass);
    let renamed = bundle(json!([with(|rule| rule["id"] = json!("another-name")), rest()]));
    assert_eq!(assess(&renamed).verdict, ScenarioVerdict::Pass, "a name decides nothing");
}

#[test]
fn a_weakened_threshold_is_caught() {
    let draft = bundle(json!([with(|rule| rule["conditions"] = json!({">=risk": 90})), rest()]));
    let risk = caught(&draft).input.context["risk"].as_f64().unwrap();
    assert!((80.0..90.0).contains(&risk), "{risk}");
}

#[test]
fn an_added_condition_is_caught() {
    let draft = bundle(json!([with(|rule| rule["conditions"]["sender_vip"] = json!(true)), rest()]));
    caught(&draft);
}

#[test]
fn a_disabled_guardrail_is_caught() {
    caught(&bundle(json!([with(|rule| rule["enabled"] = json!(false)), rest()])));
}

#[test]
fn a_removed_guardrail_is_caught() {
    assert_eq!(caught(&bundle(json!([rest()]))).after_rule.as_deref(), Some("allow-rest"));
}

#[test]
fn a_reprioritised_guardrail_is_caught() {
    caught(&bundle(json!([with(|rule| rule["priority"] = json!(5)), rest()])));
}

#[test]
fn a_shadowed_guardrail_is_caught() {
    let above = json!({"id": "allow-partners", "agent": "inbox.triage", "action": "quarantine", "priority": 900,
        "conditions": {"^=domain": "partner."}, "effect": "allow", "reason": "Partners are trusted by us"});
    let witness = caught(&bundle(json!([guard(), rest(), above])));
    assert_eq!(witness.after_rule.as_deref(), Some("allow-partners"));
}

#[test]
fn a_widened_wildcard_is_caught() {
    // The allowing rule is raised above the guardrail by widening it to all agents and actions.
    let wide = json!({"id": "allow-rest", "agent": "*", "action": "*", "effect": "allow", "priority": 600,
        "reason": "Everything else may be put aside"});
    caught(&bundle(json!([guard(), wide])));
    // Or the guardrail is narrowed to one of its agents, and another rule allows the others.
    let narrow = with(|rule| rule["agent"] = json!("inbox.triage"));
    let any = json!({"id": "allow-rest", "agent": "inbox.*", "action": "quarantine", "effect": "allow",
        "reason": "Everything else may be put aside", "priority": 10});
    let witness = caught(&bundle(json!([narrow, any])));
    assert_ne!(witness.input.agent, "inbox.triage");
}

#[test]
fn a_flipped_default_is_caught() {
    let draft = json!({"rules": [rest()], "default_effect": "allow"});
    caught(&bundle(draft));
    let only_default =
        json!({"rules": [with(|rule| rule["action"] = json!("delete")), rest()], "default_effect": "allow"});
    caught(&bundle(only_default));
    // A default below the guardrail rule is no bypass.
    let held = bundle(json!({"rules": [guard(), rest()], "default_effect": "allow"}));
    assert_eq!(assess(&held).verdict, ScenarioVerdict::Pass);
}

#[test]
fn an_error_that_is_allowed_now_is_caught() {
    let witness = caught(&bundle(json!({"rules": [guard(), rest()], "on_error": "allow"})));
    assert!(!witness.input.context["risk"].is_number());
}

#[test]
fn a_renamed_and_weakened_guardrail_is_caught() {
    let renamed = with(|rule| {
        rule["id"] = json!("tidier-name");
        rule["conditions"] = json!({">=risk": 95});
        rule["tags"] = json!([]);
    });
    caught(&bundle(json!([renamed, rest()])));
}

#[test]
fn a_guardrail_behind_a_stricter_rule_still_counts() {
    let stricter = |effect: &str| {
        json!({"id": "stop-all", "agent": "inbox.triage", "action": "quarantine", "conditions": {">=risk": 50},
            "effect": effect, "reason": "A first look at what is risky", "priority": 900})
    };
    let before = bundle(json!([guard(), rest(), stricter("deny")]));
    let after = bundle(json!([guard(), rest(), stricter("allow")]));
    let scenario = policy_bypass(&before, &after, &[], Meter::default());
    assert_eq!(scenario.verdict, ScenarioVerdict::Blocked);
}

#[test]
fn errors_outside_a_schema_count_when_they_become_allowed() {
    let schema = json!({"agents": {"inbox.triage": {"actions": ["quarantine"],
        "fields": {"risk": {"type": "integer", "min": 0, "max": 100, "required": true}}}}});
    let with_error = |effect: &str| bundle(json!({"rules": [guard(), rest()], "schema": schema, "on_error": effect}));
    let scenario = policy_bypass(&with_error("deny"), &with_error("allow"), &[], Meter::default());
    assert_eq!(scenario.verdict, ScenarioVerdict::Blocked, "{}", scenario.detail);
}

#[test]
fn a_violated_invariant_is_a_bypass() {
    let invariant: Invariant = serde_json::from_value(json!({"id": "never-reckless", "agent": "inbox.triage",
        "action": "quarantine", "never": "allow", "when": {">=risk": 80}}))
    .unwrap();
    let plain = |limit: i64| {
        bundle(json!([{"id": "deny-risky", "agent": "inbox.triage", "action": "quarantine", "effect": "deny",
            "conditions": {">=risk": limit}, "reason": "No tag on this one, on purpose", "priority": 90}, rest()]))
    };
    // Type errors are denied by default, so the invariant holds for the base.
    let holds = policy_bypass(&plain(80), &plain(75), std::slice::from_ref(&invariant), Meter::default());
    assert_eq!(holds.verdict, ScenarioVerdict::Pass, "{}", holds.detail);
    let scenario = policy_bypass(&plain(80), &plain(85), &[invariant], Meter::default());
    assert_eq!(scenario.verdict, ScenarioVerdict::Blocked);
    assert_eq!(scenario.witnesses[0].protected_by, "never-reckless");
}

#[test]
fn without_a_work_budget_nothing_is_claimed() {
    let draft = bundle(json!([with(|rule| rule["conditions"] = json!({">=risk": 90})), rest()]));
    let scenario = policy_bypass(&base(), &draft, &[], Meter::new(0, 0));
    assert_eq!(scenario.verdict, ScenarioVerdict::Undecided);
}

fn projected(margin: Option<i64>, success: Option<i64>) -> ProjectedKpis {
    ProjectedKpis {
        margin_delta_bps: margin,
        success_delta_bps: success,
        decisions: 1000,
        recorded_outcomes: 1000,
        known_margins: 1000,
        ..Default::default()
    }
}

fn conclusive(kpis: &ProjectedKpis, decisions: bool) -> Conclusive {
    Conclusive::of(kpis, decisions, 100)
}

#[test]
fn a_margin_that_collapses_while_most_decisions_change_is_blocked_from_both_limits_on() {
    use ScenarioVerdict::{Blocked, InsufficientEvidence, NoData, Pass};
    let assess = |margin, impact, decisions| {
        let kpis = projected(margin, None);
        margin_collapse(&kpis, impact, conclusive(&kpis, decisions))
    };
    for (margin, impact, decisions, verdict) in [
        (Some(-45), 6000, true, Blocked),
        (Some(-44), 6000, true, Pass),
        (Some(-45), 5999, true, Pass),
        // What has no data does not pass.
        (None, 10_000, true, NoData),
        (None, 5999, true, Pass),
        (Some(-900), 10_000, false, InsufficientEvidence),
        (Some(0), 0, false, InsufficientEvidence),
    ] {
        assert_eq!(assess(margin, impact, decisions).verdict, verdict, "{margin:?} {impact} {decisions}");
    }
    let few = ProjectedKpis { known_margins: 99, ..projected(Some(0), None) };
    assert_eq!(margin_collapse(&few, 6000, conclusive(&few, true)).verdict, InsufficientEvidence);
    let unknown = ProjectedKpis { unknown: 1, ..projected(Some(0), None) };
    assert_eq!(margin_collapse(&unknown, 6000, conclusive(&unknown, true)).verdict, InsufficientEvidence);
    let detail = assess(Some(-61), 7200, true).detail;
    assert!(detail.contains("-61 bps") && detail.contains("7200 bps"), "{detail}");
}

#[test]
fn a_regression_of_one_cohort_alone_is_blocked_from_its_limit_on() {
    let (one, other) = (("inbox.triage", "quarantine"), ("inbox.triage", "archive"));
    use ScenarioVerdict::{InsufficientEvidence, NoData, Pass};
    let assess = |success, touched: &[(&'static str, &'static str)], segments, decisions| {
        let (touched, kpis) = (touched.iter().copied().collect(), projected(None, success));
        biased_cohort(&kpis, &touched, segments, conclusive(&kpis, decisions))
    };
    let blocked = assess(Some(-15), &[one], 4, true);
    assert_eq!(blocked.verdict, ScenarioVerdict::Blocked);
    assert!(blocked.detail.contains("Only `inbox.triage` · `quarantine` changes"), "{}", blocked.detail);
    for (success, touched, segments, decisions, verdict) in [
        (Some(-14), &[one][..], 4, true, Pass),
        (Some(-15), &[one, other], 4, true, Pass),
        (Some(-15), &[], 4, true, Pass),
        (None, &[one], 4, true, NoData),
        // A single segment is not a cohort of its own.
        (Some(-400), &[one], 1, true, Pass),
        (Some(-400), &[one], 4, false, InsufficientEvidence),
    ] {
        let scenario = assess(success, touched, segments, decisions);
        assert_eq!(scenario.verdict, verdict, "{success:?} {}", scenario.detail);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Compared with trying every risk: a guardrail is bypassed exactly when something it denied becomes allowed.
    #[test]
    fn a_bypass_is_found_exactly_when_there_is_one(
        limit in 60_i64..100, priority in prop::sample::select(vec![5_u16, 500]), enabled in any::<bool>(),
        agent in prop::sample::select(vec!["inbox.triage", "inbox.*", "*", "other"]), allow_above in 60_i64..110,
    ) {
        let draft = bundle(json!([
            with(|rule| {
                rule["conditions"] = json!({">=risk": limit});
                rule["priority"] = json!(priority);
                rule["enabled"] = json!(enabled);
                rule["agent"] = json!(agent);
            }),
            rest(),
            {"id": "allow-top", "agent": "inbox.triage", "action": "quarantine", "conditions": {">=risk": allow_above},
             "effect": "allow", "reason": "A rule in the way of it", "priority": 505},
        ]));
        let (before, after) = (Prepared::new(&base()), Prepared::new(&draft));
        let ask = |agent: &str, risk: Value| policy::engine::Input {
            agent: agent.into(),
            action: "quarantine".into(),
            context: json!({"risk": risk}).as_object().unwrap().clone(),
        };
        let risks = (0..=240).map(|half| json!(f64::from(half) / 2.0)).chain([json!("text"), Value::Null]);
        let bypassed = risks.into_iter().any(|risk| ["inbox.triage", "inbox.other"].iter().any(|agent| {
            let input = ask(agent, risk.clone());
            let then = before.decide(&input);
            then.matched_rule.as_deref() == Some("guard-high-risk") && after.decide(&input).effect == Effect::Allow
        }));
        let verdict = assess(&draft).verdict;
        prop_assert_eq!(verdict == ScenarioVerdict::Blocked, bypassed);
    }
}
