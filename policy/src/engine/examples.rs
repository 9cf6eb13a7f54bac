//! Single cases of the evaluation, each taken from a sentence of the contract. For tests only.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Evaluation, Input, Status, ValueType, decide, evaluation::ErrorCode};
use crate::bundle::{ActionPattern, AgentPattern, ApprovalTerms, Bundle, Condition, Effect, Rule, Scalar, Test};

fn rule(id: &str, effect: Effect, priority: u16, conditions: Vec<(&str, Test)>) -> Rule {
    Rule {
        id: id.into(),
        agent: AgentPattern::Any,
        action: ActionPattern::Any,
        conditions: conditions
            .into_iter()
            .map(|(field, test)| Condition { key: field.into(), field: field.into(), test })
            .collect(),
        effect,
        reason: format!("the reason of {id}"),
        priority,
        budget: None,
        approval: ApprovalTerms::default(),
        enabled: true,
        tags: BTreeSet::new(),
        position: 0,
    }
}

fn ask(rules: Vec<Rule>, context: Value) -> Evaluation {
    let bundle = Bundle { rules, default_effect: Effect::Deny, on_error: Effect::NeedsApproval, schema: None };
    let context = context.as_object().unwrap().clone();
    decide(&bundle, &Input { agent: "inbox.triage".into(), action: "quarantine".into(), context })
}

#[test]
fn higher_priority_then_the_stricter_then_the_smaller_id_decides() {
    let allow = rule("aaa", Effect::Allow, 50, vec![]);
    let deny = rule("zzz", Effect::Deny, 50, vec![]);
    let other_deny = rule("yyy", Effect::Deny, 50, vec![]);
    let high = rule("mmm", Effect::Allow, 51, vec![]);
    let decided = |rules: Vec<Rule>| ask(rules, json!({})).matched_rule.unwrap();
    assert_eq!(decided(vec![allow.clone(), deny.clone()]), "zzz");
    assert_eq!(decided(vec![deny.clone(), other_deny, allow.clone()]), "yyy");
    assert_eq!(decided(vec![deny, allow, high]), "mmm");
}

#[test]
fn an_error_decides_only_when_no_condition_is_false() {
    let risky = vec![("risk", Test::AtLeast(80.0)), ("category", Test::In(vec![Scalar::String("spam".into())]))];
    let rules = vec![rule("one", Effect::Allow, 90, risky), rule("two", Effect::Deny, 50, vec![])];
    let error = ask(rules.clone(), json!({"risk": "85", "category": "spam"}));
    assert_eq!((error.status, error.effect), (Status::Error, Effect::NeedsApproval));
    assert_eq!(error.matched_rule.as_deref(), Some("one"));
    assert_eq!(error.errors.len(), 1);
    assert_eq!(error.errors[0].code, ErrorCode::WrongType);
    assert_eq!((error.errors[0].wanted.as_str(), error.errors[0].found), ("a number", ValueType::String));
    assert_eq!(
        error.reason,
        "Error: rule `one` wants `risk` to be a number, but the input has the string “85” there; on_error answers needs_approval."
    );
    let passed = ask(rules, json!({"risk": "85", "category": "ham"}));
    assert_eq!(passed.matched_rule.as_deref(), Some("two"));
}

#[test]
fn absent_and_null_fail_everything_but_absence() {
    let tests = [
        Test::AtLeast(0.0),
        Test::In(vec![Scalar::Bool(true)]),
        Test::NotIn(vec![Scalar::Bool(true)]),
        Test::StartsWith(String::new()),
        Test::Present(true),
    ];
    for context in [json!({}), json!({"f": null}), json!({"f": {"g": null}})] {
        for test in &tests {
            let path = if context["f"].is_object() { "f.g" } else { "f" };
            let answer = ask(vec![rule("one", Effect::Allow, 1, vec![(path, test.clone())])], context.clone());
            assert_eq!(answer.status, Status::NoMatch, "{test:?}");
        }
        let absent = vec![rule("one", Effect::Allow, 1, vec![("f.g", Test::Present(false))])];
        assert_eq!(ask(absent, context).status, Status::Matched);
    }
}

#[test]
fn a_nested_object_is_never_overridden_by_a_key_with_dots() {
    let is =
        |text: &str| vec![rule("one", Effect::Allow, 1, vec![("a.b", Test::In(vec![Scalar::String(text.into())]))])];
    assert_eq!(ask(is("nested"), json!({"a": {"b": "nested"}, "a.b": "flat"})).status, Status::Matched);
    assert_eq!(ask(is("flat"), json!({"a.b": "flat"})).status, Status::Matched);
    let absent = || vec![rule("one", Effect::Allow, 1, vec![("a.b", Test::Present(false))])];
    for first in [json!({}), json!({"c": 1}), json!({"b": null}), json!(null), json!("x"), json!([]), json!(1)] {
        let context = json!({"a": first, "a.b": "flat"});
        assert_eq!(ask(is("flat"), context.clone()).status, Status::NoMatch, "{context}");
        assert_eq!(ask(absent(), context.clone()).status, Status::Matched, "{context}");
    }
    // Only the whole path may be spelled as one key of the context itself.
    for context in [json!({"a": {"b.c": 1}}), json!({"a.b": {"c": 1}})] {
        let deep = vec![rule("one", Effect::Allow, 1, vec![("a.b.c", Test::Present(true))])];
        assert_eq!(ask(deep, context.clone()).status, Status::NoMatch, "{context}");
    }
}

#[test]
fn numbers_compare_by_value() {
    let one = vec![rule("one", Effect::Allow, 1, vec![("n", Test::In(vec![Scalar::Number(1.0)]))])];
    for text in ["1", "1.0", "1e0", "10e-1"] {
        let context: Value = serde_json::from_str(&format!("{{\"n\": {text}}}")).unwrap();
        assert_eq!(ask(one.clone(), context).status, Status::Matched, "{text}");
    }
}

#[test]
fn without_a_match_the_default_answers() {
    let answer = ask(vec![], json!({}));
    assert_eq!((answer.status, answer.effect, answer.matched_rule), (Status::NoMatch, Effect::Deny, None));
    assert_eq!(answer.reason, "No rule matches `quarantine` by `inbox.triage`; the default effect answers deny.");
}
