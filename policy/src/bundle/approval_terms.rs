//! The terms on which a rule asks people: who may decide, how many of them, until when, and what an approval is not bound
//! to. They are members of rules in format 1.1 that ask for approval, and have no part in decisions.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::format;
use crate::{
    characters,
    json::{clip, type_name},
    limits::{EXPIRES_IN, MAX_APPROVERS, MAX_EMAIL_CHARS, MAX_STRING_BYTES, MAX_UNBOUND, QUORUM},
    spelling,
};

/// The members with the terms.
pub const MEMBERS: [&str; 4] = ["approvers", "quorum", "expires_in", "unbound"];

/// The roles of people that `approvers` may name.
pub const ROLES: [&str; 4] = ["revenue_ops", "approver", "runtime_owner", "safety_owner"];

/// The terms that a rule states. What it does not state is settled by the settings of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ApprovalTerms {
    /// Who may decide: [roles](ROLES) and email addresses. Empty for the default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<String>,
    /// How many people have to approve, 1 to 9; `None` for the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u8>,
    /// After how many seconds a request expires, 60 to 604,800; `None` for the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
    /// Dotted paths of the context that an approval is not bound to, such as the time of a request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unbound: Vec<String>,
}

/// What is wrong with a member.
pub(super) struct TermFault {
    /// The place below the member: `""`, or an item such as `/2`.
    pub place: String,
    /// What is wrong, to follow the member's name in a sentence.
    pub detail: String,
    /// The suggested action.
    pub suggestion: String,
    /// What to write instead, when there is one right answer.
    pub instead: Option<&'static str>,
}

impl TermFault {
    fn new(detail: impl Into<String>, suggestion: impl Into<String>) -> Self {
        Self { place: String::new(), detail: detail.into(), suggestion: suggestion.into(), instead: None }
    }
}

/// Whether a member with this value says nothing: it is null, or an empty list.
pub fn is_default(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

impl ApprovalTerms {
    /// The terms of a rule as written. A faulty member counts as absent.
    pub(super) fn read(rule: &Map<String, Value>) -> Self {
        let sound = |member: &str| rule.get(member).filter(|value| faults(member, value).is_empty());
        let texts = |member: &str| -> Vec<String> {
            let items = sound(member).and_then(Value::as_array);
            items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let number = |member: &str| sound(member).and_then(whole);
        Self {
            approvers: texts("approvers"),
            quorum: number("quorum").and_then(|number| u8::try_from(number).ok()),
            expires_in: number("expires_in"),
            unbound: texts("unbound"),
        }
    }
}

/// The faults of a member; none for a correct one, and for every member that states no terms.
pub(super) fn faults(member: &str, value: &Value) -> Vec<TermFault> {
    if value.is_null() {
        return Vec::new();
    }
    match member {
        "approvers" => list(value, MAX_APPROVERS, "roles and email addresses", approver),
        "quorum" => number(value, &QUORUM, "people"),
        "expires_in" => number(value, &EXPIRES_IN, "seconds"),
        "unbound" => list(value, MAX_UNBOUND, "fields of the context", unbound_path),
        _ => Vec::new(),
    }
}

const LEAVE_OUT: &str = "Correct it, or leave it out.";

fn list(value: &Value, most: usize, what: &str, item_fault: impl Fn(&str) -> Option<TermFault>) -> Vec<TermFault> {
    let Value::Array(items) = value else {
        return vec![TermFault::new(format!("must be a list of {what}, not {}", type_name(value)), LEAVE_OUT)];
    };
    if items.len() > most {
        let detail = format!("lists {} {what}; it may list at most {most}", items.len());
        return vec![TermFault::new(detail, "Shorten the list.")];
    }
    let faults = items.iter().enumerate().filter_map(|(index, item)| {
        let fault = match item {
            Value::String(text) => item_fault(text)?,
            other => TermFault::new(format!("must be a string, not {}", type_name(other)), LEAVE_OUT),
        };
        Some(TermFault { place: format!("/{index}"), ..fault })
    });
    faults.collect()
}

/// The fault of a text that should name a role of people or one person.
fn approver(text: &str) -> Option<TermFault> {
    if ROLES.contains(&text) {
        return None;
    }
    let shown = clip(&characters::write_out(text)).into_owned();
    if text.contains('@') {
        let length = text.chars().count();
        return if length > MAX_EMAIL_CHARS {
            let detail = format!("is an email address of {length} characters; it may have {MAX_EMAIL_CHARS}");
            Some(TermFault::new(detail, "Write the address that the person signs in with."))
        } else if text.contains(char::is_whitespace) {
            let detail = format!("is `{shown}`, an email address with a blank in it");
            Some(TermFault::new(detail, "Write each address as an item of its own, without blanks."))
        } else {
            None
        };
    }
    let respelt = text.trim().to_lowercase().replace(['-', ' '], "_");
    let instead = ROLES.into_iter().find(|role| *role == respelt);
    let suggestion = match instead.or_else(|| spelling::nearest(&respelt, ROLES)) {
        Some(role) => format!("Write `{role}`."),
        None => format!("Name a role ({}), or a person by email address.", ROLES.join(", ")),
    };
    let detail = format!("is `{shown}`, which is neither a role of people that may approve nor an email address");
    Some(TermFault { instead, ..TermFault::new(detail, suggestion) })
}

/// The fault of a text that should name a field of the context.
fn unbound_path(text: &str) -> Option<TermFault> {
    let advice = "Name a field of the context by its dotted path, such as `request.sent_at`.";
    if text.trim().is_empty() {
        return Some(TermFault::new("names no field", advice));
    }
    if text.len() > MAX_STRING_BYTES {
        return Some(TermFault::new(format!("has {} bytes; it may have {MAX_STRING_BYTES}", text.len()), advice));
    }
    let what = format::unread_notation(text)?;
    let detail = format!("has {what}: this belongs to format 1.1, and this version does not read it yet");
    Some(TermFault::new(detail, advice))
}

fn number(value: &Value, range: &RangeInclusive<u32>, unit: &str) -> Vec<TermFault> {
    if whole(value).is_some_and(|number| range.contains(&number)) {
        return Vec::new();
    }
    let found = if value.is_number() { value.to_string() } else { type_name(value).to_owned() };
    let (low, high) = (range.start(), range.end());
    let detail = format!("must be a whole number of {unit} from {low} to {high}, not {found}");
    vec![TermFault::new(detail, format!("Give {low} to {high} {unit}, or leave it out for the workspace's default."))]
}

/// The whole number of 0 to `u32::MAX` that `value` is, however it is written.
fn whole(value: &Value) -> Option<u32> {
    let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
    // Whole and within the range of the type, so the cast is exact.
    (0.0..=f64::from(u32::MAX)).contains(&number).then_some(number as u32)
}
