//! Reading JSON into a type. Every mistake is reported with its place.

use lifecycle::problem::{Code, Problem};
use policy::json::escape;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

/// Parses `bytes` as a `T`.
///
/// # Errors
/// 400 with line and column when `bytes` is not JSON, 422 with a JSON Pointer when a member is wrong.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Tracking the path costs time, so a document is parsed that way only after it has failed to parse.
    if let Ok(value) = serde_json::from_slice(bytes) {
        return Ok(value);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = match serde_path_to_error::deserialize(&mut deserializer) {
        Ok(value) => value,
        Err(error) => {
            let pointer = pointer_of(error.path());
            return Err(explain(bytes, pointer, error.into_inner()));
        }
    };
    deserializer.end().map_err(|error| malformed(bytes, &error))?;
    Ok(value)
}

/// Converts `value`, a document that has been parsed or a part of one.
///
/// # Errors
/// 422 with a JSON Pointer.
pub fn convert<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = pointer_of(error.path());
        invalid(pointer, &error.into_inner())
    })
}

fn explain(bytes: &[u8], pointer: String, error: serde_json::Error) -> Problem {
    if !error.is_data() {
        return malformed(bytes, &error);
    }
    // A body that is wrong *and* cut short is reported as malformed: the place of the syntax error helps more.
    if let Err(syntax) = serde_json::from_slice::<serde::de::IgnoredAny>(bytes) {
        return malformed(bytes, &syntax);
    }
    invalid(pointer, &error)
}

fn invalid(pointer: String, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let sentence = text.split(" at line ").next().unwrap_or(&text).to_owned();
    let missing = sentence.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    let pointer = missing.map_or(pointer.clone(), |name| format!("{pointer}/{name}"));
    let sentence = if missing.is_some() { "is required".to_owned() } else { sentence };
    Problem::invalid_field(pointer, sentence)
}

fn malformed(bytes: &[u8], error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    let sentence = if bytes.iter().all(u8::is_ascii_whitespace) {
        "the body is empty; send a JSON document".to_owned()
    } else {
        let text = error.to_string();
        let cause = text.split(" at line ").next().unwrap_or(&text).to_owned();
        format!("line {line}, column {column}: {cause}")
    };
    Problem::new(Code::MalformedJson, sentence).with("line", line as u64).with("column", column as u64)
}

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", escape(key))),
            Segment::Enum { variant } => pointer.push_str(&format!("/{}", escape(variant))),
            Segment::Unknown => {}
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use policy::Fault;

    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Sample {
        #[expect(dead_code, reason = "only its type matters")]
        rules: Vec<Rule>,
    }
    #[derive(Debug, serde::Deserialize)]
    struct Rule {
        #[expect(dead_code, reason = "only its type matters")]
        priority: u16,
    }

    fn refused(text: &str) -> Problem {
        parse::<Sample>(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn what_is_not_json_is_answered_with_its_line_and_column() {
        let problem = refused("{\n  \"rules\": [,]\n}");
        assert_eq!(
            (problem.status, problem.extra["line"].as_u64(), problem.extra["column"].as_u64()),
            (400, Some(2), Some(13))
        );
        assert_eq!(refused("").detail, "the body is empty; send a JSON document");
        assert_eq!(refused("{\"rules\":[]} x").status, 400);
        assert_eq!(refused(&"[".repeat(1000)).status, 400);
        assert_eq!(refused("\u{0}").status, 400);
    }

    #[test]
    fn a_wrong_member_is_answered_with_its_pointer() {
        let problem = refused(r#"{"rules":[{"priority":1},{"priority":"high"}]}"#);
        assert_eq!((problem.status, problem.errors[0].pointer.as_str()), (422, "/rules/1/priority"));
        let problem = refused(r#"{"rules":[{}]}"#);
        assert_eq!(problem.errors, vec![Fault::new("/rules/0/priority", "is required")]);
    }
}
