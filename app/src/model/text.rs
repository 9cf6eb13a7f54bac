//! The document as JSON text: written with keys in the order people use, and parsed with the line and column of the
//! first mistake.

use std::fmt::Write as _;

use policy::{bundle::Source, json};
use serde_json::{Map, Value};

use super::{Content, rule::KEY_ORDER};

/// The keys of a bundle, in the order people write them.
const BUNDLE_ORDER: [&str; 9] =
    ["version", "base_version", "format", "default_effect", "on_error", "notes", "schema", "metadata", "rules"];

/// Why text could not be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// 1-based line, if the error is at a place in the text.
    pub line: Option<usize>,
    /// 1-based column.
    pub column: usize,
    /// A description of the mistake.
    pub message: String,
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}, column {}: {}", self.column, self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// `text` without the byte order mark in front that some programs write.
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The JSON in `text`.
///
/// # Errors
/// [`ParseError`] with the place of the first mistake.
pub fn parse(text: &str) -> Result<Value, ParseError> {
    json::parse(text.as_bytes()).map_err(|malformed| ParseError {
        line: Some(malformed.line),
        column: malformed.column,
        message: malformed.message,
    })
}

/// A bundle document from a JSON value.
///
/// # Errors
/// [`ParseError`] naming the JSON Pointer of the first value with a wrong type.
pub fn source(value: Value) -> Result<Source, ParseError> {
    Source::read(value).map_err(|faults| {
        let more = faults.len().saturating_sub(1);
        let mut message = faults.first().map_or_else(String::new, |fault| match fault.pointer.as_str() {
            "" => fault.detail.clone(),
            pointer => format!("{pointer}: {}", fault.detail),
        });
        if more > 0 {
            let _ = write!(message, " (and {more} more)");
        }
        ParseError { line: None, column: 0, message }
    })
}

/// The rules in `value` if it contains nothing else: a bare array, or an object with `rules` alone.
fn only_rules(value: &Value) -> Option<&Value> {
    match value {
        Value::Array(_) => Some(value),
        Value::Object(object) if object.len() == 1 => object.get("rules"),
        _ => None,
    }
}

/// The document in `text`. If the text contains only rules, the rest of `content` is kept.
///
/// # Errors
/// [`ParseError`] when the text is not JSON or not a bundle.
pub fn read(text: &str, content: &Content) -> Result<Source, ParseError> {
    let value = parse(text)?;
    let bare = only_rules(&value).is_some();
    let mut read = source(value)?;
    if bare {
        let rules = std::mem::take(&mut read.rules);
        read = Source { rules, ..content.head().clone() };
    }
    Ok(read)
}

/// The document as text.
pub fn write(content: &Content) -> String {
    let head = match serde_json::to_value(content.head()) {
        Ok(Value::Object(head)) => head,
        _ => Map::new(),
    };
    let mut out = String::from("{");
    let mut first = true;
    for key in ordered(&head, &BUNDLE_ORDER) {
        out.push_str(if first { "\n" } else { ",\n" });
        first = false;
        let _ = write!(out, "  {}: ", Value::from(key));
        if key == "rules" {
            write_rules(&mut out, content);
        } else {
            write_value(&mut out, head.get(key).unwrap_or(&Value::Null), 1, &[]);
        }
    }
    out.push_str("\n}\n");
    out
}

fn write_rules(out: &mut String, content: &Content) {
    if content.rules().is_empty() {
        out.push_str("[]");
        return;
    }
    out.push('[');
    for (position, entry) in content.rules().iter().enumerate() {
        out.push_str(if position == 0 { "\n    " } else { ",\n    " });
        write_object(out, &entry.rule, 2, &KEY_ORDER);
    }
    out.push_str("\n  ]");
}

/// The keys of `object`: those of `order` first, then the others.
fn ordered<'a>(object: &'a Map<String, Value>, order: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    let known = order.iter().copied().filter(|key| object.contains_key(*key));
    known.chain(object.keys().map(String::as_str).filter(|key| !order.contains(key)))
}

fn write_object(out: &mut String, object: &Map<String, Value>, depth: usize, order: &[&str]) {
    if object.is_empty() {
        out.push_str("{}");
        return;
    }
    out.push('{');
    for (position, key) in ordered(object, order).enumerate() {
        out.push_str(if position == 0 { "\n" } else { ",\n" });
        indent(out, depth + 1);
        let _ = write!(out, "{}: ", Value::from(key));
        write_value(out, object.get(key).unwrap_or(&Value::Null), depth + 1, &[]);
    }
    out.push('\n');
    indent(out, depth);
    out.push('}');
}

fn write_value(out: &mut String, value: &Value, depth: usize, order: &[&str]) {
    match value {
        Value::Object(object) if short(value) => {
            let parts: Vec<String> =
                object.iter().map(|(key, value)| format!("{}: {value}", Value::from(key.as_str()))).collect();
            let _ = if parts.is_empty() { write!(out, "{{}}") } else { write!(out, "{{ {} }}", parts.join(", ")) };
        }
        Value::Array(list) if short(value) => {
            let parts: Vec<String> = list.iter().map(Value::to_string).collect();
            let _ = write!(out, "[{}]", parts.join(", "));
        }
        Value::Object(object) => write_object(out, object, depth, order),
        Value::Array(list) => {
            out.push('[');
            for (position, item) in list.iter().enumerate() {
                out.push_str(if position == 0 { "\n" } else { ",\n" });
                indent(out, depth + 1);
                write_value(out, item, depth + 1, order);
            }
            out.push('\n');
            indent(out, depth);
            out.push(']');
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

/// Whether a value is written on one line: flat, and short.
fn short(value: &Value) -> bool {
    let leaf = |value: &Value| !value.is_object() && !value.is_array();
    let flat = match value {
        Value::Object(object) => object.values().all(|v| leaf(v) || v.as_array().is_some_and(|a| a.iter().all(leaf))),
        Value::Array(list) => list.iter().all(leaf),
        _ => true,
    };
    flat && value.to_string().len() <= 96
}

fn indent(out: &mut String, depth: usize) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mistake_has_a_line_and_a_column() {
        let error = parse("{\n  \"rules\": [,]\n}").unwrap_err();
        assert_eq!((error.line, error.column), (Some(2), 13));
        assert_eq!(error.to_string(), "line 2, column 13: a value is missing before this comma");
    }

    #[test]
    fn only_rules_leave_the_rest_alone() {
        let content = Content::new(Source { notes: "kept".into(), ..Source::default() });
        for text in [r#"[{"id":"aaa"}]"#, r#"{"rules":[{"id":"aaa"}]}"#] {
            let read = read(text, &content).unwrap();
            assert_eq!((read.notes.as_str(), read.rules.len()), ("kept", 1));
        }
        assert_eq!(read(r#"{"rules":[],"notes":"new"}"#, &content).unwrap().notes, "new");
    }

    #[test]
    fn rules_are_written_in_the_order_people_write_them() {
        let rule = json!({"zeta": 1, "effect": "deny", "id": "aaa", "conditions": {">=x": 1}, "agent": "*"});
        let content = Content::new(Source { rules: vec![rule.as_object().unwrap().clone()], ..Source::default() });
        let text = write(&content);
        let at = |key: &str| text.find(&format!("\"{key}\"")).unwrap();
        assert!(at("id") < at("agent") && at("agent") < at("conditions") && at("effect") < at("zeta"));
        assert!(text.contains("\"conditions\": { \">=x\": 1 }"), "{text}");
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z\"\\\\]{0,5}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Written text reads back as the same document.
        #[test]
        fn text_round_trips(metadata in json_value(), extra in json_value(), notes in "\\PC{0,20}") {
            let mut rule = Map::new();
            rule.insert("id".into(), "aaa".into());
            rule.insert("metadata".into(), json!({"x": metadata}));
            rule.insert("unknown_key".into(), extra);
            let content = Content::new(Source { notes, rules: vec![rule], ..Source::default() });
            let text = write(&content);
            prop_assert_eq!(read(&text, &Content::default()).unwrap(), content.to_source());
        }
    }
}
