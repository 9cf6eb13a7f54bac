//! Whether a draft makes it easier to get an agent's call approved at run time. No decision changes by that, so nothing else of
//! a packet shows it.

use policy::bundle::{ApprovalTerms, Bundle, Effect, Risk, Rule};

/// Whether a rule that holds calls for approval does so on weaker terms in `draft` than in `base`: more people may approve, or
/// fewer have to, for longer, or bound to less. A rule that goes takes its terms with it, unless the draft has them nowhere.
pub(super) fn weakened(base: &Bundle, draft: &Bundle) -> bool {
    let held = |rule: &&Rule| rule.enabled && rule.effect == Effect::NeedsApproval;
    base.rules.iter().filter(held).any(|before| {
        match draft.rules.iter().find(|after| after.id == before.id && after.enabled) {
            // What is denied, or allowed, shows in the decisions that change.
            Some(after) if after.effect != Effect::NeedsApproval => false,
            Some(after) => is_weaker(&before.approval, &after.approval) || is_less_risky(before, after),
            // Another rule may hold the same calls.
            None => before.approval != ApprovalTerms::default() || risk(before) == Some(Risk::High),
        }
    })
}

/// Calls of high risk need two people.
fn is_less_risky(before: &Rule, after: &Rule) -> bool {
    risk(before) == Some(Risk::High) && risk(after) != Some(Risk::High)
}

fn risk(rule: &Rule) -> Option<Risk> {
    rule.budget.and_then(|budget| budget.risk)
}

fn is_weaker(before: &ApprovalTerms, after: &ApprovalTerms) -> bool {
    let more_people = !before.approvers.is_empty()
        && (after.approvers.is_empty() || after.approvers.iter().any(|one| !before.approvers.contains(one)));
    let fewer_needed = before.quorum.is_some_and(|quorum| after.quorum.is_none_or(|now| now < quorum));
    let longer = before.expires_in.is_some_and(|seconds| after.expires_in.is_none_or(|now| now > seconds));
    let less_bound = after.unbound.iter().any(|field| !before.unbound.contains(field));
    more_people || fewer_needed || longer || less_bound
}

#[cfg(test)]
mod tests {
    use policy::bundle::Source;
    use serde_json::{Value, json};

    use super::*;

    fn bundle(terms: &Value) -> Bundle {
        let mut rule = json!({"id": "refund-ask", "agent": "a", "action": "refund", "effect": "needs_approval",
            "reason": "A person looks at it", "budget": {"risk": "high"}});
        for (name, value) in terms.as_object().unwrap() {
            rule[name] = value.clone();
        }
        let parsed = Source::read(json!({"format": "1.1", "rules": [rule]})).unwrap().parse_rules();
        assert!(parsed.faults.is_empty(), "{:?}", parsed.faults);
        parsed.bundle
    }

    #[test]
    fn weaker_terms_are_recognised_among_stronger_and_equal_ones() {
        let before = bundle(
            &json!({"approvers": ["approver", "safety_owner"], "quorum": 2, "expires_in": 600, "unbound": ["at"]}),
        );
        assert!(!weakened(&before, &before));
        for (terms, weaker) in [
            (json!({"approvers": ["safety_owner"], "quorum": 3, "expires_in": 60, "unbound": []}), false),
            (json!({"approvers": ["safety_owner"], "quorum": 2, "expires_in": 600, "unbound": ["at"]}), false),
            (json!({"quorum": 2, "expires_in": 600}), true),
            (json!({"approvers": ["approver", "eve@example.com"], "quorum": 2, "expires_in": 600}), true),
            (json!({"approvers": ["approver"], "quorum": 1, "expires_in": 600}), true),
            (json!({"approvers": ["approver"], "expires_in": 600}), true),
            (json!({"approvers": ["approver"], "quorum": 2, "expires_in": 601}), true),
            (json!({"approvers": ["approver"], "quorum": 2}), true),
            (json!({"approvers": ["approver"], "quorum": 2, "expires_in": 600, "unbound": ["at", "amount"]}), true),
            (json!({"approvers": ["approver"], "quorum": 2, "expires_in": 600, "budget": {"risk": "low"}}), true),
            (json!({"id": "another-rule", "approvers": ["approver"], "quorum": 2, "expires_in": 600}), true),
            (json!({"approvers": ["approver"], "quorum": 2, "expires_in": 600, "enabled": false}), true),
        ] {
            assert_eq!(weakened(&before, &bundle(&terms)), weaker, "{terms}");
        }
        let plain = bundle(&json!({"budget": {"risk": "low"}}));
        assert!(!weakened(&plain, &bundle(&json!({"quorum": 2, "approvers": ["approver"]}))));
        assert!(weakened(&plain, &bundle(&json!({"budget": {"risk": "low"}, "unbound": ["amount"]}))));
    }
}
