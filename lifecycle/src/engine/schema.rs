//! Holding an input against the declared domain, so that what was proven for the domain holds for what is served.

use serde_json::Value;

use super::{
    EvaluationError, Question, ValueType,
    condition::{lookup, same, type_of},
    outcome::ErrorCode,
    words,
};
use crate::bundle::{
    Schema,
    schema::{Field, FieldType},
};

/// Where `input` leaves the domain that `schema` declares for its agent, by field name; empty when it is inside, when
/// the agent is not declared, and when the schema is not enforced. Undeclared fields are ignored.
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
            wanted(field, value).map(|wanted| EvaluationError {
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
        || schema.agents.get(input.agent).is_none_or(|agent| {
            agent.fields.iter().all(|(name, field)| wanted(field, lookup(input.context, name)).is_none())
        })
}

/// Whether `field` may have `value`; none stands for absent or null.
pub fn admits(field: &Field, value: Option<&Value>) -> bool {
    wanted(field, value).is_none()
}

/// What `field` asks for, when `value` is not it.
fn wanted(field: &Field, value: Option<&Value>) -> Option<String> {
    let Some(value) = value else { return field.required.then(|| format!("{} (required)", name(field.kind))) };
    if !has_type(field.kind, value) {
        return Some(name(field.kind).to_owned());
    }
    if let Some(number) = value.as_f64()
        && (field.min.is_some_and(|min| number < min) || field.max.is_some_and(|max| number > max))
    {
        return Some(match (field.min, field.max) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("at least {min}"),
            (_, max) => format!("at most {}", max.unwrap_or(f64::MAX)),
        });
    }
    let allowed = field.allowed.as_ref()?;
    (!allowed.iter().any(|scalar| same(scalar, value)))
        .then(|| format!("one of {}", words::alternatives(allowed, "or")))
}

fn has_type(kind: FieldType, value: &Value) -> bool {
    match kind {
        FieldType::Integer => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        FieldType::Number => value.is_number(),
        FieldType::Boolean => value.is_boolean(),
        FieldType::String => value.is_string(),
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

/// The sentence for a person: which field, what the schema wants, what the input has.
pub fn sentence(error: &EvaluationError, input: Question<'_>) -> String {
    let value = lookup(input.context, &error.field);
    match error.found {
        ValueType::Missing => format!("the schema requires `{}` ({}), but it is missing", error.field, error.wanted),
        found => format!(
            "the schema wants `{}` to be {}, but the input has {} there",
            error.field,
            error.wanted,
            words::found(found, value)
        ),
    }
}
