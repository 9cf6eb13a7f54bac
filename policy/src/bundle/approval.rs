//! What an approval is for: the rule that asks for it, and the context that it is bound to.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::{
    ApprovalTerms, Digest, Effect, Format, ParsedBundle, Risk, Source, approval_terms,
    canonical::{canonical, canonical_object},
    rule,
};
use crate::json::escape;

/// A rule that asks people, with what a request for approval needs of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ApprovalRule {
    /// The rule's id.
    pub id: String,
    /// SHA-256 of the rule's canonical JSON with defaults written out, without `reason`, `tags`, `metadata` and
    /// `priority`, and in format 1.0 without the members that mean nothing there. An approval is bound to it.
    pub digest: Digest,
    /// The rule's reason.
    pub reason: String,
    /// The terms that the rule states.
    pub terms: ApprovalTerms,
    /// The risk that the rule's budget states.
    pub risk: Option<Risk>,
    /// Whether the rule is marked as protected.
    pub guardrail: bool,
    /// The rule as written.
    pub written: Map<String, Value>,
}

impl Source {
    /// Every enabled, sound rule that asks for approval, by id. Parses the document; [`approval_rules`] is for callers
    /// who have that done.
    pub fn approval_rules(&self) -> HashMap<String, ApprovalRule> {
        approval_rules(self, &self.parse_rules())
    }
}

/// Every enabled, sound rule of `source` that asks for approval, by id. `parsed` is the meaning of `source`.
pub fn approval_rules(source: &Source, parsed: &ParsedBundle) -> HashMap<String, ApprovalRule> {
    let format = source.format.unwrap_or_default();
    let asking = parsed.bundle.rules.iter().filter(|rule| rule.enabled && rule.effect == Effect::NeedsApproval);
    let read = asking.filter_map(|rule| {
        let written = source.rules.get(rule.position)?;
        let asking = ApprovalRule {
            id: rule.id.clone(),
            digest: rule_digest(written, format),
            reason: rule.reason.clone(),
            terms: rule.approval.clone(),
            risk: rule.budget.and_then(|budget| budget.risk),
            guardrail: rule.is_guardrail(),
            written: written.clone(),
        };
        Some((rule.id.clone(), asking))
    });
    read.collect()
}

/// See [`ApprovalRule::digest`].
fn rule_digest(written: &Map<String, Value>, format: Format) -> Digest {
    let mut covered = rule::with_defaults(written, format);
    for member in ["reason", "tags", "metadata", "priority"] {
        covered.remove(member);
    }
    if format < Format::V1_1 {
        for member in approval_terms::MEMBERS {
            covered.remove(member);
        }
    }
    Digest::of_bytes(canonical_object(&covered).as_bytes())
}

/// `context` without the members at the dotted paths `unbound`.
///
/// A path leads where the engine would read it: when the context has a member named by the first segment, null included,
/// the path is followed through objects; only without that member is the member meant that is named like the whole
/// path. An object that loses its last member stays, empty.
pub fn bound_context(context: &Map<String, Value>, unbound: &[String]) -> Map<String, Value> {
    let mut bound = context.clone();
    for path in unbound {
        // The context as it came decides where a path leads, so that the order of the paths makes no difference.
        match path.split_once('.').filter(|(first, _)| context.contains_key(*first)) {
            Some((first, rest)) => remove_below(bound.get_mut(first), rest),
            None => drop(bound.remove(path)),
        }
    }
    bound
}

fn remove_below(member: Option<&mut Value>, path: &str) {
    let Some(Value::Object(object)) = member else { return };
    match path.split_once('.') {
        Some((first, rest)) => remove_below(object.get_mut(first), rest),
        None => drop(object.remove(path)),
    }
}

/// Maximum number of members that [`changed_members`] lists.
pub const MAX_CHANGED: usize = 20;

/// JSON Pointers to the members in which two contexts differ, by name; the first [`MAX_CHANGED`]. Objects are compared
/// member by member, and everything else as [`canonical_context`] writes it. Empty if and only if that is the same.
pub fn changed_members(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    let mut changed = Vec::new();
    compare("", before, after, &mut changed);
    changed
}

fn compare(base: &str, before: &Map<String, Value>, after: &Map<String, Value>, changed: &mut Vec<String>) {
    for key in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        if changed.len() >= MAX_CHANGED {
            return;
        }
        let pointer = || format!("{base}/{}", escape(key));
        match (before.get(key), after.get(key)) {
            (Some(Value::Object(before)), Some(Value::Object(after))) => compare(&pointer(), before, after, changed),
            (Some(before), Some(after)) if before == after || exact(before) == exact(after) => {}
            _ => changed.push(pointer()),
        }
    }
}

/// The canonical text of a context: RFC 8785, except that every integer is written with all its digits.
///
/// RFC 8785 writes numbers as doubles, so that integers beyond ±2^53 (account numbers, amounts in the smallest unit) can
/// have the text of their neighbours. An approval of one must not count for the other. Two contexts with the same text
/// here have the same text there; other numbers, and integers beyond 64 bits, are doubles when they are read.
pub fn canonical_context(context: &Map<String, Value>) -> String {
    let mut text = String::new();
    write_object(context, &mut text);
    text
}

fn exact(value: &Value) -> String {
    let mut text = String::new();
    write_value(value, &mut text);
    text
}

fn write_value(value: &Value, text: &mut String) {
    match value {
        Value::Object(object) => write_object(object, text),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_value(item, text);
            }
            text.push(']');
        }
        Value::Number(number) if number.is_i64() || number.is_u64() => text.push_str(&number.to_string()),
        other => text.push_str(&canonical(other)),
    }
}

fn write_object(object: &Map<String, Value>, text: &mut String) {
    let mut members: Vec<_> = object.iter().collect();
    members.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
    text.push('{');
    for (index, (key, value)) in members.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&canonical(&Value::from(key.as_str())));
        text.push(':');
        write_value(value, text);
    }
    text.push('}');
}
