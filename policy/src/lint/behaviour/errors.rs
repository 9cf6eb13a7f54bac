//! Strict rules that err, while `on_error` answers allow.

use serde_json::{Value, json};

use super::search::Search;
use crate::{
    analysis::{
        findings::describe_input,
        invariants::{Question, Unwanted},
    },
    bundle::{Condition, Effect, Rule},
    engine::{
        Input, Status,
        condition::{ConditionResult, apply, lookup},
    },
    lint::{Code, Finding, example},
};

/// A deny, an approval or a guardrail that some input makes err, while errors are allowed.
pub(super) fn error_opens(search: &mut Search<'_>, rule: &Rule) -> Option<Finding> {
    if search.bundle.on_error != Effect::Allow || (rule.effect == Effect::Allow && !rule.is_guardrail()) {
        return None;
    }
    let (field, input) = likely_error(search, rule).or_else(|| {
        let asked = Rule { conditions: Vec::new(), ..rule.clone() };
        let (input, _) = search.refute(Question { asked: &asked, unwanted: Unwanted::ErrorOf(rule) })?;
        let errs = |condition: &&Condition| {
            apply(&condition.test, lookup(&input.context, &condition.field)) == ConditionResult::Error
        };
        let field = rule.conditions.iter().find(errs)?.field.clone();
        Some((field, input))
    })?;
    let condition = rule.conditions.iter().find(|condition| condition.field == field)?;
    let what = lookup(&input.context, &field).map_or("absent", kind);
    let message = format!(
        "`{}` does not stop an input in which `{field}` is {what}: that is an error, and `on_error` answers allow. For \
         example when {}.",
        rule.id,
        describe_input(&input)
    );
    let fix = json!([{"op": "add", "path": "/on_error", "value": "deny"}]);
    let finding = Search::finding(rule, Code::ErrorOpens, condition, message, &input);
    Some(
        finding
            .suggest("Let errors be denied (`on_error` deny): an input that cannot be understood should not pass.")
            .fix_if(serde_json::from_value(fix).ok()),
    )
}

/// An example of a rule in which the value of one field is of another type, when it is an error; with the field.
fn likely_error(search: &mut Search<'_>, rule: &Rule) -> Option<(String, Input)> {
    let facts = example::facts(&rule.conditions)?;
    for condition in &rule.conditions {
        let tests = || rule.conditions.iter().filter(|other| other.field == condition.field).map(|other| &other.test);
        let fits = facts.get(condition.field.as_str()).cloned().flatten().unwrap_or_default();
        let odd = [json!([fits]), json!({"name": fits}), json!(1), json!("text"), json!(true)];
        for value in odd {
            let results: Vec<ConditionResult> = tests().map(|test| apply(test, Some(&value))).collect();
            if results.contains(&ConditionResult::False) || !results.contains(&ConditionResult::Error) {
                continue;
            }
            let mut facts = facts.clone();
            facts.insert(&condition.field, Some(value));
            let input = example::input(rule, facts, search.bundle);
            let answer = search.decide(&input);
            if (answer.status, answer.effect) == (Status::Error, Effect::Allow) {
                return Some((condition.field.clone(), input));
            }
        }
    }
    None
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Bool(_) => "true or false",
        Value::Null => "null",
    }
}
