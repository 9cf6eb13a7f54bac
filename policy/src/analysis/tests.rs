//! Every verdict compared with exhaustive enumeration over a small domain, and every witness with the evaluator.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Meter, analyse, diff::NewAllows, semantic_diff};
use crate::{
    bundle::{
        ActionPattern, AgentPattern, ApprovalTerms, Bundle, Condition, Effect, Rule, Scalar, Schema, Test,
        rule::GUARDRAIL,
        schema::{AgentSchema, Field, FieldType},
    },
    engine::{Evaluation, Input, Prepared, Status, order},
};

const FIELDS: [&str; 3] = ["x", "s", "deep.y"];

fn rule(id: &str, agent: AgentPattern, action: ActionPattern, conditions: Vec<Condition>, effect: Effect) -> Rule {
    Rule {
        id: id.to_owned(),
        agent,
        action,
        conditions,
        effect,
        reason: "because it is so".to_owned(),
        priority: 50,
        budget: None,
        approval: ApprovalTerms::default(),
        enabled: true,
        tags: BTreeSet::new(),
        position: 0,
    }
}

fn scalars() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        prop::sample::select(vec![0.0, 1.0, 2.0]).prop_map(Scalar::Number),
        prop::sample::select(vec!["a", "ab", "b"]).prop_map(|text| Scalar::String(text.to_owned())),
        any::<bool>().prop_map(Scalar::Bool),
    ]
}

fn tests() -> impl Strategy<Value = Test> {
    let limit = prop::sample::select(vec![0.0, 1.0, 2.0]);
    prop_oneof![
        limit.clone().prop_map(Test::AtLeast),
        limit.clone().prop_map(Test::AtMost),
        limit.clone().prop_map(Test::Above),
        limit.prop_map(Test::Below),
        prop::collection::vec(scalars(), 0..3).prop_map(Test::In),
        prop::collection::vec(scalars(), 0..3).prop_map(Test::NotIn),
        prop::sample::select(vec!["", "a", "ab"]).prop_map(|text| Test::StartsWith(text.to_owned())),
        any::<bool>().prop_map(Test::Present),
    ]
}

pub(super) fn conditions() -> impl Strategy<Value = Vec<Condition>> {
    prop::collection::vec(
        (prop::sample::select(FIELDS.to_vec()), tests()).prop_map(|(field, test)| Condition {
            key: field.to_owned(),
            field: field.to_owned(),
            test,
        }),
        0..4,
    )
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let agent = prop_oneof![
        2 => Just(AgentPattern::Any),
        1 => Just(AgentPattern::Prefix("in.".to_owned())),
        1 => Just(AgentPattern::Prefix("in.box-".to_owned())),
        3 => Just(AgentPattern::Exact("in.box".to_owned())),
        1 => Just(AgentPattern::Exact("out".to_owned())),
    ];
    let action = prop_oneof![
        3 => Just(ActionPattern::Any),
        2 => Just(ActionPattern::Exact("go".to_owned())),
        1 => Just(ActionPattern::Exact("go_on".to_owned())),
        2 => Just(ActionPattern::Prefix("go_".to_owned())),
    ];
    let one = (agent, action, conditions(), prop::sample::select(Effect::ALL.to_vec()), 0u16..3, any::<bool>());
    prop::collection::vec(one, 1..7).prop_map(|rules| {
        rules
            .into_iter()
            .enumerate()
            .map(|(index, (agent, action, conditions, effect, priority, guardrail))| {
                let mut rule = rule(&format!("rule-{index}"), agent, action, conditions, effect);
                rule.priority = priority;
                rule.position = index;
                if guardrail {
                    rule.tags.insert(GUARDRAIL.to_owned());
                }
                rule
            })
            .collect()
    })
}

fn schemas() -> impl Strategy<Value = Option<Schema>> {
    let integer = Field { kind: FieldType::Integer, min: Some(0.0), max: Some(2.0), allowed: None, required: true };
    let open = Field { kind: FieldType::Number, min: None, max: Some(1.0), allowed: None, required: false };
    let letter = Field {
        kind: FieldType::String,
        min: None,
        max: None,
        allowed: Some(vec![Scalar::String("a".into()), Scalar::String("zz".into())]),
        required: false,
    };
    let field = prop::sample::select(vec![integer, open, letter]);
    let fields = prop::collection::btree_map(prop::sample::select(FIELDS.to_vec()), field, 0..3);
    prop::option::of((fields, any::<bool>()).prop_map(|(fields, enforce)| Schema {
        enforce,
        agents: BTreeMap::from([(
            "in.box".to_owned(),
            AgentSchema {
                actions: vec!["go".to_owned()],
                fields: fields.into_iter().map(|(name, field)| (name.to_owned(), field)).collect(),
            },
        )]),
    }))
}

pub(super) fn bundles() -> impl Strategy<Value = Bundle> {
    let effect = || prop::sample::select(Effect::ALL.to_vec());
    (rules(), effect(), effect(), schemas()).prop_map(|(rules, default_effect, on_error, schema)| Bundle {
        rules,
        default_effect,
        on_error,
        schema,
    })
}

/// Every input that the thresholds and strings of the generators distinguish, and some that they do not.
pub(super) fn inputs() -> Vec<Input> {
    let values = [
        Value::Null,
        json!(false),
        json!(true),
        json!(-0.5),
        json!(0),
        json!(0.5),
        json!(1),
        json!(1.5),
        json!(2),
        json!(3),
        json!("a"),
        json!("ab"),
        json!("abc"),
        json!("ac"),
        json!("b"),
        json!("zz"),
        json!([]),
    ];
    let mut inputs = Vec::new();
    for agent in ["in.box", "in.box-1", "in.other", "out", "else"] {
        for action in ["go", "go_on", "go_off", "stay"] {
            for x in &values {
                for s in &values {
                    for y in &values {
                        let context: Map<String, Value> =
                            [("x", x.clone()), ("s", s.clone()), ("deep", json!({ "y": y }))]
                                .into_iter()
                                .map(|(field, value)| (field.to_owned(), value))
                                .collect();
                        inputs.push(Input { agent: agent.to_owned(), action: action.to_owned(), context });
                    }
                }
            }
        }
    }
    inputs
}

fn outcome(answer: &Evaluation) -> (Effect, bool) {
    (answer.effect, answer.status == Status::Error)
}

fn is_violation(answer: &Evaluation) -> bool {
    answer.status == Status::Error && answer.matched_rule.is_none()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn verdicts_agree_with_trying_every_input(bundle in bundles()) {
        let analysis = analyse(&bundle, Meter::default());
        prop_assert!(analysis.undecided.is_empty() && analysis.undecided_gaps.is_empty() && !analysis.too_large);
        let prepared = Prepared::new(&bundle);
        let without: Vec<(String, Prepared)> = bundle.rules.iter().map(|removed| {
            let rules = bundle.rules.iter().filter(|rule| rule.id != removed.id).cloned().collect();
            (removed.id.clone(), Prepared::new(&Bundle { rules, ..bundle.clone() }))
        }).collect();
        let mut sorted: Vec<&Rule> = bundle.rules.iter().collect();
        sorted.sort_by(|a, b| order::compare(a, b));
        let alone: Vec<(&Rule, Prepared)> = sorted.iter().map(|rule| {
            (*rule, Prepared::new(&Bundle { rules: vec![(*rule).clone()], ..bundle.clone() }))
        }).collect();

        let mut reached: BTreeSet<String> = BTreeSet::new();
        let mut matters: BTreeSet<String> = BTreeSet::new();
        let mut conflicts: BTreeSet<(String, String)> = BTreeSet::new();
        let mut shadows: BTreeSet<(String, String)> = BTreeSet::new();
        let mut gaps: BTreeSet<(String, String)> = BTreeSet::new();
        for input in inputs() {
            let answer = prepared.decide(&input);
            if is_violation(&answer) { continue; }
            match (&answer.status, &answer.matched_rule) {
                (Status::Matched, Some(first)) => {
                    reached.insert(first.clone());
                    let winner = sorted.iter().find(|rule| rule.id == *first).unwrap();
                    for (second, only) in &alone {
                        if second.id == *first || only.decide(&input).status != Status::Matched { continue; }
                        let pair = (first.clone(), second.id.clone());
                        if second.priority == winner.priority && second.effect != winner.effect {
                            conflicts.insert(pair);
                        } else if second.tags.contains(GUARDRAIL) && winner.effect > second.effect {
                            shadows.insert(pair);
                        }
                    }
                }
                (Status::NoMatch, _) => { gaps.insert((input.agent.clone(), input.action.clone())); }
                _ => {}
            }
            for (removed, rest) in &without {
                if !matters.contains(removed) && outcome(&rest.decide(&input)) != outcome(&answer) {
                    matters.insert(removed.clone());
                }
            }
        }
        let all: BTreeSet<String> = bundle.rules.iter().map(|rule| rule.id.clone()).collect();
        let unreachable: BTreeSet<String> = analysis.unreachable.iter().map(|dead| dead.rule.clone()).collect();
        prop_assert_eq!(&unreachable, &all.difference(&reached).cloned().collect(), "unreachable");
        let redundant: BTreeSet<String> = analysis.redundant.iter().cloned().collect();
        let expected: BTreeSet<String> = reached.difference(&matters).cloned().collect();
        prop_assert_eq!(redundant, expected, "redundant");
        let pairs = |list: &[super::verdict::RuleOverlap]| -> BTreeSet<(String, String)> {
            list.iter().map(|overlap| (overlap.first.clone(), overlap.second.clone())).collect()
        };
        prop_assert_eq!(pairs(&analysis.conflicts), conflicts, "conflicts");
        prop_assert_eq!(pairs(&analysis.shadowed_guardrails), shadows, "shadowed guardrails");

        for overlap in analysis.conflicts.iter().chain(&analysis.shadowed_guardrails) {
            prop_assert_eq!(prepared.decide(&overlap.witness).matched_rule, Some(overlap.first.clone()));
            let (_, second) = alone.iter().find(|(rule, _)| rule.id == overlap.second).unwrap();
            prop_assert_eq!(second.decide(&overlap.witness).status, Status::Matched);
        }
        for gap in &analysis.gaps {
            prop_assert_eq!(prepared.decide(&gap.witness).status, Status::NoMatch);
        }
        let found: BTreeSet<(String, String)> =
            analysis.gaps.iter().map(|gap| (gap.agent.clone(), gap.action.clone())).collect();
        // Gaps are searched only for named pairs; the enumeration also tries unnamed pairs.
        let named: BTreeSet<(String, String)> = gaps.into_iter().filter(|pair| {
            let agent = bundle.schema.as_ref().is_some_and(|schema| schema.agents.contains_key(&pair.0))
                || bundle.rules.iter().any(|rule| rule.agent == AgentPattern::Exact(pair.0.clone()));
            let action = bundle.schema.as_ref().is_some_and(|schema| schema.agents.contains_key(&pair.0) && pair.1 == "go")
                || bundle.rules.iter().any(|rule| {
                    rule.agent.matches(&pair.0) && rule.action == ActionPattern::Exact(pair.1.clone())
                });
            agent && action
        }).collect();
        prop_assert_eq!(found, named, "gaps");
    }

    #[test]
    fn a_semantic_diff_is_disjoint_complete_and_true(a in bundles(), b in bundles(), keep in prop::collection::vec(any::<bool>(), 7)) {
        // Keep some rules of the first bundle in the second: real edits are small.
        let rules = b.rules.iter().enumerate().map(|(index, rule)| {
            let kept = a.rules.get(index).filter(|_| keep.get(index).copied().unwrap_or_default());
            kept.unwrap_or(rule).clone()
        }).collect();
        let b = Bundle { rules, ..b };
        let (b, a) = if keep[0] { (Bundle { schema: a.schema.clone(), default_effect: a.default_effect, on_error: a.on_error, ..b }, a) } else { (b, a) };
        let diff = semantic_diff(&a, &b, Meter::default());
        prop_assert!(diff.complete);
        let (before, after) = (Prepared::new(&a), Prepared::new(&b));
        let rule = |answer: &Evaluation| answer.matched_rule.clone();
        let mut newly = false;
        for input in inputs() {
            let (old, new) = (before.decide(&input), after.decide(&input));
            newly |= old.effect != Effect::Allow && new.effect == Effect::Allow;
            let differs = outcome(&old) != outcome(&new);
            let holding: Vec<_> = diff.regions.iter().filter(|region| region.holds(&diff, (&input).into())).collect();
            prop_assert_eq!(holding.len(), usize::from(differs), "{:?}: {:?} → {:?}", input, old, new);
            if let [region] = holding.as_slice() {
                prop_assert_eq!((outcome(&old), outcome(&new)), ((region.before.effect, region.before.error), (region.after.effect, region.after.error)));
                prop_assert_eq!((rule(&old), rule(&new)), (region.before_rule.clone(), region.after_rule.clone()));
            }
        }
        for region in &diff.regions {
            let (old, new) = (before.decide(&region.witness), after.decide(&region.witness));
            prop_assert_eq!((outcome(&old), outcome(&new)), ((region.before.effect, region.before.error), (region.after.effect, region.after.error)));
        }
        prop_assert_eq!(matches!(diff.new_allows, NewAllows::Some(_)), diff.regions.iter().any(|r| r.after.effect == Effect::Allow && r.before.effect != Effect::Allow));
        prop_assert!(!newly || matches!(diff.new_allows, NewAllows::Some(_)));
    }

    #[test]
    fn a_covering_set_covers_and_none_of_it_can_be_left_out(bundle in bundles()) {
        let analysis = analyse(&bundle, Meter::default());
        for dead in &analysis.unreachable {
            let reach = |keep: &dyn Fn(&str) -> bool| {
                let rules: Vec<Rule> = bundle.rules.iter()
                    .filter(|rule| rule.id == dead.rule || keep(&rule.id)).cloned().collect();
                !analyse(&Bundle { rules, ..bundle.clone() }, Meter::default())
                    .unreachable.iter().any(|other| other.rule == dead.rule)
            };
            prop_assert!(!reach(&|id| dead.covered_by.iter().any(|name| name == id)), "covers");
            for left_out in &dead.covered_by {
                prop_assert!(reach(&|id| id != left_out && dead.covered_by.iter().any(|name| name == id)), "minimal");
            }
        }
    }
}

#[test]
fn two_rules_together_cover_a_third() {
    let when = |test: Test| vec![Condition { key: "x".into(), field: "x".into(), test }];
    let any = || (AgentPattern::Exact("in.box".into()), ActionPattern::Exact("go".into()));
    let make = |id: &str, test: Test, priority: u16| {
        let (agent, action) = any();
        Rule { priority, ..rule(id, agent, action, when(test), Effect::Deny) }
    };
    let bundle = Bundle {
        rules: vec![
            make("low", Test::Below(50.0), 90),
            make("high", Test::AtLeast(50.0), 80),
            make("middle", Test::AtLeast(40.0), 10),
        ],
        default_effect: Effect::Deny,
        on_error: Effect::Deny,
        schema: None,
    };
    let analysis = analyse(&bundle, Meter::default());
    let dead = analysis.unreachable.first().unwrap();
    assert_eq!((dead.rule.as_str(), dead.covered_by.len()), ("middle", 2));
}

#[test]
fn a_spent_budget_is_reported() {
    let conditions = |n: usize| {
        (0..6)
            .map(|f| Condition {
                key: format!("f{f}"),
                field: format!("f{f}"),
                test: Test::AtLeast(((n * 7 + f * 3) % 11) as f64),
            })
            .collect::<Vec<_>>()
    };
    let rules = (0..60)
        .map(|n| {
            rule(&format!("rule-{n:02}"), AgentPattern::Any, ActionPattern::Any, conditions(n), Effect::ALL[n % 3])
        })
        .collect();
    let bundle = Bundle { rules, default_effect: Effect::Deny, on_error: Effect::Deny, schema: None };
    let analysis = analyse(&bundle, Meter::new(500, 50));
    assert!(analysis.too_large || !analysis.undecided.is_empty());
}

#[test]
fn a_moved_threshold_is_described_in_words() {
    let integer = Field { kind: FieldType::Integer, min: Some(0.0), max: Some(100.0), allowed: None, required: true };
    let bundle = |threshold: f64, schema: Option<Schema>| Bundle {
        rules: vec![rule(
            "quarantine",
            AgentPattern::Exact("in.box".into()),
            ActionPattern::Exact("go".into()),
            vec![
                Condition { key: ">=risk".into(), field: "risk".into(), test: Test::AtLeast(threshold) },
                Condition {
                    key: "category".into(),
                    field: "category".into(),
                    test: Test::In(vec![Scalar::String("phishing".into()), Scalar::String("malware".into())]),
                },
            ],
            Effect::Allow,
        )],
        default_effect: Effect::Deny,
        on_error: Effect::Deny,
        schema,
    };
    let declared = AgentSchema { actions: vec![], fields: BTreeMap::from([("risk".to_owned(), integer)]) };
    let schema = Schema { enforce: true, agents: BTreeMap::from([("in.box".to_owned(), declared)]) };
    let describe = |schema: Option<Schema>| {
        let diff = semantic_diff(&bundle(90.0, schema.clone()), &bundle(85.0, schema), Meter::default());
        let mut regions: Vec<Vec<String>> = diff
            .regions
            .iter()
            .filter(|region| !region.after.error) // a category of a wrong type becomes an error there, a region of its own
            .map(|region| region.conditions.iter().map(|p| format!("{} {}", p.field, p.values)).collect())
            .collect();
        regions.sort();
        (regions, diff.new_allows)
    };
    let (regions, new_allows) = describe(Some(schema));
    assert_eq!(regions, [["category malware or phishing", "risk 85 to 89"]]);
    assert_eq!(new_allows, NewAllows::Some(1));
    let (regions, _) = describe(None);
    assert_eq!(regions[0], ["category malware or phishing", "risk ≥ 85 and < 90"]);
}
