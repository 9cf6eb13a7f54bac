//! Members that the language does not have. They are kept, and mean nothing; a near miss of a known one is an error,
//! because what its author meant does not happen.

use serde_json::{Map, Value, json};

use super::{Code, Finding, Severity};
use crate::{
    bundle::{Effect, ParsedRule, Source, rule, source::type_fault},
    characters,
    json::escape,
    spelling::keystrokes,
};

/// The members of a bundle, apart from those that a store adds.
const BUNDLE: [&str; 12] = [
    "version",
    "rules",
    "default_effect",
    "on_error",
    "schema",
    "notes",
    "labels",
    "created_by",
    "metadata",
    "base_version",
    "format",
    "title",
];
const BUDGET: [&str; 3] = ["cost", "compute", "risk"];
const SCHEMA: [&str; 2] = ["enforce", "agents"];
const AGENT: [&str; 2] = ["actions", "fields"];
const FIELD: [&str; 5] = ["type", "min", "max", "enum", "required"];

/// Unknown members of a rule and of its budget.
pub fn check(rule: &ParsedRule<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = unknown(rule.source, &rule::MEMBERS)
        // A near miss of a member that is missing makes the rule unreadable, which is reported where rules are read.
        .filter(|((key, _), _)| {
            !rule.faults.iter().any(|fault| fault.path == rule.pointer(&format!("/{}", escape(key))))
        })
        .map(|(key, near)| {
            let has_metadata = rule.source.get("metadata").is_none_or(Value::is_object);
            let metadata = has_metadata.then(|| (rule.pointer("/metadata"), rule.source.get("metadata")));
            finding("A rule", &rule.pointer(""), (key, near), metadata).about(rule.id)
        })
        .collect();
    if let Some(Value::Object(budget)) = rule.source.get("budget") {
        let unknown = unknown(budget, &BUDGET);
        findings.extend(unknown.map(|found| finding("A budget", &rule.pointer("/budget"), found, None).about(rule.id)));
    }
    findings
}

/// Unknown members of the bundle and of its schema.
pub fn check_bundle(source: &Source) -> Vec<Finding> {
    let mut findings: Vec<Finding> = unknown(&source.unknown, &BUNDLE)
        .map(|((key, value), near)| {
            // The members that are known are not among the unknown ones.
            let near = near.map(|near| Near { is_free: is_free(source, near.member, value), ..near });
            ((key, value), near)
        })
        .map(|found| {
            let metadata = Value::Object(source.metadata.clone());
            finding("A bundle", "", found, Some(("/metadata".to_owned(), Some(&metadata))))
        })
        .collect();
    let Some(Value::Object(schema)) = &source.schema else { return findings };
    findings.extend(unknown(schema, &SCHEMA).map(|found| finding("A schema", "/schema", found, None)));
    let agents = schema.get("agents").and_then(Value::as_object);
    for (name, agent) in agents.into_iter().flatten() {
        let Value::Object(agent) = agent else { continue };
        let base = format!("/schema/agents/{}", escape(name));
        findings.extend(unknown(agent, &AGENT).map(|found| finding("A declared agent", &base, found, None)));
        for (path, field) in agent.get("fields").and_then(Value::as_object).into_iter().flatten() {
            let Value::Object(field) = field else { continue };
            let base = format!("{base}/fields/{}", escape(path));
            findings.extend(unknown(field, &FIELD).map(|found| finding("A declared field", &base, found, None)));
        }
    }
    findings
}

/// Whether a bundle has nothing under a known member, and `value` would fit there.
fn is_free(source: &Source, member: &str, value: &Value) -> bool {
    let effect =
        |there: Effect| there == Effect::default() && value.as_str().is_some_and(|text| text.parse::<Effect>().is_ok());
    match member {
        "default_effect" => effect(source.default_effect),
        "on_error" => effect(source.on_error),
        "version" => source.version.is_none() && value.is_string(),
        "base_version" => source.base_version.is_none() && value.is_string(),
        "notes" => source.notes.is_empty() && value.is_string(),
        "schema" => source.schema.is_none() && value.is_object(),
        "metadata" => source.metadata.is_empty() && value.is_object(),
        "rules" | "format" => false,
        other => !source.unknown.contains_key(other),
    }
}

/// The unknown members of an object, each with the known one that it probably is.
fn unknown<'a>(
    object: &'a Map<String, Value>,
    known: &'a [&'static str],
) -> impl Iterator<Item = ((&'a str, &'a Value), Option<Near>)> {
    object.iter().filter(|(key, _)| !known.contains(&key.as_str())).map(move |(key, value)| {
        let near = known.iter().filter_map(|member| Some((keystrokes(key, member)?, *member))).min();
        let near = near.map(|(_, member)| Near { member, is_free: !object.contains_key(member) });
        ((key.as_str(), value), near)
    })
}

/// A known member with nearly the same name.
struct Near {
    member: &'static str,
    /// Whether the object does not have it.
    is_free: bool,
}

/// The finding about one member; `metadata` is where free members belong, with what is there.
fn finding(
    whose: &str,
    base: &str,
    ((key, value), near): ((&str, &Value), Option<Near>),
    metadata: Option<(String, Option<&Value>)>,
) -> Finding {
    let path = format!("{base}/{}", escape(key));
    let message = format!("{whose} has no member `{}`: it is kept, and means nothing.", characters::write_out(key));
    let mut finding = Finding::new(Code::UnknownMember, path.clone(), message);
    if near.is_some() {
        finding.severity = Severity::Error;
    }
    let (suggestion, fix) = match near {
        Some(Near { member, is_free }) => {
            let fits = is_free && type_fault(member, value).is_none();
            let fix = fits.then(|| json!([{"op": "move", "from": path, "path": format!("{base}/{member}")}]));
            let fix = fix.or_else(|| (!is_free).then(|| json!([{"op": "remove", "path": path}])));
            let what = if is_free { "Did you mean" } else { "Remove it, or keep it instead of" };
            (format!("{what} `{member}`?"), fix)
        }
        None => match metadata {
            Some((place, there)) if there.is_none_or(|there| there.get(key).is_none()) => {
                let move_there = json!({"op": "move", "from": path, "path": format!("{place}/{}", escape(key))});
                let fix = if there.is_some_and(Value::is_object) {
                    json!([move_there])
                } else {
                    json!([{"op": "add", "path": place, "value": {}}, move_there])
                };
                ("Keep notes of your own in `metadata`, or remove it.".to_owned(), Some(fix))
            }
            _ => ("Remove it.".to_owned(), Some(json!([{"op": "remove", "path": path}]))),
        },
    };
    finding.suggest(suggestion).fix_if(fix.and_then(|fix| serde_json::from_value(fix).ok()))
}
