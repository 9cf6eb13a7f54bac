//! The plain evaluator: rules sorted once, found by agent and action, tried one after the other.

use std::collections::HashMap;

use super::{
    Answer, EvaluationError, Input, Question, Status, condition, order,
    outcome::ErrorCode,
    schema,
    trace::{self, ConditionResult, RuleResult, RuleTrace},
    words,
};
use crate::bundle::{ActionPattern, AgentPattern, Bundle, Effect, Rule, Schema};

/// A bundle made ready to answer: disabled rules gone, the others in evaluation order and indexed by agent and
/// action. It never changes, so any number of threads may share one.
#[derive(Debug, Clone)]
pub struct Prepared {
    // INVARIANT: enabled rules only, sorted by `order::compare`; the index holds positions in this vector, ascending.
    rules: Vec<Rule>,
    default_effect: Effect,
    on_error: Effect,
    schema: Option<Schema>,
    any_agent: ByAction,
    // INVARIANT: keys end in a dot.
    agent_prefix: HashMap<String, ByAction>,
    exact_agent: HashMap<String, ByAction>,
}

#[derive(Debug, Clone, Default)]
struct ByAction {
    any: Vec<u32>,
    exact: HashMap<String, Vec<u32>>,
}

impl ByAction {
    fn add(&mut self, action: &ActionPattern, rank: u32) {
        match action {
            ActionPattern::Any => self.any.push(rank),
            ActionPattern::Exact(name) => self.exact.entry(name.clone()).or_default().push(rank),
        }
    }

    fn lists<'a>(&'a self, action: &str) -> impl Iterator<Item = &'a [u32]> {
        std::iter::once(self.any.as_slice()).chain(self.exact.get(action).map(Vec::as_slice))
    }
}

impl Prepared {
    /// Makes `bundle` ready.
    pub fn new(bundle: &Bundle) -> Self {
        let mut rules: Vec<Rule> = bundle.rules.iter().filter(|rule| rule.enabled).cloned().collect();
        rules.sort_by(order::compare);
        let mut prepared = Self {
            rules: Vec::new(),
            default_effect: bundle.default_effect,
            on_error: bundle.on_error,
            schema: bundle.schema.clone(),
            any_agent: ByAction::default(),
            agent_prefix: HashMap::new(),
            exact_agent: HashMap::new(),
        };
        for (rank, rule) in (0..).zip(&rules) {
            let actions = match &rule.agent {
                AgentPattern::Any => &mut prepared.any_agent,
                AgentPattern::Prefix(prefix) => prepared.agent_prefix.entry(prefix.clone()).or_default(),
                AgentPattern::Exact(name) => prepared.exact_agent.entry(name.clone()).or_default(),
            };
            actions.add(&rule.action, rank);
        }
        prepared.rules = rules;
        prepared
    }

    /// The enabled rules, in evaluation order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What happens when no rule matches.
    pub fn default_effect(&self) -> Effect {
        self.default_effect
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
        for rule in self.addressed(question) {
            match try_rule(rule, question) {
                ConditionResult::False => {}
                ConditionResult::True => {
                    return Verdict { effect: rule.effect, status: Status::Matched, rule: Some(rule) };
                }
                ConditionResult::Error => {
                    return Verdict { effect: self.on_error, status: Status::Error, rule: Some(rule) };
                }
            }
        }
        Verdict { effect: self.default_effect, status: Status::NoMatch, rule: None }
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
            let conditions = rule.conditions.iter().map(|condition| trace::condition(condition, input)).collect();
            let result = match try_rule(rule, input) {
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

    /// The rules whose agent and action fit, in evaluation order: a merge of the few index lists that can hold them.
    fn addressed<'a>(&'a self, question: Question<'_>) -> impl Iterator<Item = &'a Rule> {
        let (agent, action) = (question.agent, question.action);
        let mut lists: Vec<&[u32]> = self.any_agent.lists(action).collect();
        // A prefix needs something behind its dot, as `AgentPattern::matches` has it.
        for (dot, _) in agent.match_indices('.').filter(|(dot, _)| dot + 1 < agent.len()) {
            if let Some(actions) = agent.get(..=dot).and_then(|prefix| self.agent_prefix.get(prefix)) {
                lists.extend(actions.lists(action));
            }
        }
        if let Some(actions) = self.exact_agent.get(agent) {
            lists.extend(actions.lists(action));
        }
        lists.retain(|list| !list.is_empty());
        std::iter::from_fn(move || {
            let next = lists.iter_mut().filter(|list| !list.is_empty()).min_by_key(|list| list.first().copied())?;
            let (rank, rest) = next.split_first()?;
            *next = rest;
            self.rules.get(usize::try_from(*rank).ok()?)
        })
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

/// The conditions together: false as soon as one is false, else in error when one is, else true.
fn try_rule(rule: &Rule, input: Question<'_>) -> ConditionResult {
    let mut result = ConditionResult::True;
    for condition in &rule.conditions {
        match condition::apply(&condition.test, condition::lookup(input.context, &condition.field)) {
            ConditionResult::False => return ConditionResult::False,
            ConditionResult::Error => result = ConditionResult::Error,
            ConditionResult::True => {}
        }
    }
    result
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
