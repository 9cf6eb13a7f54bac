//! Negative conditions, which are false where the field is absent.

use serde_json::json;

use super::search::Search;
use crate::{
    analysis::{
        findings::{describe_input, input_to_json},
        invariants::{Question, Unwanted, as_rule},
    },
    bundle::{Condition, Effect, Invariant, Rule, Test},
    engine::{Evaluation, Input, Status, condition::lookup},
    lint::{Code, Finding, example},
};

/// A deny or a guardrail with a negative condition on a field that may be absent.
pub(super) fn absent_passes(search: &mut Search<'_>, rule: &Rule) -> Vec<Finding> {
    if rule.effect != Effect::Deny && !rule.is_guardrail() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let asked = negative(&rule.conditions).filter(|condition| !search.requires(&rule.agent, &condition.field));
    let asked: Vec<&Condition> = asked.collect();
    for condition in asked {
        let Some((input, answer)) = weaker_without(search, rule, &condition.field) else { continue };
        let by = answer.matched_rule.as_ref().map_or_else(
            || if answer.status == Status::NoMatch { "the default".to_owned() } else { "`on_error`".to_owned() },
            |id| format!("`{id}`"),
        );
        let message = format!(
            "`{condition}` is not true of an input without `{}`, so `{}` does not {} it; {by} answers {}. For example \
             when {}.",
            condition.field,
            rule.id,
            verb(rule.effect),
            answer.effect,
            describe_input(&input)
        );
        let fix = search.twin(rule, condition, &format!("?{}", condition.field), json!(false), "absent");
        findings.push(
            Search::finding(rule, Code::AbsentPasses, condition, message, &input)
                .suggest(format!("Add the same rule for the absent field: `\"?{}\": false`.", condition.field))
                .fix_if(fix),
        );
    }
    findings
}

/// An input without the field that is otherwise one of the rule's, and is answered less strictly. A rule of its own for
/// the absent field, or anything else that is as strict, closes the hole.
fn weaker_without(search: &mut Search<'_>, rule: &Rule, field: &str) -> Option<(Input, Evaluation)> {
    let is_weaker = |effect: Effect| effect > rule.effect;
    if is_weaker(Effect::Allow)
        && let Some(mut facts) = example::facts(&rule.conditions)
    {
        facts.insert(field, None);
        let input = example::input(rule, facts, search.bundle);
        let answer = search.decide(&input);
        if is_weaker(answer.effect) && lookup(&input.context, field).is_none() {
            return Some((input, answer));
        }
        let asked = Rule { conditions: without(&rule.conditions, field), ..rule.clone() };
        return search.refute(Question { asked: &asked, unwanted: Unwanted::Effect(&is_weaker) });
    }
    None
}

/// An invariant with a negative condition says nothing about inputs without the field.
pub(super) fn open_invariant(search: &mut Search<'_>, invariant: &Invariant) -> Vec<Finding> {
    let Ok(statement) = invariant.parse() else { return Vec::new() };
    let unwanted = |effect: Effect| statement.demand.is_broken_by(effect);
    let mut findings = Vec::new();
    for condition in negative(&statement.conditions) {
        if search.requires(&statement.agent, &condition.field) {
            continue;
        }
        let asked = Rule { conditions: without(&statement.conditions, &condition.field), ..as_rule(&statement) };
        let question = Question { asked: &asked, unwanted: Unwanted::Effect(&unwanted) };
        let Some((input, answer)) = search.refute(question) else { continue };
        let message = format!(
            "The invariant `{}` ({statement}) says nothing about inputs without `{}`, and one of them is answered {}: \
             when {}.",
            statement.id,
            condition.field,
            answer.effect,
            describe_input(&input)
        );
        let mut finding = Finding::new(Code::AbsentPasses, "/default_effect", message).suggest(format!(
            "An administrator can add an invariant with `\"?{}\": false` under Settings, Invariants.",
            condition.field
        ));
        finding.witness = Some(input_to_json(&input));
        findings.push(finding);
    }
    findings
}

/// The conditions that exclude values of a field of which the rule asks nothing else: a rule that asks for its presence, or for
/// a number, means inputs that have it.
fn negative(conditions: &[Condition]) -> impl Iterator<Item = &Condition> {
    let is_alone = |field: &str| conditions.iter().filter(|other| other.field == field).count() == 1;
    conditions.iter().filter(move |condition| matches!(condition.test, Test::NotIn(_)) && is_alone(&condition.field))
}

/// The conditions on other fields, and that this one is absent.
fn without(conditions: &[Condition], field: &str) -> Vec<Condition> {
    let others = conditions.iter().filter(|condition| condition.field != field).cloned();
    others.chain([Condition::new(field, Test::Present(false))]).collect()
}

const fn verb(effect: Effect) -> &'static str {
    match effect {
        Effect::Deny => "deny",
        Effect::NeedsApproval => "hold",
        Effect::Allow => "decide",
    }
}
