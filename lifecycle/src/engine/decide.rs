//! The evaluator: which rule decides, and the answer in words.

use super::{
    Answer, EvaluationError, Input, Question, Status,
    compiled::Index,
    condition, order,
    outcome::ErrorCode,
    schema,
    trace::{self, ConditionResult, ConditionTrace, RuleResult, RuleTrace},
    words,
};
use crate::bundle::{Bundle, Effect, Rule, Schema};

/// A bundle made ready to answer: disabled rules gone, the others in evaluation order and indexed. It never changes, so any number of threads may share one.
#[derive(Debug, Clone)]
pub struct Prepared {
    // INVARIANT: enabled rules only, sorted by `order::compare`; the index names them by position.
    rules: Vec<Rule>,
    default_effect: Effect,
    on_error: Effect,
    schema: Option<Schema>,
    index: Index,
}

impl Prepared {
    /// Makes `bundle` ready.
    pub fn new(bundle: &Bundle) -> Self {
        let mut rules: Vec<Rule> = bundle.rules.iter().filter(|rule| rule.enabled).cloned().collect();
        rules.sort_by(order::compare);
        Self {
            index: Index::new(&rules),
            rules,
            default_effect: bundle.default_effect,
            on_error: bundle.on_error,
            schema: bundle.schema.clone(),
        }
    }

    /// The enabled rules, in evaluation order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Where the rule that decides is looked up.
    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// What happens when no rule matches.
    pub fn default_effect(&self) -> Effect {
        self.default_effect
    }

    /// What happens when the deciding rule, or the schema, meets a value of a wrong type.
    pub fn on_error(&self) -> Effect {
        self.on_error
    }

    /// The declared input domain, if any.
    pub fn schema(&self) -> Option<&Schema> {
        self.schema.as_ref()
    }

    /// What the bundle says about `input`. The first rule in order that matches or errs decides; an input outside an
    /// enforced schema is an error before any rule is looked at.
    pub fn decide(&self, input: &Input) -> Answer {
        self.answer(input.into())
    }

    /// The same for a question by reference.
    pub fn answer(&self, question: Question<'_>) -> Answer {
        match self.verdict(question) {
            Verdict { status: Status::Matched, rule: Some(rule), .. } => matched(rule),
            Verdict { status: Status::Error, rule: Some(rule), .. } => self.in_error(rule, question),
            Verdict { status: Status::Error, .. } => self.outside_schema(question),
            Verdict { .. } => self.no_match(question),
        }
    }

    /// The same without words: who decided, and what. Nothing is allocated but the list of rules to ask.
    pub fn verdict(&self, question: Question<'_>) -> Verdict<'_> {
        if self.schema.as_ref().is_some_and(|schema| !schema::holds(schema, question)) {
            return Verdict { effect: self.on_error, status: Status::Error, rule: None };
        }
        let first = self.index.first(&self.rules, question);
        let decided = first.and_then(|(rank, result)| Some((self.rules.get(usize::try_from(rank).ok()?)?, result)));
        match decided {
            None => Verdict { effect: self.default_effect, status: Status::NoMatch, rule: None },
            Some((rule, ConditionResult::Error)) => {
                Verdict { effect: self.on_error, status: Status::Error, rule: Some(rule) }
            }
            Some((rule, _)) => Verdict { effect: rule.effect, status: Status::Matched, rule: Some(rule) },
        }
    }

    /// Every rule that was considered, in evaluation order, down to the one that decided. Empty when the input is
    /// outside an enforced schema, because then no rule is asked.
    pub fn trace(&self, input: &Input) -> Vec<RuleTrace> {
        let input = Question::from(input);
        let mut traces = Vec::new();
        if self.schema.as_ref().is_some_and(|schema| !schema::holds(schema, input)) {
            return traces;
        }
        for rule in &self.rules {
            if !addresses(rule, input) {
                traces.push(RuleTrace {
                    rule: rule.id.clone(),
                    result: RuleResult::NotAddressed,
                    conditions: Vec::new(),
                });
                continue;
            }
            let conditions: Vec<ConditionTrace> =
                rule.conditions.iter().map(|condition| trace::condition(condition, input)).collect();
            let result = match trace::together(&conditions) {
                ConditionResult::False => RuleResult::Passed,
                ConditionResult::True => RuleResult::Matched,
                ConditionResult::Error => RuleResult::Error,
            };
            traces.push(RuleTrace { rule: rule.id.clone(), result, conditions });
            if result != RuleResult::Passed {
                break;
            }
        }
        traces
    }

    fn outside_schema(&self, input: Question<'_>) -> Answer {
        let errors = self.schema.as_ref().map(|schema| schema::violations(schema, input)).unwrap_or_default();
        let what = errors.first().map(|first| schema::sentence(first, input)).unwrap_or_default();
        Answer {
            effect: self.on_error,
            status: Status::Error,
            matched_rule: None,
            reason: format!("Error: {what}; on_error answers {}.", self.on_error.name()),
            budget: None,
            errors,
        }
    }

    fn in_error(&self, rule: &Rule, input: Question<'_>) -> Answer {
        let errors: Vec<EvaluationError> = rule
            .conditions
            .iter()
            .filter_map(|condition| {
                let value = condition::lookup(input.context, &condition.field);
                (condition::apply(&condition.test, value) == ConditionResult::Error).then(|| EvaluationError {
                    code: ErrorCode::WrongType,
                    rule: Some(rule.id.clone()),
                    field: condition.field.clone(),
                    wanted: condition::wanted_type(condition),
                    found: condition::type_of(value),
                })
            })
            .collect();
        let what = errors.first().map_or_else(String::new, |error| {
            let value = condition::lookup(input.context, &error.field);
            format!(
                "rule `{}` wants `{}` to be {}, but the input has {} there",
                rule.id,
                error.field,
                error.wanted,
                words::found(error.found, value)
            )
        });
        Answer {
            effect: self.on_error,
            status: Status::Error,
            matched_rule: Some(rule.id.clone()),
            reason: format!("Error: {what}; on_error answers {}.", self.on_error.name()),
            budget: None,
            errors,
        }
    }

    fn no_match(&self, input: Question<'_>) -> Answer {
        Answer {
            effect: self.default_effect,
            status: Status::NoMatch,
            matched_rule: None,
            reason: format!(
                "No rule matches `{}` by `{}`; the default effect answers {}.",
                clip(input.action),
                clip(input.agent),
                self.default_effect.name()
            ),
            budget: None,
            errors: Vec::new(),
        }
    }
}

/// Who decided, and what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict<'a> {
    /// The effect that holds.
    pub effect: Effect,
    /// How it came about.
    pub status: Status,
    /// The rule that matched or was in error; none for no match and for schema violations.
    pub rule: Option<&'a Rule>,
}

/// What `bundle` says about `input`. To ask more than once, keep a [`Prepared`].
pub fn decide(bundle: &Bundle, input: &Input) -> Answer {
    Prepared::new(bundle).decide(input)
}

/// Whether the rule speaks about this agent and this action.
pub fn addresses(rule: &Rule, input: Question<'_>) -> bool {
    rule.agent.matches(input.agent) && rule.action.matches(input.action)
}

fn matched(rule: &Rule) -> Answer {
    Answer {
        effect: rule.effect,
        status: Status::Matched,
        matched_rule: Some(rule.id.clone()),
        reason: rule.reason.clone(),
        budget: rule.budget,
        errors: Vec::new(),
    }
}

/// Names in sentences stay readable, whatever a caller sends.
fn clip(name: &str) -> String {
    const SHOWN: usize = 80;
    if name.chars().count() <= SHOWN {
        return name.to_owned();
    }
    name.chars().take(SHOWN).chain(['…']).collect()
}
