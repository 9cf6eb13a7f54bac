//! Members that the language does not have. They are kept, and mean nothing; a near miss of a known one is an error,
//! because what its author meant does not happen.

use serde_json::{Map, Value, json};

use super::{Code, Finding, Severity};
use crate::{
    bundle::{Effect, Format, ParsedRule, Source, approval_terms, format, rule, source::type_fault},
    characters,
    json::{clip, escape},
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
    // Members of a later format have a finding of their own.
    let later: &[&str] = if rule.format < Format::V1_1 { &approval_terms::MEMBERS } else { &[] };
    let mut findings: Vec<Finding> = unknown(rule.source, rule::members(rule.format), later)
        .into_iter()
        // A near miss of a member that is missing makes the rule unreadable, which is reported where rules are read.
        .filter(|found| !rule.faults.iter().any(|fault| fault.path == rule.pointer(&format!("/{}", escape(found.key)))))
        .map(|found| {
            let has_metadata = rule.source.get("metadata").is_none_or(Value::is_object);
            let metadata = has_metadata.then(|| (rule.pointer("/metadata"), rule.source.get("metadata")));
            finding("A rule", &rule.pointer(""), found, metadata).about(rule.id)
        })
        .collect();
    if let Some(Value::Object(budget)) = rule.source.get("budget") {
        let unknown = unknown(budget, &BUDGET, &[]).into_iter();
        findings.extend(unknown.map(|found| finding("A budget", &rule.pointer("/budget"), found, None).about(rule.id)));
    }
    findings
}

/// Unknown members of the bundle and of its schema.
pub fn check_bundle(source: &Source) -> Vec<Finding> {
    let mut known = BUNDLE.to_vec();
    if source.format.unwrap_or_default() >= Format::V1_1 {
        known.extend(format::UNREAD_IN_BUNDLES);
    }
    let found = unknown(&source.unknown, &known, &[]);
    let metadata = Value::Object(if found.is_empty() { Map::new() } else { source.metadata.clone() });
    let mut findings: Vec<Finding> = found
        .into_iter()
        .map(|found| {
            // The members that are known are not among the unknown ones.
            let near = found.near.map(|near| Near { is_free: is_free(source, near.member, found.value), ..near });
            finding("A bundle", "", Unknown { near, ..found }, Some(("/metadata".to_owned(), Some(&metadata))))
        })
        .collect();
    let Some(Value::Object(schema)) = &source.schema else { return findings };
    findings.extend(unknown(schema, &SCHEMA, &[]).into_iter().map(|found| finding("A schema", "/schema", found, None)));
    let agents = schema.get("agents").and_then(Value::as_object);
    for (name, agent) in agents.into_iter().flatten() {
        let Value::Object(agent) = agent else { continue };
        let base = format!("/schema/agents/{}", escape(name));
        findings.extend(
            unknown(agent, &AGENT, &[]).into_iter().map(|found| finding("A declared agent", &base, found, None)),
        );
        for (path, field) in agent.get("fields").and_then(Value::as_object).into_iter().flatten() {
            let Value::Object(field) = field else { continue };
            let base = format!("{base}/fields/{}", escape(path));
            findings.extend(
                unknown(field, &FIELD, &[]).into_iter().map(|found| finding("A declared field", &base, found, None)),
            );
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
        "format" => source.format.is_none() && format::read(value).is_ok(),
        "rules" => false,
        other => !source.unknown.contains_key(other),
    }
}

/// Maximum number of findings about the unknown members of one object, of near misses and of others.
const MAX_NAMED: usize = 20;

/// An unknown member.
struct Unknown<'a> {
    key: &'a str,
    value: &'a Value,
    /// The known member that it probably is.
    near: Option<Near>,
    /// How many more there are that have no finding of their own.
    more: usize,
}

/// The unknown members of an object, in its order: as many as one answer should name. Those that are `passed` over are
/// neither known nor reported.
fn unknown<'a>(object: &'a Map<String, Value>, known: &[&'static str], passed: &[&str]) -> Vec<Unknown<'a>> {
    let (mut found, mut more, mut named) = (Vec::new(), 0, [0; 2]);
    let is_passed = |key: &str| known.contains(&key) || passed.contains(&key);
    for (key, value) in object.iter().filter(|(key, _)| !is_passed(key)) {
        let near = known.iter().filter_map(|member| Some((keystrokes(key, member)?, *member))).min();
        let near = near.map(|(_, member)| Near { member, is_free: !object.contains_key(member) });
        let [errors, warnings] = &mut named;
        let count = if near.is_some() { errors } else { warnings };
        if *count < MAX_NAMED {
            *count += 1;
            found.push(Unknown { key, value, near, more: 0 });
        } else {
            more += 1;
        }
    }
    if let Some(last) = found.last_mut() {
        last.more = more;
    }
    found
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
    Unknown { key, value, near, more }: Unknown<'_>,
    metadata: Option<(String, Option<&Value>)>,
) -> Finding {
    let path = format!("{base}/{}", escape(key));
    let mut message =
        format!("{whose} has no member `{}`: it is kept, and means nothing.", clip(&characters::write_out(key)));
    if more > 0 {
        message.push_str(&format!(" So are {more} more."));
    }
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
