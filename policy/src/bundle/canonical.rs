//! The one canonical JSON of the product: RFC 8785. Everything that is hashed or signed goes through here.

use serde_json::{Map, Value};

/// `value` as RFC 8785 text: members sorted by UTF-16 code units, no whitespace, numbers as IEEE doubles.
///
/// Two values that are equal to a JSON reader that uses doubles have the same text, so `1`, `1.0` and `1e0` are one
/// number.
pub fn canonical(value: &Value) -> String {
    // A `Value` cannot fail to serialize: its keys are strings and its numbers finite. `Value`'s own text is the
    // fallback that keeps this function total.
    serde_json_canonicalizer::to_string(value).unwrap_or_else(|_| value.to_string())
}

/// [`canonical`] for an object that is not wrapped in a [`Value`].
pub fn canonical_object(object: &Map<String, Value>) -> String {
    serde_json_canonicalizer::to_string(object)
        .unwrap_or_else(|_| serde_json::to_string(object).unwrap_or_else(|_| "{}".to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_sorted_and_numbers_are_doubles() {
        let value = json!({"b": 1.0, "a": [1e2, -0.0, 9_007_199_254_740_993_i64], "é": "\u{1f}"});
        assert_eq!(canonical(&value), r#"{"a":[100,0,9007199254740992],"b":1,"é":"\u001f"}"#);
    }
}
