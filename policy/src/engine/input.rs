//! The input of a decision.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    json::nesting,
    limits::{MAX_CONTEXT_BYTES, MAX_CONTEXT_FIELDS, MAX_NESTING, MAX_STRING_BYTES},
};

/// The question that a bundle decides: an agent, an action and the facts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Input {
    /// The agent that wants to act. Nothing decides for an agent or an action that is [no name](super::names).
    pub agent: String,
    /// The action that the agent wants to take.
    pub action: String,
    /// The facts. Dotted paths lead into nested objects.
    #[serde(default)]
    pub context: Map<String, Value>,
}

/// A question by reference: from an [`Input`] or from a replayed case.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The agent that wants to act.
    pub agent: &'a str,
    /// The action that the agent wants to take.
    pub action: &'a str,
    /// The facts.
    pub context: &'a Map<String, Value>,
}

impl<'a> From<&'a Input> for Question<'a> {
    fn from(input: &'a Input) -> Self {
        Self { agent: &input.agent, action: &input.action, context: &input.context }
    }
}

/// A size limit that an input exceeds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pointer}` has {found} {unit}; the limit {name} is {limit}")]
pub struct OverLimit {
    /// JSON Pointer to the value that is too large.
    pub pointer: &'static str,
    /// The name of the limit: `context_bytes`, `context_fields`, `nesting` or `string_bytes`.
    pub name: &'static str,
    /// The limit.
    pub limit: usize,
    /// The size that was found.
    pub found: usize,
    /// The unit of `limit` and `found`.
    pub unit: &'static str,
}

impl Input {
    /// Checks the size limits of an input. The agent and the action may each have [`MAX_STRING_BYTES`]. The context may
    /// have [`MAX_CONTEXT_BYTES`] as compact JSON, [`MAX_CONTEXT_FIELDS`] keys counted through all nested objects, and
    /// [`MAX_NESTING`] levels of nested objects and arrays.
    ///
    /// # Errors
    /// The first exceeded limit.
    pub fn check_limits(&self) -> Result<(), OverLimit> {
        for (pointer, text) in [("/agent", &self.agent), ("/action", &self.action)] {
            if text.len() > MAX_STRING_BYTES {
                let (name, limit, found, unit) = ("string_bytes", MAX_STRING_BYTES, text.len(), "bytes");
                return Err(OverLimit { pointer, name, limit, found, unit });
            }
        }
        let fields: usize = self.context.values().map(count_keys).sum::<usize>() + self.context.len();
        let pointer = "/context";
        if fields > MAX_CONTEXT_FIELDS {
            let (name, limit, found, unit) = ("context_fields", MAX_CONTEXT_FIELDS, fields, "fields");
            return Err(OverLimit { pointer, name, limit, found, unit });
        }
        let found = 1 + self.context.values().map(nesting).max().unwrap_or_default();
        if found > MAX_NESTING {
            let (name, limit, unit) = ("nesting", MAX_NESTING, "objects and arrays inside each other");
            return Err(OverLimit { pointer, name, limit, found, unit });
        }
        let mut size = ByteCounter(0);
        // Writing to a counter cannot fail, and a JSON map always serializes.
        let _ = serde_json::to_writer(&mut size, &self.context);
        if size.0 > MAX_CONTEXT_BYTES {
            let (name, limit, found, unit) = ("context_bytes", MAX_CONTEXT_BYTES, size.0, "bytes");
            return Err(OverLimit { pointer, name, limit, found, unit });
        }
        Ok(())
    }
}

fn count_keys(value: &Value) -> usize {
    match value {
        Value::Object(map) => map.len() + map.values().map(count_keys).sum::<usize>(),
        Value::Array(items) => items.iter().map(count_keys).sum(),
        _ => 0,
    }
}

/// A writer that counts the bytes written to it.
struct ByteCounter(usize);

impl std::io::Write for ByteCounter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(context: Value) -> Input {
        Input { agent: "a".into(), action: "b".into(), context: context.as_object().unwrap().clone() }
    }

    #[test]
    fn limits_are_named() {
        assert_eq!(with(serde_json::json!({"a": {"b": [1, {"c": 2}]}})).check_limits(), Ok(()));
        let wide: Map<String, Value> = (0..513).map(|i| (format!("f{i}"), Value::from(i))).collect();
        assert_eq!(with(wide.clone().into()).check_limits().unwrap_err().name, "context_fields");
        let nested = serde_json::json!({"deep": wide});
        assert_eq!(with(nested).check_limits().unwrap_err().found, 514);
        let deep = |levels: usize| (1..levels).fold(serde_json::json!({}), |inner, _| serde_json::json!({"a": inner}));
        assert_eq!(with(deep(100)).check_limits(), Ok(()));
        let error = with(deep(101)).check_limits().unwrap_err();
        assert_eq!((error.name, error.found), ("nesting", 101));
        let long = serde_json::json!({"text": "x".repeat(65_525)});
        assert_eq!(with(long).check_limits(), Ok(()));
        let longer = serde_json::json!({"text": "x".repeat(65_526)});
        let error = with(longer).check_limits().unwrap_err();
        assert_eq!(error.to_string(), "`/context` has 65537 bytes; the limit context_bytes is 65536");
    }
}
