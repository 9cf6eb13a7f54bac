//! The verdicts as findings of the linter.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Meter, analyse,
    verdict::{Analysis, RuleOverlap},
};
use crate::{
    bundle::{Bundle, Code, Finding, Rule},
    characters::write_out,
    engine::Input,
};

/// The findings of an analysis of `bundle`, in the order of the rules.
pub fn findings(bundle: &Bundle, meter: Meter) -> Vec<Finding> {
    render(&analyse(bundle, meter), bundle)
}

/// The findings of `analysis`, which must be an analysis of `bundle`, in the order of the rules.
pub fn render(analysis: &Analysis, bundle: &Bundle) -> Vec<Finding> {
    let rules: BTreeMap<&str, &Rule> = bundle.rules.iter().map(|rule| (rule.id.as_str(), rule)).collect();
    let mut findings = rule_findings(analysis, &rules);
    findings.sort_by_key(|(position, _)| *position);
    let mut findings: Vec<Finding> = findings.into_iter().map(|(_, finding)| finding).collect();
    findings.extend(bundle_findings(analysis, bundle));
    findings
}

/// Whether the conditions of a rule are about a field and about one inside it.
fn impossible(rule: Option<&&Rule>) -> bool {
    let fields = || rule.into_iter().flat_map(|rule| &rule.conditions).map(|condition| condition.field.as_str());
    fields().any(|outer| fields().any(|inner| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))))
}

fn rule_findings(analysis: &Analysis, rules: &BTreeMap<&str, &Rule>) -> Vec<(usize, Finding)> {
    let mut findings = Vec::new();
    let mut say = |id: &str, code: Code, message: String, suggestion: &str, witness: Option<&Input>| {
        let position = rules.get(id).map_or(usize::MAX, |rule| rule.position);
        findings.push((
            position,
            Finding {
                code,
                severity: code.severity(),
                rule_id: Some(id.to_owned()),
                path: format!("/rules/{position}"),
                message,
                suggestion: Some(suggestion.to_owned()),
                fix: None,
                witness: witness.map(input_to_json),
            },
        ));
    };
    for dead in &analysis.unreachable {
        let message = match dead.covered_by.as_slice() {
            [] if impossible(rules.get(dead.rule.as_str())) => format!(
                "`{}` can never match: it asks for a field that is no object and for fields inside that field",
                dead.rule
            ),
            [] => format!("`{}` can never match: the schema admits no input that it asks for", dead.rule),
            [one] => format!("`{}` can never match: `{one}` is looked at first and decides all of it", dead.rule),
            several => {
                format!("`{}` can never match: {} together decide all of it first", dead.rule, list(several))
            }
        };
        say(&dead.rule, Code::Unreachable, message, "raise its priority, narrow what covers it, or delete it", None);
    }
    for rule in &analysis.redundant {
        let message = format!("`{rule}` changes nothing: without it every input gets the same answer");
        say(rule, Code::Redundant, message, "delete it, or check that it says what its reason promises", None);
    }
    for RuleOverlap { first, second, witness } in &analysis.conflicts {
        let effect = |id: &str| rules.get(id).map(|rule| rule.effect.to_string()).unwrap_or_default();
        let priority = rules.get(first.as_str()).map_or(0, |rule| rule.priority);
        let message = format!(
            "`{first}` ({}) and `{second}` ({}) both match at priority {priority}, for example when {}; the stricter one wins",
            effect(first),
            effect(second),
            describe_input(witness)
        );
        say(
            second,
            Code::Conflict,
            message,
            "give one of them a higher priority, so that the order is meant",
            Some(witness),
        );
    }
    for RuleOverlap { first, second, witness } in &analysis.shadowed_guardrails {
        let message =
            format!("guardrail `{second}` is pre-empted by `{first}`, for example when {}", describe_input(witness));
        say(second, Code::GuardrailShadowed, message, "give the guardrail the higher priority", Some(witness));
    }
    for rule in &analysis.undecided {
        let message = format!("`{rule}` could not be analysed completely within the work budget");
        say(rule, Code::Undecided, message, "split the bundle, or declare a schema that narrows its fields", None);
    }
    findings
}

fn bundle_findings(analysis: &Analysis, bundle: &Bundle) -> Vec<Finding> {
    let info = |code: Code, message: String, suggestion: &str, witness: Option<Value>| Finding {
        code,
        severity: code.severity(),
        rule_id: None,
        path: "/default_effect".to_owned(),
        message,
        suggestion: Some(suggestion.to_owned()),
        fix: None,
        witness,
    };
    let mut findings = Vec::new();
    for gap in &analysis.gaps {
        let message = format!(
            "`{}` · `{}` falls to the default ({}) for some inputs, for example when {}",
            gap.agent,
            gap.action,
            bundle.default_effect,
            describe_input(&gap.witness)
        );
        findings.push(info(
            Code::Gap,
            message,
            "add a rule if the default is not what you want",
            Some(input_to_json(&gap.witness)),
        ));
    }
    for (agent, action) in &analysis.undecided_gaps {
        let message =
            format!("whether `{agent}` · `{action}` is fully covered could not be decided within the work budget");
        findings.push(info(Code::Undecided, message, "declare a schema that narrows its fields", None));
    }
    if analysis.too_large {
        let message =
            "the bundle distinguishes too many agents and actions to be analysed within the work budget".to_owned();
        findings.push(info(Code::Undecided, message, "split the bundle", None));
    }
    findings
}

pub(crate) fn input_to_json(input: &Input) -> Value {
    json!({ "agent": input.agent, "action": input.action, "context": input.context })
}

/// An input in words, for a person: `inbox.triage asks to quarantine with risk_score 87, category phishing`.
pub fn describe_input(input: &Input) -> String {
    let facts: Vec<String> = input
        .context
        .iter()
        .map(|(field, value)| match value {
            Value::String(text) => format!("{} {}", write_out(field), write_out(text)),
            other => format!("{} {}", write_out(field), write_out(&other.to_string())),
        })
        .collect();
    let facts = if facts.is_empty() { "an empty context".to_owned() } else { facts.join(", ") };
    format!("{} asks to {} with {facts}", input.agent, input.action)
}

fn list(ids: &[String]) -> String {
    match ids {
        [head @ .., last] if !head.is_empty() => {
            let head: Vec<String> = head.iter().map(|id| format!("`{id}`")).collect();
            format!("{} and `{last}`", head.join(", "))
        }
        _ => ids.iter().map(|id| format!("`{id}`")).collect(),
    }
}
