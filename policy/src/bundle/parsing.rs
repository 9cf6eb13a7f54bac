//! The meaning of a bundle as written: every rule is read as far as possible, with a finding for every fault.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{
    Bundle, Code, Finding, Format, Schema, Source, format,
    parsed_rule::{ParsedRule, patch, read_rule},
    rule, version,
};
use crate::{Fault, limits};

/// A bundle, as far as it can be read.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedBundle {
    /// The rules that can be evaluated. A rule with a faulty reason or budget is among them, without that member.
    pub bundle: Bundle,
    /// The faults of the language. All of them are errors, and any of them blocks submitting.
    pub faults: Vec<Finding>,
    /// The rules left out, by id, or by position (`#3`) when they have none.
    pub skipped: Vec<String>,
}

impl Source {
    /// The meaning of the document as far as it can be read, and the faults of the rest.
    pub fn parse_rules(&self) -> ParsedBundle {
        parse_rules(self, &read_rules(self))
    }
}

/// Reads every rule of `source`, on its own.
pub fn read_rules(source: &Source) -> Vec<ParsedRule<'_>> {
    let format = source.format.unwrap_or_default();
    source.rules.iter().enumerate().map(|(position, rule)| read_rule(rule, position, format)).collect()
}

/// Parses `source`, whose rules have been read already.
pub fn parse_rules(source: &Source, rules: &[ParsedRule<'_>]) -> ParsedBundle {
    let mut faults = Vec::new();
    let schema = source.schema.as_ref().and_then(|written| match Schema::parse(written) {
        Ok(schema) => Some(schema),
        Err(wrong) => {
            faults.extend(wrong.into_iter().map(|fault| schema_finding(source, written, &fault)));
            None
        }
    });
    faults.extend(bundle_faults(source));
    let mut bundle =
        Bundle { rules: Vec::new(), default_effect: source.default_effect, on_error: source.on_error, schema };
    let mut skipped = Vec::new();
    let mut seen: HashMap<&str, &ParsedRule<'_>> = HashMap::new();
    for rule in rules {
        faults.extend(rule.faults.iter().cloned());
        let first = rule.id.and_then(|id| seen.get(id).copied());
        if let Some(first) = first {
            faults.push(duplicate(first, rule));
        } else if let Some(id) = rule.id {
            seen.insert(id, rule);
        }
        match rule.to_rule().filter(|_| first.is_none()) {
            Some(rule) => bundle.rules.push(rule),
            None => skipped.push(rule.name()),
        }
    }
    ParsedBundle { bundle, faults, skipped }
}

/// The finding about a fault of the schema `written`.
fn schema_finding(source: &Source, written: &Value, fault: &Fault) -> Finding {
    let path = format!("/schema{}", fault.pointer);
    // In the short form a field is its type.
    let field = fault.pointer.strip_suffix("/type").and_then(|field| written.pointer(field));
    let is_unread = field.is_some_and(|field| field.get("type").unwrap_or(field) == format::UNREAD_TYPE);
    if is_unread && source.format.unwrap_or_default() >= Format::V1_1 {
        let message = format::unread(&format!("The type `{}`", format::UNREAD_TYPE));
        return Finding::new(Code::Schema, path, message).suggest(format::UNREAD_ADVICE);
    }
    let message = format!("The schema is wrong at `{}`: it {}.", fault.pointer, fault.detail);
    Finding::new(Code::Schema, path, message).suggest("Correct it there, or take the declaration out.")
}

/// The faults of the bundle outside its rules and schema.
fn bundle_faults(source: &Source) -> Vec<Finding> {
    let mut faults = Vec::new();
    if source.notes.chars().count() > limits::MAX_NOTES_CHARS {
        let message = format!("The notes are longer than {} characters.", limits::MAX_NOTES_CHARS);
        faults.push(Finding::new(Code::Schema, "/notes", message).suggest("Shorten them."));
    }
    if source.timezone().is_some() {
        let message = format::unread("`timezone`");
        faults.push(Finding::new(Code::Schema, "/timezone", message).suggest(format::UNREAD_ADVICE));
    }
    for (pointer, version) in [("/version", &source.version), ("/base_version", &source.base_version)] {
        if let Some(Err(error)) = version.as_deref().map(version::parse) {
            faults.push(
                Finding::new(Code::Schema, pointer, format!("{error}."))
                    .suggest("Write three numbers, like `2.4.0`, or leave it out to have the next one proposed."),
            );
        }
    }
    faults
}

fn duplicate(first: &ParsedRule<'_>, second: &ParsedRule<'_>) -> Finding {
    let id = second.name();
    let message =
        format!("The id `{id}` is used twice: by rule {} and rule {}.", first.position + 1, second.position + 1);
    let finding = second.finding(Code::DuplicateId, "/id", message);
    if rule::with_defaults(first.source, first.format) == rule::with_defaults(second.source, second.format) {
        let remove = patch(json!([{"op": "remove", "path": second.pointer("")}]));
        return finding.suggest("Both say the same: remove one.").fix_if(remove);
    }
    finding.suggest("Give one of them another id, or remove it.")
}
