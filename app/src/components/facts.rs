//! The facts of an input, as rows and as a summary.

use policy::characters::write_out;
use serde_json::{Map, Value};

use super::value_words;

/// The input as rows, with nested objects by dotted path, in the order of the input.
pub fn rows(context: &Map<String, Value>) -> Vec<(String, String)> {
    let written = |(path, value): (String, Value)| (write_out(&path).into_owned(), value_words(&value));
    values(context).into_iter().map(written).collect()
}

/// The facts of an input by dotted path.
pub fn values(context: &Map<String, Value>) -> Vec<(String, Value)> {
    let mut out = Vec::new();
    flatten("", context, &mut out);
    out
}

fn flatten(prefix: &str, object: &Map<String, Value>, out: &mut Vec<(String, Value)>) {
    for (key, value) in object {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Object(inner) if !inner.is_empty() => flatten(&path, inner, out),
            other => out.push((path, other.clone())),
        }
    }
}

/// The first facts of an input, for a cell of the log.
pub fn gist(context: &Map<String, Value>) -> String {
    const SHOWN: usize = 3;
    let rows = rows(context);
    let more = if rows.len() > SHOWN { " …" } else { "" };
    let facts: Vec<_> = rows.iter().take(SHOWN).map(|(field, value)| format!("{field} {}", rounded(value))).collect();
    format!("{}{more}", facts.join(" · "))
}

/// A value with at most three decimals; the page of the decision shows the whole value.
fn rounded(value: &str) -> String {
    match (value.split_once('.'), value.parse::<f64>()) {
        (Some((_, fraction)), Ok(number)) if fraction.len() > 3 => format!("{number:.3}"),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_input_is_listed_by_path() {
        let context = json!({"risk": 87, "sender": {"domain": "a.test", "vip": false}, "tags": ["x", "y"]});
        let context = context.as_object().unwrap();
        assert_eq!(
            rows(context),
            [
                ("risk".to_owned(), "87".to_owned()),
                ("sender.domain".to_owned(), "a.test".to_owned()),
                ("sender.vip".to_owned(), "false".to_owned()),
                ("tags".to_owned(), "x, y".to_owned()),
            ]
        );
        assert_eq!(gist(context), "risk 87 · sender.domain a.test · sender.vip false …");
    }
}
