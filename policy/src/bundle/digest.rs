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

use super::{Effect, Format, canonical, rule, schema};

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

/// What a digest covers, as written.
#[derive(Debug, Clone, Copy)]
pub struct Covered<'a> {
    /// The rules, in any order.
    pub rules: &'a [Map<String, Value>],
    /// What happens when no rule matches.
    pub default_effect: Effect,
    /// What happens on an evaluation error.
    pub on_error: Effect,
    /// The declared input domain, if any.
    pub schema: Option<&'a Value>,
    /// The format.
    pub format: Format,
    /// The time zone, in the formats that have it and when it is set.
    pub timezone: Option<&'a Value>,
}

/// The digest of a bundle's content.
pub fn of_content(content: Covered<'_>) -> Digest {
    let Covered { rules, default_effect, on_error, schema, format, timezone } = content;
    let mut rules: Vec<(String, String)> = rules
        .iter()
        .map(|rule| {
            let explicit = rule::with_defaults(rule, format);
            let id = explicit.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            (id, canonical::canonical_object(&explicit))
        })
        .collect();
    // Drafts may repeat an id. The text then breaks the tie, so that the order of the rules never matters.
    rules.sort_unstable();
    let schema = schema.map_or(Value::Null, schema::with_defaults);
    let mut hasher = Sha256::new();
    // The members of the outer object, in canonical order.
    hasher.update(format!(r#"{{"default_effect":"{default_effect}","#));
    if format > Format::V1_0 {
        hasher.update(format!(r#""format":"{format}","#));
    }
    hasher.update(format!(r#""on_error":"{on_error}","rules":["#));
    for (index, (_, text)) in rules.iter().enumerate() {
        if index > 0 {
            hasher.update(b",");
        }
        hasher.update(text.as_bytes());
    }
    hasher.update(format!(r#"],"schema":{}"#, canonical::canonical(&schema)));
    if let Some(timezone) = timezone {
        hasher.update(format!(r#","timezone":{}"#, canonical::canonical(timezone)));
    }
    hasher.update("}");
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
    fn a_later_format_is_covered_and_what_says_nothing_is_left_out() {
        let rule = |members: Value| {
            let mut rule = json!({"id": "aaa", "effect": "needs_approval", "quorum": 2});
            rule.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            rule
        };
        let digest = |format: Value, members: Value| {
            let document = json!({"rules": [rule(members)], "format": format, "timezone": "Europe/Vienna"});
            Source::read(document).unwrap().digest()
        };
        let explicit = json!({"conditions": {}, "priority": 50, "enabled": true, "tags": [], "metadata": {}});
        let outer = json!({"rules": [rule(explicit)], "schema": null, "default_effect": "deny", "on_error": "deny"});
        let mut later = outer.clone();
        later
            .as_object_mut()
            .unwrap()
            .extend([("format".into(), "1.1".into()), ("timezone".into(), "Europe/Vienna".into())]);
        let nothing = json!({"approvers": [], "unbound": [], "expires_in": null});
        assert_eq!(digest(json!("1.0"), json!({})), Digest::of(&outer));
        assert_eq!(digest(json!("1.1"), json!({})), Digest::of(&later));
        assert_eq!(digest(json!("1.1"), nothing.clone()), Digest::of(&later));
        assert_ne!(digest(json!("1.0"), nothing), Digest::of(&outer), "in format 1.0 they are unknown members");
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
