//! Inputs that a rule matches, as a start for the witness of a finding.

use std::{cell::OnceCell, collections::BTreeMap};

use serde_json::{Map, Value, json};

use crate::{
    analysis::{findings::input_to_json, space::context::place},
    bundle::{
        Bundle, Condition, Rule, Scalar, Test,
        condition::number_value,
        schema::{Field, FieldType},
    },
    engine::{
        Input,
        condition::{ConditionResult, apply, lookup},
        schema::admits,
    },
};

/// The values of an input by dotted path; `None` stands for absent.
pub(super) type Facts<'a> = BTreeMap<&'a str, Option<Value>>;

/// Values that make all conditions of a rule true; `None` when none are found on some field.
pub(super) fn facts<'a>(conditions: &'a [Condition]) -> Option<Facts<'a>> {
    let mut by_field: BTreeMap<&str, Vec<&Test>> = BTreeMap::new();
    for condition in conditions {
        by_field.entry(&condition.field).or_default().push(&condition.test);
    }
    by_field.into_iter().map(|(field, tests)| Some((field, satisfying(&tests)?))).collect()
}

/// The input of an example of `rule` with these facts, completed by what the schema of `bundle` requires.
pub(super) fn input(rule: &Rule, facts: Facts<'_>, bundle: &Bundle) -> Input {
    let mut input = Input {
        agent: rule.agent.example("any.agent"),
        action: rule.action.example("any_action"),
        context: Map::new(),
    };
    let declared =
        bundle.schema.as_ref().filter(|schema| schema.enforce).and_then(|schema| schema.agents.get(&input.agent));
    let mut facts = facts;
    for (name, field) in declared.iter().flat_map(|declared| &declared.fields).filter(|(_, field)| field.required) {
        facts.entry(name.as_str()).or_insert_with(|| any_of(field));
    }
    for (path, value) in facts {
        if let Some(value) = value {
            place(&mut input.context, path, value);
        }
    }
    input
}

/// The rule at a position of the document, when it could be read.
pub(super) fn rule_at(bundle: &Bundle, position: usize) -> Option<&Rule> {
    // The rules stand in the order of the document.
    bundle.rules.get(bundle.rules.binary_search_by_key(&position, |rule| rule.position).ok()?)
}

/// The example of one rule, made when it is first asked for.
pub(super) struct Example<'b> {
    bundle: &'b Bundle,
    position: usize,
    made: OnceCell<Option<(&'b Rule, Facts<'b>)>>,
}

impl<'b> Example<'b> {
    pub(super) const fn new(bundle: &'b Bundle, position: usize) -> Self {
        Self { bundle, position, made: OnceCell::new() }
    }

    /// An input that the rule matches but for one field, which has this value; `None` when there is no such rule, or no
    /// example of it.
    pub(super) fn with(&self, field: &str, value: Value) -> Option<Value> {
        let made = self.made.get_or_init(|| {
            let rule = rule_at(self.bundle, self.position)?;
            Some((rule, facts(&rule.conditions)?))
        });
        let (rule, facts) = made.as_ref()?;
        let mut facts = facts.clone();
        *facts.get_mut(field)? = Some(value.clone());
        let input = input(rule, facts, self.bundle);
        // A field inside another field that is no object has no place in any input.
        (lookup(&input.context, field) == Some(&value)).then(|| input_to_json(&input))
    }
}

/// Number of comparisons with the values of lists in the search of one value. The lists that people write need far fewer.
const MAX_COMPARED: usize = 1_000_000;

/// Number of values of a list that are tried, however long the list is.
const MIN_TRIED: usize = 16;

/// A value, or absence, that makes all tests true.
fn satisfying(tests: &[&Test]) -> Option<Option<Value>> {
    let mut numbers: Vec<f64> = Vec::new();
    let mut candidates: Vec<Option<Value>> = Vec::new();
    let listed = tests.iter().map(|test| match test {
        Test::In(list) | Test::NotIn(list) => list.len(),
        _ => 1,
    });
    // Each value of a list that is tried is compared with whole lists.
    let tried = (MAX_COMPARED / listed.sum::<usize>().max(1)).max(MIN_TRIED);
    for test in tests {
        match test {
            Test::AtLeast(bound) | Test::AtMost(bound) => numbers.push(*bound),
            Test::Above(bound) => numbers.extend([bound + 1.0, bound.next_up()]),
            Test::Below(bound) => numbers.extend([bound - 1.0, bound.next_down()]),
            Test::In(list) => candidates.extend(list.iter().take(tried).map(|value| Some(value.to_value()))),
            Test::NotIn(list) => {
                let above = |most: f64, value: &Scalar| {
                    if let Scalar::Number(number) = value { most.max(*number) } else { most }
                };
                numbers.push(list.iter().fold(0.0, above) + 1.0);
                candidates.extend([json!("something-else"), json!(true), json!(false)].map(Some));
            }
            Test::StartsWith(prefix) => {
                candidates.extend([Some(json!(format!("{prefix}example"))), Some(json!(prefix))])
            }
            Test::Present(true) => candidates.push(Some(json!("example"))),
            Test::Present(false) => candidates.push(None),
        }
    }
    numbers.sort_by(f64::total_cmp);
    let between: Vec<f64> =
        numbers.iter().zip(numbers.iter().skip(1)).map(|(low, high)| low / 2.0 + high / 2.0).collect();
    candidates.extend(numbers.into_iter().chain(between).map(|number| Some(number_value(number))));
    candidates.into_iter().find(|value| tests.iter().all(|test| apply(test, value.as_ref()) == ConditionResult::True))
}

/// A value that a declared field may have.
fn any_of(field: &Field) -> Option<Value> {
    let listed = field.allowed.iter().flatten().map(Scalar::to_value);
    let bounds = field.min.into_iter().chain(field.max).map(number_value);
    let plain = match field.kind {
        FieldType::Integer | FieldType::Number => json!(0),
        FieldType::Boolean => json!(true),
        FieldType::String => json!("example"),
    };
    listed.chain(bounds).chain([plain]).find(|value| admits(field, Some(value)))
}
