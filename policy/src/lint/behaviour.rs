//! What a rule lets pass without its author noticing. Every finding here has an input that the evaluator confirms.
//!
//! ```text
//! error_opens      a strict rule errs, and `on_error` answers allow
//! absent_passes    `!=` is false where the field is absent, so a deny does not deny
//! prefix_boundary  `^=` goes on in the middle of a host or a path, or is evaded by case or a blank
//! ```

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Code, Finding, example, prefix, twin::twin};
use crate::{
    analysis::{
        findings::{describe_input, input_to_json},
        geometry::scopes_overlap,
        invariants::as_rule,
    },
    bundle::{Bundle, Condition, Effect, Invariant, NamePattern, Rule, Test},
    engine::{
        Evaluation, Input, Prepared, Status,
        condition::{ConditionResult, apply},
    },
    json::escape,
};

/// The findings about the enabled rules of `bundle` and about the invariants of the workspace.
pub fn check(bundle: &Bundle, invariants: &[Invariant]) -> Vec<Finding> {
    let mut search = Search { bundle, prepared: None, ids: None, questions: MAX_QUESTIONS };
    let mut findings = Vec::new();
    for rule in bundle.rules.iter().filter(|rule| rule.enabled) {
        if search.questions == 0 {
            break;
        }
        findings.extend(search.error_opens(rule));
        findings.extend(search.absent_passes(rule));
        findings.extend(search.prefix_boundary(rule));
    }
    findings.extend(invariants.iter().flat_map(|invariant| search.open_invariant(invariant)));
    if search.questions == 0 {
        let message = "Not every rule was searched for what it lets pass: the work budget ran out.";
        findings.push(Finding::new(Code::Undecided, "/rules", message).suggest("Split the bundle."));
    }
    findings
}

/// Maximum number of rules with which one invariant is brought together.
const MAX_SCOPES: usize = 1_000;

/// Maximum number of inputs that the evaluator is asked about. Bundles that people write need a few hundred.
const MAX_QUESTIONS: usize = 200_000;

struct Search<'a> {
    bundle: &'a Bundle,
    /// Prepared once something has to be confirmed; most bundles have nothing of the kind.
    prepared: Option<Prepared>,
    ids: Option<BTreeSet<&'a str>>,
    /// How many more inputs the evaluator may be asked about.
    questions: usize,
}

impl<'a> Search<'a> {
    fn decide(&mut self, input: &Input) -> Evaluation {
        self.questions = self.questions.saturating_sub(1);
        self.prepared.get_or_insert_with(|| Prepared::new(self.bundle)).decide(input)
    }

    fn finding(rule: &Rule, code: Code, condition: &Condition, message: String, witness: &Input) -> Finding {
        let path = format!("/rules/{}/conditions/{}", rule.position, escape(&condition.key));
        let finding = Finding::new(code, path, message).about(Some(&rule.id));
        Finding { witness: Some(input_to_json(witness)), ..finding }
    }

    /// A deny, an approval or a guardrail that some input makes err, while errors are allowed.
    fn error_opens(&mut self, rule: &Rule) -> Option<Finding> {
        if self.bundle.on_error != Effect::Allow || (rule.effect == Effect::Allow && !rule.is_guardrail()) {
            return None;
        }
        let facts = example::facts(&rule.conditions)?;
        for condition in &rule.conditions {
            let tests =
                || rule.conditions.iter().filter(|other| other.field == condition.field).map(|other| &other.test);
            let fits = facts.get(condition.field.as_str()).cloned().flatten().unwrap_or_default();
            let odd = [json!([fits]), json!({"name": fits}), json!(1), json!("text"), json!(true)];
            for value in odd {
                let results: Vec<ConditionResult> = tests().map(|test| apply(test, Some(&value))).collect();
                if results.contains(&ConditionResult::False) || !results.contains(&ConditionResult::Error) {
                    continue;
                }
                let what = kind(&value);
                let mut facts = facts.clone();
                facts.insert(&condition.field, Some(value));
                let input = example::input(rule, facts, self.bundle);
                let answer = self.decide(&input);
                if (answer.status, answer.effect) != (Status::Error, Effect::Allow) {
                    continue;
                }
                let message = format!(
                    "`{}` does not stop an input in which `{}` is {what}: that is an error, and `on_error` answers allow. \
                     For example when {}.",
                    rule.id,
                    condition.field,
                    describe_input(&input)
                );
                let fix = json!([{"op": "add", "path": "/on_error", "value": "deny"}]);
                let finding = Self::finding(rule, Code::ErrorOpens, condition, message, &input);
                return Some(
                    finding
                        .suggest("Let errors be denied (`on_error` deny): an input that cannot be understood should not pass.")
                        .fix_if(serde_json::from_value(fix).ok()),
                );
            }
        }
        None
    }

    /// A deny or a guardrail with a negative condition on a field that may be absent.
    fn absent_passes(&mut self, rule: &Rule) -> Vec<Finding> {
        if rule.effect != Effect::Deny && !rule.is_guardrail() {
            return Vec::new();
        }
        let mut findings = Vec::new();
        let mut asked =
            negative(&rule.conditions).filter(|condition| !self.requires(&rule.agent, &condition.field)).peekable();
        let Some(all) = asked.peek().and_then(|_| example::facts(&rule.conditions)) else { return findings };
        for condition in asked.collect::<Vec<_>>() {
            let mut facts = all.clone();
            facts.insert(&condition.field, None);
            let input = example::input(rule, facts, self.bundle);
            let answer = self.decide(&input);
            // A rule of its own for the absent field, or any other rule that is as strict, closes the hole.
            if answer.status == Status::Matched && answer.effect <= rule.effect {
                continue;
            }
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
            let fix = self.twin(rule, condition, &format!("?{}", condition.field), json!(false), "absent");
            findings.push(
                Self::finding(rule, Code::AbsentPasses, condition, message, &input)
                    .suggest(format!("Add the same rule for the absent field: `\"?{}\": false`.", condition.field))
                    .fix_if(fix),
            );
        }
        findings
    }

    /// A prefix that ends in the middle of a host or path, or that is easily evaded.
    fn prefix_boundary(&mut self, rule: &Rule) -> Vec<Finding> {
        let mut findings = Vec::new();
        for condition in &rule.conditions {
            let Test::StartsWith(text) = &condition.test else { continue };
            let Some(shape) = prefix::shape(text) else { continue };
            let finding = if rule.effect == Effect::Deny || rule.is_guardrail() {
                self.evaded(rule, condition, text, shape)
            } else {
                self.goes_on(rule, condition, text, shape)
            };
            findings.extend(finding);
        }
        findings
    }

    /// The answer to an example of a rule in which one field has another value.
    fn answer_with(&mut self, rule: &Rule, field: &str, value: Value) -> Option<(Input, Evaluation)> {
        let mut facts = example::facts(&rule.conditions)?;
        *facts.get_mut(field)? = Some(value);
        let input = example::input(rule, facts, self.bundle);
        let answer = self.decide(&input);
        Some((input, answer))
    }

    fn goes_on(&mut self, rule: &Rule, condition: &Condition, text: &str, shape: prefix::Shape) -> Option<Finding> {
        let beyond = prefix::beyond(text, shape)?;
        let (input, answer) = self.answer_with(rule, &condition.field, json!(beyond))?;
        if answer.matched_rule.as_deref() != Some(rule.id.as_str()) {
            return None;
        }
        let message = format!(
            "`{condition}` does not end where a part of {} ends, so `{}` also takes `{beyond}`.",
            shape.words(),
            rule.id
        );
        let key = &condition.key;
        let taken = |key: &str| rule.conditions.iter().any(|other| other.key == key);
        let (suggestion, fix) = match prefix::closed(text, shape) {
            Some(closed) => (
                format!("Write `{closed}`."),
                Some(json!([{"op": "replace", "path": path(rule, key), "value": closed}])),
            ),
            None => (
                format!("Compare the whole text: `\"{}\": \"{text}\"`.", condition.field),
                (!taken(&condition.field))
                    .then(|| json!([{"op": "move", "from": path(rule, key), "path": path(rule, &condition.field)}])),
            ),
        };
        let finding = Self::finding(rule, Code::PrefixBoundary, condition, message, &input);
        Some(finding.suggest(suggestion).fix_if(fix.and_then(|fix| serde_json::from_value(fix).ok())))
    }

    fn evaded(&mut self, rule: &Rule, condition: &Condition, text: &str, shape: prefix::Shape) -> Option<Finding> {
        let full = prefix::whole(text, shape);
        for evasion in prefix::evasions(&full, shape) {
            let (input, answer) = self.answer_with(rule, &condition.field, json!(evasion.text))?;
            if answer.effect <= rule.effect {
                continue;
            }
            let message = format!(
                "`{condition}` is evaded by {}: \"{}\" is answered {}.",
                evasion.by, evasion.text, answer.effect
            );
            let blank = evasion.text.starts_with(' ');
            let fix = blank.then(|| self.twin(rule, condition, &condition.key, json!(" "), "blank")).flatten();
            let suggestion = if blank {
                "Add the same rule for texts that start with a blank, or better: allow only what is known to be good."
            } else {
                "Let the caller send the text in small letters, or better: allow only what is known to be good."
            };
            let finding = Self::finding(rule, Code::PrefixBoundary, condition, message, &input);
            return Some(finding.suggest(suggestion).fix_if(fix));
        }
        None
    }

    /// An invariant with a negative condition says nothing about inputs without the field.
    fn open_invariant(&mut self, invariant: &Invariant) -> Vec<Finding> {
        let Ok(statement) = invariant.parse() else { return Vec::new() };
        let asked = as_rule(&statement);
        // Where the statement and a rule that breaks it meet, and where no rule does.
        let breaking =
            |rule: &&Rule| rule.enabled && statement.demand.is_broken_by(rule.effect) && scopes_overlap(rule, &asked);
        let met = self.bundle.rules.iter().filter(breaking).take(MAX_SCOPES).map(|rule| Rule {
            agent: narrower(&asked.agent, &rule.agent),
            action: narrower(&asked.action, &rule.action),
            ..asked.clone()
        });
        let scopes: Vec<Rule> = std::iter::once(asked.clone()).chain(met).collect();
        let mut findings = Vec::new();
        for condition in negative(&statement.conditions) {
            if self.requires(&statement.agent, &condition.field) {
                continue;
            }
            let Some(mut facts) = example::facts(&statement.conditions) else { continue };
            facts.insert(&condition.field, None);
            let inputs = scopes.iter().map(|scope| example::input(scope, facts.clone(), self.bundle));
            let broken = inputs.collect::<Vec<_>>().into_iter().find_map(|input| {
                let answer = self.decide(&input);
                statement.demand.is_broken_by(answer.effect).then_some((input, answer))
            });
            let Some((input, answer)) = broken else { continue };
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

    /// Whether every input for these agents that reaches a rule has the field.
    fn requires(&self, agent: &NamePattern, field: &str) -> bool {
        let (NamePattern::Exact(agent), Some(schema)) = (agent, &self.bundle.schema) else { return false };
        let declared = schema.agents.get(agent).and_then(|declared| declared.fields.get(field));
        schema.enforce && declared.is_some_and(|field| field.required)
    }

    /// The same rule once more, with another condition in place of `condition`.
    fn twin(
        &mut self,
        rule: &Rule,
        condition: &Condition,
        key: &str,
        value: Value,
        suffix: &str,
    ) -> Option<json_patch::Patch> {
        let bundle = self.bundle;
        let ids = self.ids.get_or_insert_with(|| bundle.rules.iter().map(|rule| rule.id.as_str()).collect());
        twin(rule, condition, (key, value), suffix, |id| ids.contains(id))
    }
}

/// The conditions that exclude values and are not about a field whose presence the rule asks for.
fn negative(conditions: &[Condition]) -> impl Iterator<Item = &Condition> {
    let asks_for_presence =
        |field: &str| conditions.iter().any(|other| other.field == field && matches!(other.test, Test::Present(_)));
    conditions
        .iter()
        .filter(move |condition| matches!(condition.test, Test::NotIn(_)) && !asks_for_presence(&condition.field))
}

/// The pattern of the two that matches fewer names; they overlap.
fn narrower(one: &NamePattern, other: &NamePattern) -> NamePattern {
    match (one, other) {
        (NamePattern::Any, narrow) | (narrow, NamePattern::Any) => narrow.clone(),
        (NamePattern::Prefix(a), NamePattern::Prefix(b)) if a.len() < b.len() => other.clone(),
        (NamePattern::Prefix(_), NamePattern::Exact(_)) => other.clone(),
        _ => one.clone(),
    }
}

fn path(rule: &Rule, key: &str) -> String {
    format!("/rules/{}/conditions/{}", rule.position, escape(key))
}

const fn verb(effect: Effect) -> &'static str {
    match effect {
        Effect::Deny => "deny",
        Effect::NeedsApproval => "hold",
        Effect::Allow => "decide",
    }
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
