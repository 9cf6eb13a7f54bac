//! The content address of a bundle: SHA-256 of the canonical JSON of everything that affects decisions.
//!
//! The digest covers the rules (sorted by id, so that their order never matters, and with defaults written out, so that
//! stating a default never matters), the schema, `default_effect` and `on_error`. It does not cover the version, notes
//! and metadata of the bundle. A draft with faults has a digest too.
//!
//! No digest of a bundle of format 1.0 ever changes: `tests/golden/digests.json` holds that. Where members of a later
//! [format](super::format) come in:
//!
//! - Members of the bundle that mean something in that format (`format` itself, `timezone`) become members of the outer
//!   object below, in canonical order, and only when they are set. In format 1.0 they are not covered, whatever they are.
//! - Members of rules (`not_before`, `expires_at`, `approvers`, `quorum`, `expires_in`, `unbound`) and of declared fields
//!   (the type `array`) are covered as written, as every member of a rule and of the schema is. In bundles of the later
//!   format, [`rule::with_defaults`] leaves out those that are at their default, so that stating a default never matters.
//!   In format 1.0 it must not: there they are unknown members, and digests that cover them exist.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{Effect, canonical, rule, schema};

/// `sha256:` + 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digest of `bytes`.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(format!("sha256:{}", hex::encode(Sha256::digest(bytes))))
    }

    /// The digest of `value`'s canonical JSON.
    pub fn of(value: &Value) -> Self {
        Self::of_bytes(canonical::canonical(value).as_bytes())
    }

    /// The first eight hex digits, for people.
    pub fn short(&self) -> &str {
        short(&self.0)
    }
}

/// The first eight hex digits of a digest's text, for people.
pub fn short(digest: &str) -> &str {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    hex.get(..8).unwrap_or(hex)
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The digest of a bundle's content. `rules` and `schema` are as written.
pub fn of_content(
    rules: &[Map<String, Value>],
    default_effect: Effect,
    on_error: Effect,
    schema: Option<&Value>,
) -> Digest {
    let mut rules: Vec<(String, String)> = rules
        .iter()
        .map(|rule| {
            let explicit = rule::with_defaults(rule);
            let id = explicit.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            (id, canonical::canonical_object(&explicit))
        })
        .collect();
    // Drafts may repeat an id. The text then breaks the tie, so that the order of the rules never matters.
    rules.sort_unstable();
    let schema = schema.map_or(Value::Null, schema::with_defaults);
    let mut hasher = Sha256::new();
    // The members of the outer object, in canonical order.
    hasher.update(format!(r#"{{"default_effect":"{default_effect}","on_error":"{on_error}","rules":["#));
    for (index, (_, text)) in rules.iter().enumerate() {
        if index > 0 {
            hasher.update(b",");
        }
        hasher.update(text.as_bytes());
    }
    hasher.update(format!(r#"],"schema":{}}}"#, canonical::canonical(&schema)));
    Digest(format!("sha256:{}", hex::encode(hasher.finalize())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bundle::Source;

    #[test]
    fn the_digest_is_that_of_the_documented_object() {
        let source = Source::read(json!({"rules": [{"id": "bbb"}, {"id": "aaa", "priority": 7, "extra": 1}]})).unwrap();
        let documented = json!({
            "rules": [
                {"id": "aaa", "conditions": {}, "priority": 7, "enabled": true, "tags": [], "metadata": {}, "extra": 1},
                {"id": "bbb", "conditions": {}, "priority": 50, "enabled": true, "tags": [], "metadata": {}},
            ],
            "schema": null, "default_effect": "deny", "on_error": "deny",
        });
        assert_eq!(source.digest(), Digest::of(&documented));
        assert_eq!(source.digest().short().len(), 8);
    }

    #[test]
    fn rule_order_and_explicit_defaults_do_not_matter_and_content_does() {
        let rule = json!({"id": "one-rule", "agent": "*", "action": "*", "effect": "deny", "reason": "for the test"});
        let other = json!({"id": "two-rule", "agent": "a", "action": "*", "effect": "deny", "reason": "for the test"});
        let plain = Source::read(json!([rule, other])).unwrap().digest();
        let mut spelled = rule.clone();
        for (key, value) in
            [("priority", json!(50.0)), ("enabled", json!(true)), ("tags", json!([])), ("budget", json!(null))]
        {
            spelled[key] = value;
        }
        let moved = json!({"rules": [other, spelled], "on_error": "deny", "notes": "n", "version": "1.2.3"});
        assert_eq!(Source::read(moved).unwrap().digest(), plain);
        let mut changed = rule;
        changed["priority"] = json!(51);
        assert_ne!(Source::read(json!([changed, other])).unwrap().digest(), plain);
    }
}
