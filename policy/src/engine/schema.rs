//! Checking an input against the declared domain, so that every proof about the domain holds for every served input.

use serde_json::Value;

use super::{
    EvaluationError, Fact, Question, ValueType,
    condition::{lookup, same, type_of},
    evaluation::ErrorCode,
    explanation,
};
use crate::bundle::{
    Scalar, Schema,
    schema::{Field, FieldType},
};

/// The fields of `input` that are outside the domain that `schema` declares for the agent. Empty when all fields are
/// inside, when the agent is not declared, and when the schema is not enforced. Undeclared fields are ignored.
pub fn violations(schema: &Schema, input: Question<'_>) -> Vec<EvaluationError> {
    if !schema.enforce {
        return Vec::new();
    }
    let Some(agent) = schema.agents.get(input.agent) else { return Vec::new() };
    agent
        .fields
        .iter()
        .filter_map(|(name, field)| {
            let value = lookup(input.context, name);
            wanted(field, value.into()).map(|wanted| EvaluationError {
                code: ErrorCode::SchemaViolation,
                rule: None,
                field: name.clone(),
                wanted,
                found: type_of(value),
            })
        })
        .collect()
}

/// Whether `input` is inside the declared domain: [`violations`] without the words.
pub fn holds(schema: &Schema, input: Question<'_>) -> bool {
    !schema.enforce
        || schema
            .agents
            .get(input.agent)
            .is_none_or(|agent| agent.fields.iter().all(|(name, field)| admits(field, lookup(input.context, name))))
}

/// Whether `field` may have `value`; `None` stands for absent or null.
pub fn admits(field: &Field, value: Option<&Value>) -> bool {
    admits_fact(field, value.into())
}

/// [`admits`] for the engine's view of the value.
pub fn admits_fact(field: &Field, fact: Fact<'_>) -> bool {
    violation(field, fact).is_none()
}

/// Why a field may not have a value.
enum Violation<'a> {
    Required,
    Type,
    Range,
    Unlisted(&'a [Scalar]),
}

fn violation<'a>(field: &'a Field, fact: Fact<'_>) -> Option<Violation<'a>> {
    if fact == Fact::Missing {
        return field.required.then_some(Violation::Required);
    }
    if !has_type(field.kind, fact) {
        return Some(Violation::Type);
    }
    if let Fact::Number(number) = fact
        && (field.min.is_some_and(|min| number < min) || field.max.is_some_and(|max| number > max))
    {
        return Some(Violation::Range);
    }
    let allowed = field.allowed.as_ref()?;
    (!allowed.iter().any(|scalar| same(scalar, fact))).then_some(Violation::Unlisted(allowed))
}

/// The requirement of `field`, when the value does not satisfy it.
fn wanted(field: &Field, fact: Fact<'_>) -> Option<String> {
    Some(match violation(field, fact)? {
        Violation::Required => format!("{} (required)", name(field.kind)),
        Violation::Type => name(field.kind).to_owned(),
        Violation::Range => match (field.min, field.max) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("at least {min}"),
            (_, max) => format!("at most {}", max.unwrap_or(f64::MAX)),
        },
        Violation::Unlisted(allowed) => format!("one of {}", explanation::alternatives(allowed, "or")),
    })
}

fn has_type(kind: FieldType, fact: Fact<'_>) -> bool {
    match kind {
        FieldType::Integer => matches!(fact, Fact::Number(number) if number.fract() == 0.0),
        FieldType::Number => matches!(fact, Fact::Number(_)),
        FieldType::Boolean => matches!(fact, Fact::Bool(_)),
        FieldType::String => matches!(fact, Fact::Text(_)),
    }
}

const fn name(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Integer => "an integer",
        FieldType::Number => "a number",
        FieldType::Boolean => "true or false",
        FieldType::String => "a string",
    }
}

/// The sentence for a person: the field, the requirement of the schema, and the value in the input.
pub fn sentence(error: &EvaluationError, input: Question<'_>) -> String {
    let value = lookup(input.context, &error.field);
    match error.found {
        ValueType::Missing => format!("the schema requires `{}` ({}), but it is missing", error.field, error.wanted),
        found => format!(
            "the schema wants `{}` to be {}, but the input has {} there",
            error.field,
            error.wanted,
            explanation::found(found, value)
        ),
    }
}
