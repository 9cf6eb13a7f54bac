//! The built-in test cases: everyday questions of the example agents, with the facts that their rules test. Most cases
//! have no expectation, because the author has to state it.

use serde_json::{Value, json};

use super::Case;

/// The built-in cases, in a fixed order.
pub fn cases() -> Vec<Case> {
    let rows: [(&str, &str, &str, Value); 24] = [
        (
            "inbox-phishing-high",
            "inbox.triage",
            "quarantine",
            json!({"risk_score": 95, "category": "phishing", "sender_reputation": 0.1, "domain_seen_days": 2, "sender_vip": false, "rollout_day": 20}),
        ),
        (
            "inbox-phishing-at-limit",
            "inbox.triage",
            "quarantine",
            json!({"risk_score": 85, "category": "phishing", "sender_reputation": 0.3, "domain_seen_days": 40, "sender_vip": false, "rollout_day": 10}),
        ),
        (
            "inbox-phishing-below",
            "inbox.triage",
            "quarantine",
            json!({"risk_score": 84, "category": "phishing", "sender_reputation": 0.3, "domain_seen_days": 40, "sender_vip": false, "rollout_day": 10}),
        ),
        (
            "inbox-vip-sender",
            "inbox.triage",
            "quarantine",
            json!({"risk_score": 97, "category": "phishing", "sender_vip": true}),
        ),
        (
            "inbox-newsletter",
            "inbox.triage",
            "archive",
            json!({"category": "newsletter", "unsubscribe_link_present": true, "spam_score": 20, "risk_score": 5}),
        ),
        (
            "inbox-newsletter-spam",
            "inbox.triage",
            "archive",
            json!({"category": "newsletter", "unsubscribe_link_present": true, "spam_score": 75, "risk_score": 30}),
        ),
        (
            "inbox-medium-risk",
            "inbox.triage",
            "escalate",
            json!({"risk_score": 70, "category": "suspicious", "sender_reputation": 0.4}),
        ),
        (
            "inbox-trusted-sender",
            "inbox.triage",
            "allow",
            json!({"risk_score": 3, "sender_domain": "@company.com", "dkim_valid": true}),
        ),
        (
            "inbox-spoofed-sender",
            "inbox.triage",
            "allow",
            json!({"risk_score": 60, "sender_domain": "@company.com", "dkim_valid": false}),
        ),
        (
            "inbox-circuit-open",
            "inbox.triage",
            "quarantine",
            json!({"risk_score": 95, "category": "phishing", "error_rate_5min": 0.2, "circuit_open": true}),
        ),
        ("inbox-no-facts", "inbox.triage", "quarantine", json!({})),
        ("inbox-score-as-text", "inbox.triage", "quarantine", json!({"risk_score": "95", "category": "phishing"})),
        (
            "search-small-reindex",
            "knowledge.search",
            "reindex",
            json!({"size_gb": 4, "doc_count": 20_000, "estimated_cost": 1.5, "compute": 20, "current_load": 0.3}),
        ),
        (
            "search-large-reindex",
            "knowledge.search",
            "reindex",
            json!({"size_gb": 120, "doc_count": 4_000_000, "estimated_cost": 80, "compute": 600, "current_load": 0.5}),
        ),
        (
            "search-reindex-overload",
            "knowledge.search",
            "reindex",
            json!({"size_gb": 30, "doc_count": 500_000, "estimated_cost": 20, "compute": 1_200, "current_load": 0.9}),
        ),
        (
            "search-delete-production",
            "knowledge.search",
            "delete",
            json!({"environment": "production", "soft_delete": false}),
        ),
        ("search-soft-delete", "knowledge.search", "delete", json!({"environment": "production", "soft_delete": true})),
        (
            "search-weekend-update",
            "knowledge.search",
            "update",
            json!({"day_of_week": "Saturday", "priority": "low", "urgent": false}),
        ),
        (
            "deploy-with-canary",
            "planner.deploy",
            "deploy",
            json!({"environment": "production", "canary_enabled": true, "current_hour": 11, "override_approved": false, "estimated_cost": 12}),
        ),
        (
            "deploy-without-canary",
            "planner.deploy",
            "deploy",
            json!({"environment": "production", "canary_enabled": false, "current_hour": 11, "override_approved": false, "estimated_cost": 12}),
        ),
        (
            "deploy-at-night",
            "planner.deploy",
            "deploy",
            json!({"environment": "production", "canary_enabled": true, "current_hour": 3, "override_approved": false}),
        ),
        (
            "deploy-expensive",
            "planner.deploy",
            "deploy",
            json!({"environment": "staging", "canary_enabled": true, "current_hour": 14, "estimated_cost": 250}),
        ),
        (
            "rollback-emergency",
            "planner.deploy",
            "rollback",
            json!({"severity": "critical", "incident_active": true, "environment": "production"}),
        ),
        (
            "high-risk-one-approver",
            "planner.deploy",
            "deploy",
            json!({"risk": "high", "approvers_count": 1, "environment": "production", "canary_enabled": true, "current_hour": 14}),
        ),
    ];
    rows.into_iter()
        .map(|(case_id, agent, action, context)| Case {
            case_id: case_id.to_owned(),
            agent: agent.to_owned(),
            action: action.to_owned(),
            context: if let Value::Object(context) = context { context } else { serde_json::Map::new() },
            expected_effect: None,
        })
        .collect()
}

/// The saved cases, followed by the built-in cases that no saved case of the same id replaces.
pub fn with_saved(saved: &[Case]) -> Vec<Case> {
    let built_in = cases().into_iter().filter(|case| saved.iter().all(|own| own.case_id != case.case_id));
    saved.iter().cloned().chain(built_in).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_saved_cases_come_first() {
        let mut own = cases().remove(3);
        own.expected_effect = Some(crate::bundle::Effect::Deny);
        let all = with_saved(&[own.clone()]);
        assert_eq!(all.len(), cases().len());
        assert_eq!(all[0], own);
        let ids: std::collections::BTreeSet<&str> = all.iter().map(|case| case.case_id.as_str()).collect();
        assert_eq!(ids.len(), all.len());
    }
}
