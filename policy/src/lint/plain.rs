//! Findings about a valid rule that need no other rule and no schema.

use super::{Code, Finding};
use crate::{
    bundle::{Effect, ParsedRule},
    limits,
};

/// Short reasons, approvals without budget, high costs, disabled rules.
pub fn check(rule: &ParsedRule<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let length = rule.reason.chars().count();
    if (1..limits::MIN_REASON_CHARS).contains(&length) {
        let message = format!("The reason has only {length} characters.");
        let suggestion = format!(
            "Say in {} characters or more why the rule exists: it is shown to reviewers and to those it stops.",
            limits::MIN_REASON_CHARS
        );
        findings.push(rule.finding(Code::ShortReason, "/reason", message).suggest(suggestion));
    }
    let budget = rule.budget.filter(|budget| *budget != crate::bundle::Budget::default());
    let stated = rule.source.get("budget").and_then(|budget| budget.as_object()).is_some_and(|b| !b.is_empty());
    if rule.effect == Some(Effect::NeedsApproval) && budget.is_none() && !stated {
        findings.push(
            rule.finding(Code::ApprovalWithoutBudget, "/budget", "The rule asks for approval but states no budget.")
                .suggest("State what an approved action may cost, so that approvers know what they agree to."),
        );
    }
    if let Some(cost) = rule.budget.and_then(|budget| budget.cost).filter(|cost| *cost > limits::HIGH_COST_USD) {
        let message = format!("The budget allows {cost} USD for one action, more than {} USD.", limits::HIGH_COST_USD);
        findings.push(rule.finding(Code::HighCost, "/budget/cost", message).suggest("Check the amount and its unit."));
    }
    if !rule.enabled {
        findings.push(
            rule.finding(Code::Disabled, "/enabled", "The rule is switched off and decides nothing.")
                .suggest("Switch it on, or remove it when it is no longer needed."),
        );
    }
    findings
}
