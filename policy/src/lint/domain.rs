//! Rules compared with the declared input domain: type clashes, values outside the domain, undeclared names.

use std::collections::HashMap;

use serde_json::json;

use super::{Code, Finding, listed::Listed};
use crate::{
    bundle::{
        NamePattern, Scalar, Schema, Test,
        parsed_rule::{IntendedCondition, ParsedRule},
        schema::{AgentSchema, Field, FieldType},
    },
    json::escape,
    spelling,
};

/// The declared domain, with the agents of each pattern cached: many rules address few distinct patterns.
pub struct Domain<'a> {
    schema: &'a Schema,
    /// The declarations of the agents that a pattern matches, by the text of the pattern.
    agents: HashMap<String, Vec<(&'a str, &'a AgentSchema)>>,
    /// The values that each field may have, by the field.
    allowed: Allowed<'a>,
    /// How many more declarations may be looked at.
    left: usize,
    /// How many more names may be compared for a suggestion.
    comparisons: usize,
    is_unfinished: bool,
}

type Allowed<'a> = HashMap<*const Field, Listed<'a>>;

/// Maximum number of declarations that are looked at. Bundles that people write need some 100,000.
const MAX_LOOKUPS: usize = 50_000_000;

/// Maximum number of names that are compared for the sake of suggestions.
const MAX_COMPARISONS: usize = 100_000;

/// The nearest of the `known` names, while comparisons are left.
fn nearest<'n>(written: &str, known: impl Iterator<Item = &'n str>, comparisons: &mut usize) -> Option<&'n str> {
    let names = known.inspect(|_| *comparisons = comparisons.saturating_sub(1));
    spelling::nearest(written, names)
}

impl<'a> Domain<'a> {
    /// The domain that `schema` declares.
    pub fn new(schema: &'a Schema) -> Self {
        Self {
            schema,
            agents: HashMap::new(),
            allowed: HashMap::new(),
            left: MAX_LOOKUPS,
            comparisons: MAX_COMPARISONS,
            is_unfinished: false,
        }
    }

    /// The finding that not every rule was compared.
    pub fn unfinished(&self) -> Option<Finding> {
        let message = "Not every rule was compared with the schema: the work budget ran out.";
        let finding = Finding::new(Code::Undecided, "/rules", message);
        self.is_unfinished.then(|| finding.suggest("Split the bundle, or name the agents of its rules."))
    }

    /// All findings about one rule.
    pub fn check(&mut self, rule: &ParsedRule<'_>) -> Vec<Finding> {
        let Some(pattern) = &rule.agent else { return Vec::new() };
        let schema = self.schema;
        let agents = &*self.agents.entry(pattern.to_string()).or_insert_with(|| match pattern {
            NamePattern::Exact(name) => schema.agents.get_key_value(name).map(entry).into_iter().collect(),
            NamePattern::Any | NamePattern::Prefix(_) => {
                schema.agents.iter().filter(|(name, _)| pattern.matches(name)).map(entry).collect()
            }
        });
        let Some(left) = self.left.checked_sub(agents.len().saturating_mul(rule.conditions.len() + 1)) else {
            self.is_unfinished = true;
            return Vec::new();
        };
        self.left = left;
        let comparisons = &mut self.comparisons;
        let mut findings = Vec::new();
        if agents.is_empty() {
            let message = match pattern {
                NamePattern::Prefix(_) => format!("No declared agent matches `{pattern}`."),
                _ => format!("The schema does not declare the agent `{pattern}`."),
            };
            let names = schema.agents.keys().take(*comparisons).map(String::as_str);
            let meant = nearest(&pattern.to_string(), names, comparisons);
            findings.push(undeclared(rule, "/agent", message, meant));
            return findings;
        }
        if let Some(action) = rule.action.as_ref().filter(|action| **action != NamePattern::Any) {
            let lists = |agent: &AgentSchema| {
                agent.actions.is_empty() || agent.actions.iter().any(|declared| action.matches(declared))
            };
            if !agents.iter().any(|(_, agent)| lists(agent)) {
                let message = match action {
                    NamePattern::Prefix(_) => format!("No action declared for {} matches `{action}`.", whom(agents)),
                    _ => format!("The schema does not declare the action `{action}` for {}.", whom(agents)),
                };
                let known = agents.iter().flat_map(|(_, agent)| agent.actions.iter().map(String::as_str));
                let meant = nearest(&action.to_string(), known.take(*comparisons), comparisons);
                findings.push(undeclared(rule, "/action", message, meant));
            }
        }
        for intended in &rule.conditions {
            findings.extend(condition(rule, intended, agents, (&mut self.allowed, comparisons)));
        }
        findings
    }
}

fn entry<'a>((name, agent): (&'a String, &'a AgentSchema)) -> (&'a str, &'a AgentSchema) {
    (name, agent)
}

/// The agents that a message is about, in words.
fn whom(agents: &[(&str, &AgentSchema)]) -> String {
    match agents {
        [(name, _)] => format!("`{name}`"),
        _ => "any agent this rule speaks about".to_owned(),
    }
}

fn undeclared(rule: &ParsedRule<'_>, member: &str, message: String, meant: Option<&str>) -> Finding {
    rule.finding(Code::Undeclared, member, message).suggest(match meant {
        Some(name) => format!("Did you mean `{name}`? Otherwise declare it in the schema."),
        None => "Declare it in the schema, or correct the name.".to_owned(),
    })
}

fn condition<'a>(
    rule: &ParsedRule<'_>,
    intended: &IntendedCondition<'_>,
    agents: &[(&'a str, &'a AgentSchema)],
    (allowed, comparisons): (&mut Allowed<'a>, &mut usize),
) -> Option<Finding> {
    let condition = &intended.condition;
    let member = format!("/conditions/{}", escape(intended.written));
    let declared: Vec<(&str, &'a Field)> =
        agents.iter().filter_map(|(name, agent)| Some((*name, agent.fields.get(&condition.field)?))).collect();
    if declared.is_empty() {
        let message = format!("The schema does not declare the field `{}` for {}.", condition.field, whom(agents));
        let known = agents.iter().flat_map(|(_, agent)| agent.fields.keys().map(String::as_str));
        let meant = nearest(&condition.field, known.take(*comparisons), comparisons);
        return Some(undeclared(rule, &member, message, meant));
    }
    if let Some((agent, field)) = declared.iter().find(|(_, field)| clashes(&condition.test, field.kind)) {
        let kind = field.kind.name();
        let message =
            format!("`{condition}` cannot compare with `{}`, which `{agent}` declares as {kind}.", condition.field);
        let converted = declared.iter().all(|(_, other)| other.kind == field.kind);
        let converted = converted.then(|| convert(&condition.test, field.kind)).flatten();
        let untouched = intended.written == condition.key;
        let finding = rule.finding(Code::TypeClash, &member, message).suggest(match &converted {
            Some(test) => format!("Compare with {}.", test.to_value()),
            None => format!("Use a test that suits {kind} values, or correct the schema."),
        });
        let fix = converted.filter(|_| untouched).and_then(|test| {
            let operation = json!([{"op": "replace", "path": rule.pointer(&member), "value": test.to_value()}]);
            serde_json::from_value(operation).ok()
        });
        return Some(finding.fix_if(fix));
    }
    // A value that is outside the domain for one agent may be inside for another agent that the rule also addresses.
    let reasons: Vec<_> = declared.iter().map_while(|(_, field)| outside(&condition.test, field, allowed)).collect();
    if reasons.len() < declared.len() {
        return None;
    }
    let reason = reasons.into_iter().next()?;
    let finding = rule.finding(Code::OutOfDomain, &member, format!("`{condition}`: {reason}."));
    Some(finding.suggest("Correct the value, or widen the schema."))
}

/// Whether `test` has no value that it could compare with in a field of `kind`.
fn clashes(test: &Test, kind: FieldType) -> bool {
    let numeric = matches!(kind, FieldType::Integer | FieldType::Number);
    match test {
        Test::AtLeast(_) | Test::AtMost(_) | Test::Above(_) | Test::Below(_) => !numeric,
        Test::StartsWith(_) => kind != FieldType::String,
        Test::In(values) | Test::NotIn(values) => {
            !values.is_empty() && !values.iter().any(|value| json_type(kind) == value.type_name())
        }
        Test::Present(_) => false,
    }
}

const fn json_type(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Integer | FieldType::Number => "number",
        FieldType::Boolean => "boolean",
        FieldType::String => "string",
    }
}

/// `test` with every value converted to the type of the field, if every conversion is unambiguous.
fn convert(test: &Test, kind: FieldType) -> Option<Test> {
    let convert =
        |values: &[Scalar]| -> Option<Vec<Scalar>> { values.iter().map(|value| convert_value(value, kind)).collect() };
    match test {
        Test::In(values) => convert(values).map(Test::In),
        Test::NotIn(values) => convert(values).map(Test::NotIn),
        _ => None,
    }
}

fn convert_value(value: &Scalar, kind: FieldType) -> Option<Scalar> {
    let converted = match (value, json_type(kind)) {
        (Scalar::String(text), "number" | "boolean") => Scalar::read(&serde_json::from_str(text.trim()).ok()?)?,
        (Scalar::Number(_) | Scalar::Bool(_), "string") => Scalar::String(value.to_value().to_string()),
        _ => return None,
    };
    kind.holds(&converted).then_some(converted)
}

/// The reason why `test` reaches outside the declaration of `field`.
fn outside<'a>(test: &Test, field: &'a Field, sets: &mut Allowed<'a>) -> Option<String> {
    let below = |bound: f64| field.min.is_some_and(|min| bound < min);
    let above = |bound: f64| field.max.is_some_and(|max| bound > max);
    let range = || match (field.min, field.max) {
        (Some(min), Some(max)) => format!("the schema declares {min} to {max}"),
        (Some(min), None) => format!("the schema declares at least {min}"),
        (None, Some(max)) => format!("the schema declares at most {max}"),
        (None, None) => String::new(),
    };
    let verdict = |always: bool| format!("{}, so this is {} true", range(), if always { "always" } else { "never" });
    match test {
        Test::AtLeast(bound) | Test::Above(bound) if below(*bound) || above(*bound) => Some(verdict(below(*bound))),
        Test::AtMost(bound) | Test::Below(bound) if below(*bound) || above(*bound) => Some(verdict(above(*bound))),
        Test::In(values) | Test::NotIn(values) => values.iter().find_map(|value| {
            let reason = match (value, &field.allowed) {
                _ if !field.kind.holds(value) => format!("the schema declares {} values", field.kind.name()),
                (Scalar::Number(number), _) if below(*number) || above(*number) => range(),
                (_, Some(allowed))
                    if !sets
                        .entry(std::ptr::from_ref(field))
                        .or_insert_with(|| Listed::new(allowed))
                        .contains(value) =>
                {
                    let words: Vec<_> = allowed.iter().take(8).map(Scalar::to_string).collect();
                    let more = if allowed.len() > 8 { ", …" } else { "" };
                    format!("the schema allows only {}{more}", words.join(", "))
                }
                _ => return None,
            };
            Some(format!("{value} can never be there; {reason}"))
        }),
        Test::StartsWith(prefix) => {
            let allowed = field.allowed.as_ref()?;
            let fits = |value: &Scalar| matches!(value, Scalar::String(text) if text.starts_with(prefix.as_str()));
            (!allowed.iter().any(fits)).then(|| "none of the values the schema allows starts like that".to_owned())
        }
        _ => None,
    }
}
