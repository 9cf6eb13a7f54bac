//! Reading JSON into a type. Every mistake is reported with its place.

pub use lifecycle::request::{convert, parse};

use lifecycle::problem::Problem;
use policy::json;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Converts a document that a later version may have written: unknown members are dropped.
///
/// # Errors
/// 422 with a JSON Pointer when a member is wrong.
pub fn convert_known<T: DeserializeOwned>(document: Value) -> Result<T, Problem> {
    json::convert(document).result.map_err(|fault| Problem::invalid_fields(vec![fault]))
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
        assert_eq!(refused("").detail, "line 1, column 1: the document is empty; send a JSON document");
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

    #[test]
    fn an_unknown_member_is_answered_with_the_nearest_known_one() {
        let problem = refused(r#"{"rules":[{"priority":1,"prioritty":2}]}"#);
        assert_eq!((problem.status, problem.code), (422, lifecycle::problem::Code::UnknownMember));
        let detail = "is unknown here; did you mean `priority`?";
        assert_eq!(problem.errors, vec![Fault::new("/rules/0/prioritty", detail)]);
        assert!(convert_known::<Sample>(serde_json::json!({"rules": [], "later": 1})).is_ok());
    }
}
