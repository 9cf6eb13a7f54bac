//! A second implementation of the evaluation, straight from the contract, as a reference for the engine. For tests
//! only.

use proptest::prelude::*;
use serde_json::Value;

use super::{Input, Prepared, Status, arbitrary, trace::RuleResult};
use crate::bundle::{Bundle, Effect, NamePattern, Rule, Scalar, Test, schema::FieldType};

/// (effect, status, deciding rule)
pub type Verdict = (Effect, Status, Option<String>);

#[derive(PartialEq)]
enum Truth {
    Yes,
    No,
    WrongType,
}

fn field<'a>(input: &'a Input, path: &str) -> Option<&'a Value> {
    let steps: Vec<&str> = path.split('.').collect();
    let flat = !input.context.contains_key(steps[0]);
    let mut here = input.context.get(if flat { path } else { steps[0] });
    for step in steps.iter().skip(1).filter(|_| !flat) {
        here = here.and_then(|value| value.get(step));
    }
    here.filter(|value| !value.is_null())
}

fn truth(test: &Test, value: Option<&Value>) -> Truth {
    let yes = |holds: bool| if holds { Truth::Yes } else { Truth::No };
    let Some(value) = value else { return yes(*test == Test::Present(false)) };
    let number = || if let Value::Number(number) = value { number.as_f64() } else { None };
    let listed = |list: &[Scalar]| {
        list.iter().any(|scalar| match scalar {
            Scalar::Number(wanted) => number() == Some(*wanted),
            Scalar::String(wanted) => value.as_str() == Some(wanted),
            Scalar::Bool(wanted) => value.as_bool() == Some(*wanted),
        })
    };
    let known_type = |list: &[Scalar]| {
        list.iter().any(|scalar| match scalar {
            Scalar::Number(_) => value.is_number(),
            Scalar::String(_) => value.is_string(),
            Scalar::Bool(_) => value.is_boolean(),
        })
    };
    match test {
        Test::Present(wanted) => yes(*wanted),
        Test::AtLeast(limit) => number().map_or(Truth::WrongType, |number| yes(number >= *limit)),
        Test::AtMost(limit) => number().map_or(Truth::WrongType, |number| yes(number <= *limit)),
        Test::Above(limit) => number().map_or(Truth::WrongType, |number| yes(number > *limit)),
        Test::Below(limit) => number().map_or(Truth::WrongType, |number| yes(number < *limit)),
        Test::StartsWith(prefix) => value.as_str().map_or(Truth::WrongType, |text| yes(text.starts_with(prefix))),
        Test::In(list) | Test::NotIn(list) if !known_type(list) => Truth::WrongType,
        Test::In(list) => yes(listed(list)),
        Test::NotIn(list) => yes(!listed(list)),
    }
}

fn violates_schema(bundle: &Bundle, input: &Input) -> bool {
    let Some(schema) = bundle.schema.as_ref().filter(|schema| schema.enforce) else { return false };
    let Some(agent) = schema.agents.get(&input.agent) else { return false };
    agent.fields.iter().any(|(name, declared)| {
        let Some(value) = field(input, name) else { return declared.required };
        let typed = match declared.kind {
            FieldType::Integer => value.as_f64().is_some_and(|number| number == number.trunc()),
            FieldType::Number => value.is_number(),
            FieldType::Boolean => value.is_boolean(),
            FieldType::String => value.is_string(),
        };
        let number = value.as_f64();
        let low = declared.min.is_some_and(|min| number.is_some_and(|number| number < min));
        let high = declared.max.is_some_and(|max| number.is_some_and(|number| number > max));
        let list = declared.allowed.clone().map(Test::In);
        let unlisted = list.is_some_and(|list| truth(&list, Some(value)) != Truth::Yes);
        !typed || low || high || unlisted
    })
}

/// Names, written down once more.
fn is_name(text: &str) -> bool {
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=256).contains(&text.chars().count())
        && text.starts_with(first)
        && text.chars().all(|c| first(c) || "._:/@+#~-".contains(c))
}

fn addressed(pattern: &NamePattern, name: &str) -> bool {
    match pattern {
        NamePattern::Any => true,
        NamePattern::Prefix(prefix) => name.strip_prefix(prefix.as_str()).is_some_and(|rest| !rest.is_empty()),
        NamePattern::Exact(exact) => name == exact,
    }
}

fn fits(rule: &Rule, input: &Input) -> bool {
    addressed(&rule.agent, &input.agent) && addressed(&rule.action, &input.action)
}

/// The verdict that the contract requires.
pub fn decide(bundle: &Bundle, input: &Input) -> Verdict {
    if !is_name(&input.agent) || !is_name(&input.action) {
        return (Effect::Deny, Status::Error, None);
    }
    if violates_schema(bundle, input) {
        return (bundle.on_error, Status::Error, None);
    }
    let mut best: Option<((u16, u8, &str), Verdict)> = None;
    for rule in bundle.rules.iter().filter(|rule| rule.enabled && fits(rule, input)) {
        let truths: Vec<Truth> = rule.conditions.iter().map(|c| truth(&c.test, field(input, &c.field))).collect();
        if truths.contains(&Truth::No) {
            continue;
        }
        let strictness = match rule.effect {
            Effect::Deny => 0,
            Effect::NeedsApproval => 1,
            Effect::Allow => 2,
        };
        let rank = (1000 - rule.priority, strictness, rule.id.as_str());
        let verdict = if truths.contains(&Truth::WrongType) {
            (bundle.on_error, Status::Error, Some(rule.id.clone()))
        } else {
            (rule.effect, Status::Matched, Some(rule.id.clone()))
        };
        if best.as_ref().is_none_or(|(other, _)| rank < *other) {
            best = Some((rank, verdict));
        }
    }
    best.map_or((bundle.default_effect, Status::NoMatch, None), |(_, verdict)| verdict)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_engine_agrees_with_the_contract(
        bundle in arbitrary::bundle(0..12), inputs in prop::collection::vec(arbitrary::input(), 40),
    ) {
        let prepared = Prepared::new(&bundle);
        for input in &inputs {
            let answer = prepared.decide(input);
            let got = (answer.effect, answer.status, answer.matched_rule.clone());
            prop_assert_eq!(&got, &decide(&bundle, input), "{:?}", input);
            prop_assert_eq!(answer.errors.is_empty(), answer.status != Status::Error);
            prop_assert!(!answer.reason.is_empty());
            let verdict = prepared.verdict(input.into());
            prop_assert_eq!((verdict.effect, verdict.status), (answer.effect, answer.status));
        }
    }

    #[test]
    fn the_order_of_the_document_never_matters(
        bundle in arbitrary::bundle(1..10), input in arbitrary::input(), seed in any::<u64>(),
    ) {
        let mut shuffled = bundle.clone();
        let count = shuffled.rules.len();
        for index in 0..count {
            let other = usize::try_from(seed.rotate_left(u32::try_from(index * 7).unwrap()) % count as u64).unwrap();
            shuffled.rules.swap(index, other);
        }
        prop_assert_eq!(Prepared::new(&bundle).decide(&input), Prepared::new(&shuffled).decide(&input));
    }

    #[test]
    fn a_trace_ends_with_the_rule_that_decided(bundle in arbitrary::bundle(0..10), input in arbitrary::input()) {
        let prepared = Prepared::new(&bundle);
        let answer = prepared.decide(&input);
        let trace = prepared.trace(&input);
        let decided: Vec<_> = trace
            .iter()
            .filter(|rule| matches!(rule.result, RuleResult::Matched | RuleResult::Error))
            .collect();
        match answer.matched_rule {
            Some(rule) => {
                prop_assert_eq!(&trace.last().unwrap().rule, &rule);
                prop_assert_eq!(decided.len(), 1);
            }
            None => {
                prop_assert!(decided.is_empty());
                let whole = answer.status == Status::NoMatch;
                prop_assert_eq!(trace.len(), if whole { prepared.rules().len() } else { 0 });
            }
        }
    }
}
