//! The evaluator: it finds the deciding rule, and gives the answer with its reason.

use std::collections::BTreeMap;

use serde_json::Map;

use super::{
    Evaluation, EvaluationError, Input, Question, Status,
    compiled::{Index, fact_source::FactSource},
    condition,
    evaluation::ErrorCode,
    explanation,
    names::{self, clip},
    order,
    request::{self, Request},
    rule_table::{RuleRef, RuleTable},
    scan::{self, Paths},
    schema,
    trace::{self, ConditionResult, ConditionTrace, RuleResult, RuleTrace},
};
use crate::{
    bundle::{Bundle, Effect, Rule, Schema},
    json::{self, Malformed},
};

/// A bundle prepared for evaluation: disabled rules are removed, the others are in evaluation order and indexed. A
/// prepared bundle never changes, so any number of threads may share one.
#[derive(Debug, Clone)]
pub struct Prepared {
    // INVARIANT: enabled rules only, sorted by `order::compare`; the index names them by position.
    rules: RuleTable,
    default_effect: Effect,
    on_error: Effect,
    schema: Option<Schema>,
    index: Index,
    /// The fields of the index, followed by those that only the schema declares.
    paths: Paths,
    /// For every declared agent, the numbers of the agent's fields, in the order of their declaration.
    declared: BTreeMap<String, Vec<u32>>,
}

impl Prepared {
    /// Prepares `bundle`.
    pub fn new(bundle: &Bundle) -> Self {
        let mut rules: Vec<&Rule> = bundle.rules.iter().filter(|rule| rule.enabled).collect();
        rules.sort_by(|a, b| order::compare(a, b));
        let index = Index::new(&rules);
        let mut paths: Vec<&str> = index.fields().iter().map(String::as_str).collect();
        let mut numbers: BTreeMap<&str, u32> = (0..).zip(&paths).map(|(number, path)| (*path, number)).collect();
        let mut declared = BTreeMap::new();
        for (agent, schema) in bundle.schema.iter().filter(|schema| schema.enforce).flat_map(|schema| &schema.agents) {
            let fields = schema.fields.keys().map(|path| {
                *numbers.entry(path).or_insert_with(|| {
                    paths.push(path);
                    u32::try_from(paths.len() - 1).unwrap_or(u32::MAX)
                })
            });
            declared.insert(agent.clone(), fields.collect());
        }
        Self {
            paths: Paths::new(paths.into_iter()),
            declared,
            index,
            rules: RuleTable::new(&rules),
            default_effect: bundle.default_effect,
            on_error: bundle.on_error,
            schema: bundle.schema.clone(),
        }
    }
}

impl From<Bundle> for Prepared {
    /// Prepares `bundle`.
    fn from(bundle: Bundle) -> Self {
        Self::new(&bundle)
    }
}

impl Prepared {
    /// The enabled rules, in evaluation order.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = RuleRef<'_>> {
        RuleRef::all(&self.rules, &self.index)
    }

    /// The enabled rule at this place in evaluation order.
    pub fn rule(&self, rank: usize) -> Option<RuleRef<'_>> {
        RuleRef::new(&self.rules, &self.index, u32::try_from(rank).ok()?)
    }

    /// The index that finds the deciding rule.
    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// The effect when no rule matches.
    pub fn default_effect(&self) -> Effect {
        self.default_effect
    }

    /// The effect when the deciding rule, or the schema, meets a value of the wrong type.
    pub fn on_error(&self) -> Effect {
        self.on_error
    }

    /// The declared input domain, if any.
    pub fn schema(&self) -> Option<&Schema> {
        self.schema.as_ref()
    }

    /// The answer to `input`. The first rule in order that matches or is in error decides. An input whose agent or action
    /// is no name, or that violates an enforced schema, is an error before any rule is considered.
    pub fn decide(&self, input: &Input) -> Evaluation {
        self.answer(input.into())
    }

    /// [`Self::decide`] for a question by reference.
    pub fn answer(&self, question: Question<'_>) -> Evaluation {
        match self.verdict(question) {
            Verdict { status: Status::Matched, rule: Some(rule), .. } => matched(rule),
            Verdict { status: Status::Error, rule: Some(rule), .. } => self.rule_error(rule, question),
            Verdict { status: Status::Error, .. } => {
                names::refusal(question.agent, question.action).unwrap_or_else(|| self.schema_error(question))
            }
            Verdict { .. } => self.no_match(question),
        }
    }

    /// Decodes an ordinary request and decides it in the same pass over its bytes. Returns `None` for a body that is
    /// out of the ordinary (see [`request`]); the caller must then parse the body into a tree. Nothing is allocated
    /// when the bundle reads no more than about thirty fields.
    pub fn decide_request<'a>(&self, body: &'a [u8]) -> Option<(Request<'a>, Verdict<'_>)> {
        request::with_decoded_request(&self.paths, body, |request, facts| {
            (*request, self.verdict_by(request.agent, request.action, facts))
        })
    }

    /// The answer to a request that was decoded for another bundle.
    ///
    /// # Errors
    /// The context is not a JSON object, or repeats a member.
    pub fn answer_request(&self, request: &Request<'_>) -> Result<Evaluation, Malformed> {
        let verdict = self.verdict_json(request.agent, request.action, request.context.as_bytes())?;
        self.explain(verdict, request)
    }

    /// The answer to `request`, with its reason; `verdict` must be the verdict of this bundle on `request`.
    ///
    /// # Errors
    /// The context is not a JSON object, or repeats a member.
    pub fn explain(&self, verdict: Verdict<'_>, request: &Request<'_>) -> Result<Evaluation, Malformed> {
        let Request { agent, action, context, .. } = *request;
        Ok(match (verdict.status, verdict.rule) {
            (Status::Matched, Some(rule)) => matched(rule),
            (Status::NoMatch, _) => self.no_match(Question { agent, action, context: &Map::new() }),
            // The sentence about an error quotes the value that was found.
            _ => self.answer(Question { agent, action, context: &json::parse_object(context.as_bytes())? }),
        })
    }

    /// The verdict on a context given as JSON text. No tree is built: values that the rules do not read are checked and
    /// dropped.
    ///
    /// # Errors
    /// The context is not a JSON object, or repeats a member.
    pub fn verdict_json(&self, agent: &str, action: &str, context: &[u8]) -> Result<Verdict<'_>, Malformed> {
        scan::with_context(&self.paths, context, |facts| self.verdict_by(agent, action, facts))
    }

    fn verdict_by(&self, agent: &str, action: &str, facts: &impl FactSource) -> Verdict<'_> {
        if !names::are_names(agent, action) {
            return Verdict { effect: names::EFFECT, status: Status::Error, rule: None };
        }
        let schema = self.schema.as_ref().and_then(|schema| schema.agents.get(agent)).zip(self.declared.get(agent));
        let in_schema = schema.is_none_or(|(schema, numbers)| {
            schema.fields.values().zip(numbers).all(|(field, number)| schema::admits_fact(field, facts.fact(*number)))
        });
        if !in_schema {
            return Verdict { effect: self.on_error, status: Status::Error, rule: None };
        }
        self.verdict_of(self.index.first_by(agent, action, facts))
    }

    /// [`Self::answer`] without the reason. Nothing is allocated except the list of rules to evaluate.
    pub fn verdict(&self, question: Question<'_>) -> Verdict<'_> {
        if !names::are_names(question.agent, question.action) {
            return Verdict { effect: names::EFFECT, status: Status::Error, rule: None };
        }
        if self.schema.as_ref().is_some_and(|schema| !schema::holds(schema, question)) {
            return Verdict { effect: self.on_error, status: Status::Error, rule: None };
        }
        self.verdict_of(self.index.first(question))
    }

    fn verdict_of(&self, first: Option<(u32, ConditionResult)>) -> Verdict<'_> {
        let decided = first.and_then(|(rank, result)| Some((RuleRef::new(&self.rules, &self.index, rank)?, result)));
        match decided {
            None => Verdict { effect: self.default_effect, status: Status::NoMatch, rule: None },
            Some((rule, ConditionResult::Error)) => {
                Verdict { effect: self.on_error, status: Status::Error, rule: Some(rule) }
            }
            Some((rule, _)) => Verdict { effect: rule.effect(), status: Status::Matched, rule: Some(rule) },
        }
    }

    /// Every rule that was considered, in evaluation order, up to and including the deciding rule. Empty when the input
    /// violates an enforced schema, and when its agent or action is no name, because no rule is considered then.
    pub fn trace(&self, input: &Input) -> Vec<RuleTrace> {
        let input = Question::from(input);
        let mut traces = Vec::new();
        let in_schema = self.schema.as_ref().is_none_or(|schema| schema::holds(schema, input));
        if !in_schema || !names::are_names(input.agent, input.action) {
            return traces;
        }
        for rule in self.rules() {
            if !rule.addresses(input) {
                traces.push(RuleTrace {
                    rule: rule.id().to_owned(),
                    result: RuleResult::NotAddressed,
                    conditions: Vec::new(),
                });
                continue;
            }
            let conditions: Vec<ConditionTrace> =
                rule.conditions().map(|condition| trace::condition(&condition, input)).collect();
            let result = match trace::together(&conditions) {
                ConditionResult::False => RuleResult::Passed,
                ConditionResult::True => RuleResult::Matched,
                ConditionResult::Error => RuleResult::Error,
            };
            traces.push(RuleTrace { rule: rule.id().to_owned(), result, conditions });
            if result != RuleResult::Passed {
                break;
            }
        }
        traces
    }

    fn schema_error(&self, input: Question<'_>) -> Evaluation {
        let errors = self.schema.as_ref().map(|schema| schema::violations(schema, input)).unwrap_or_default();
        let what = errors.first().map(|first| schema::sentence(first, input)).unwrap_or_default();
        Evaluation {
            effect: self.on_error,
            status: Status::Error,
            matched_rule: None,
            reason: format!("Error: {what}; on_error answers {}.", self.on_error.name()),
            budget: None,
            errors,
        }
    }

    fn rule_error(&self, rule: RuleRef<'_>, input: Question<'_>) -> Evaluation {
        let errors: Vec<EvaluationError> = rule
            .conditions()
            .filter_map(|condition| {
                let value = condition::lookup(input.context, &condition.field);
                (condition::apply(&condition.test, value) == ConditionResult::Error).then(|| EvaluationError {
                    code: ErrorCode::WrongType,
                    rule: Some(rule.id().to_owned()),
                    wanted: condition::wanted_type(&condition),
                    field: condition.field.clone(),
                    found: condition::type_of(value),
                })
            })
            .collect();
        let what = errors.first().map_or_else(String::new, |error| {
            let value = condition::lookup(input.context, &error.field);
            format!(
                "rule `{}` wants `{}` to be {}, but the input has {} there",
                rule.id(),
                error.field,
                error.wanted,
                explanation::found(error.found, value)
            )
        });
        Evaluation {
            effect: self.on_error,
            status: Status::Error,
            matched_rule: Some(rule.id().to_owned()),
            reason: format!("Error: {what}; on_error answers {}.", self.on_error.name()),
            budget: None,
            errors,
        }
    }

    fn no_match(&self, input: Question<'_>) -> Evaluation {
        Evaluation {
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

/// An answer without its reason: the effect, and the rule that led to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict<'a> {
    /// The effect of the answer.
    pub effect: Effect,
    /// Whether a rule matched, none did, or there was an error.
    pub status: Status,
    /// The rule that matched or was in error; `None` when no rule matched, for schema violations and invalid names.
    pub rule: Option<RuleRef<'a>>,
}

/// The answer of `bundle` to `input`. For more than one input, keep a [`Prepared`].
pub fn decide(bundle: &Bundle, input: &Input) -> Evaluation {
    Prepared::new(bundle).decide(input)
}

/// Whether the patterns of `rule` match the agent and the action of `input`.
pub fn addresses(rule: &Rule, input: Question<'_>) -> bool {
    rule.agent.matches(input.agent) && rule.action.matches(input.action)
}

fn matched(rule: RuleRef<'_>) -> Evaluation {
    Evaluation {
        effect: rule.effect(),
        status: Status::Matched,
        matched_rule: Some(rule.id().to_owned()),
        reason: rule.reason().to_owned(),
        budget: rule.budget(),
        errors: Vec::new(),
    }
}
