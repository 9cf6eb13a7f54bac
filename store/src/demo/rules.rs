//! The bundles of the example workspace: the live one, the one before it, one in review and one being written.

use policy::bundle::{Invariant, Source};
use serde_json::{Map, Value, json};

use crate::{Error, Result};

/// The live bundle: nineteen rules of a real team, corrected, with explicit defaults and a schema.
const STABLE: &str = include_str!("stable.json");

/// The version before the live one.
pub const PREVIOUS_VERSION: &str = "2.2.0";
/// The live version.
pub const STABLE_VERSION: &str = "2.3.0";
/// The version that waits for review.
pub const REVIEW_VERSION: &str = "2.4.0";
/// The version that is being written.
pub const DRAFT_VERSION: &str = "2.5.0";

/// The live bundle.
pub fn stable() -> Result<Source> {
    Source::parse(STABLE.as_bytes())
        .map(|source| Source {
            version: Some(STABLE_VERSION.to_owned()),
            base_version: Some(PREVIOUS_VERSION.to_owned()),
            ..source
        })
        .map_err(|_| Error::Internal("the example policy cannot be read".into()))
}

/// The bundle before the live one: without the guardrails, and stricter about risk.
pub fn previous() -> Result<Source> {
    let mut source = stable()?;
    source.version = Some(PREVIOUS_VERSION.to_owned());
    source.base_version = None;
    source.notes = "Three phases for automatic quarantine.".to_owned();
    source.rules.retain(|rule| !matches!(id(rule), "inbox-vip-bypass" | "circuit-breaker"));
    set(&mut source, "inbox-quarantine-high-risk", "conditions", json!({">=risk_score": 90, "category": "phishing"}));
    Ok(source)
}

/// The invariant that no version may ever violate.
pub fn invariant() -> Result<Invariant> {
    serde_json::from_value(json!({
        "id": "no-hard-deletes-in-production", "agent": "*", "action": "delete", "never": "allow",
        "when": {"environment": "production", "soft_delete": false},
        "note": "What is deleted for good in production cannot be brought back.",
    }))
    .map_err(|_| Error::Internal("the example invariant cannot be read".into()))
}

/// The bundle in review: one threshold raised, one rule added, nothing newly allowed.
pub fn in_review() -> Result<Source> {
    let mut source = successor(REVIEW_VERSION, "Spoofed mail from our own domain is held for a person.")?;
    set(&mut source, "inbox-quarantine-high-risk", "conditions", json!({">=risk_score": 88, "category": "phishing"}));
    set(
        &mut source,
        "inbox-quarantine-high-risk",
        "reason",
        json!("Phishing at risk 88 or more goes straight to quarantine."),
    );
    add(
        &mut source,
        json!({
            "id": "inbox-hold-spoofed-domain", "agent": "inbox.triage", "action": "allow", "effect": "needs_approval",
            "priority": 190, "conditions": {"sender_domain": "@company.com", "dkim_valid": false},
            "reason": "Unsigned mail that claims to be ours is looked at by a person.",
            "budget": {"cost": 0.1, "compute": 2, "risk": "medium"}, "tags": ["inbox"],
        }),
    );
    Ok(source)
}

/// The bundle being written: one threshold lowered, one rule added.
pub fn draft() -> Result<Source> {
    let mut source = successor(DRAFT_VERSION, "Medium reindexes may run while the cluster is idle.")?;
    set(&mut source, "budget-high-cost-approval", "conditions", json!({">=estimated_cost": 50}));
    set(
        &mut source,
        "budget-high-cost-approval",
        "reason",
        json!("Anything estimated at 50 USD or more must be agreed."),
    );
    add(
        &mut source,
        json!({
            "id": "knowledge-medium-reindex-idle", "agent": "knowledge.search", "action": "reindex", "effect": "allow",
            "priority": 60, "conditions": {"<size_gb": 50, "<estimated_cost": 25, "<current_load": 0.3},
            "reason": "A medium reindex may run while the cluster is idle.",
            "budget": {"cost": 25, "compute": 200, "risk": "medium"}, "tags": ["search"],
        }),
    );
    Ok(source)
}

fn successor(version: &str, notes: &str) -> Result<Source> {
    Ok(Source {
        version: Some(version.to_owned()),
        base_version: Some(STABLE_VERSION.to_owned()),
        notes: notes.to_owned(),
        ..stable()?
    })
}

fn id(rule: &Map<String, Value>) -> &str {
    rule.get("id").and_then(Value::as_str).unwrap_or_default()
}

fn set(source: &mut Source, rule_id: &str, member: &str, value: Value) {
    for rule in source.rules.iter_mut().filter(|rule| id(rule) == rule_id) {
        rule.insert(member.to_owned(), value.clone());
    }
}

fn add(source: &mut Source, rule: Value) {
    if let Value::Object(rule) = rule {
        source.rules.push(rule);
    }
}

#[cfg(test)]
mod tests {
    use policy::{
        bundle::{diff::text_diff, version},
        lint::lint_against,
    };

    use super::*;

    #[test]
    fn every_example_bundle_is_free_of_errors_and_warnings() {
        for source in [previous(), stable(), in_review(), draft()] {
            let report = lint_against(&source.unwrap(), &[invariant().unwrap()]);
            assert!(report.errors.is_empty() && report.warnings.is_empty(), "{report:#?}");
        }
    }

    #[test]
    fn each_version_is_the_step_its_changes_need() {
        let taken = [PREVIOUS_VERSION, STABLE_VERSION];
        for (source, taken) in [(in_review(), &taken[..]), (draft(), &[&taken[..], &[REVIEW_VERSION]].concat()[..])] {
            let (source, stable) = (source.unwrap(), stable().unwrap());
            let chosen = source.version.clone().unwrap();
            let checked = version::check(&chosen, Some((STABLE_VERSION, &stable)), &source, taken);
            assert_eq!(checked, Ok(None), "{chosen}");
            assert_eq!(text_diff(&stable, &source).summary, "1 rule added, 1 modified");
        }
        let step = version::check(
            STABLE_VERSION,
            Some((PREVIOUS_VERSION, &previous().unwrap())),
            &stable().unwrap(),
            &taken[..1],
        );
        assert_eq!(step, Ok(None));
    }

    #[test]
    fn guardrails_are_marked() {
        let bundle = stable().unwrap().parse_rules().bundle;
        let marked: Vec<_> =
            bundle.rules.iter().filter(|rule| rule.is_guardrail()).map(|rule| rule.id.as_str()).collect();
        assert_eq!(marked, ["inbox-vip-bypass", "circuit-breaker"]);
    }
}
