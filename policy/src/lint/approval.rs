//! Terms of approvals where they do nothing: in a bundle of format 1.0, and in a rule that asks nobody.

use serde_json::json;

use super::{Code, Finding};
use crate::bundle::{Effect, Format, ParsedRule, approval_terms};

/// One finding for every member with terms that do nothing.
pub fn check(rule: &ParsedRule<'_>) -> Vec<Finding> {
    let stated = approval_terms::MEMBERS.into_iter().filter_map(|member| Some((member, rule.source.get(member)?)));
    let finding = |code: Code, member: &str, message: String| rule.finding(code, &format!("/{member}"), message);
    stated
        .filter_map(|(member, value)| match (rule.format, rule.effect) {
            (Format::V1_0, _) if !value.is_null() => {
                let message = format!("`{member}` means nothing in a bundle of format 1.0: it is kept, and not read.");
                let fix = json!([{"op": "add", "path": "/format", "value": Format::V1_1}]);
                let suggestion = "Write `\"format\": \"1.1\"` in the bundle, or remove the member.";
                let finding = finding(Code::Notation1_1, member, message).suggest(suggestion);
                Some(finding.fix_if(serde_json::from_value(fix).ok()))
            }
            (Format::V1_1, Some(effect)) if effect != Effect::NeedsApproval && !approval_terms::is_default(value) => {
                let message = format!("`{member}` does nothing here: the rule answers {effect} and asks nobody.");
                let suggestion = "Remove it, or let the rule answer `needs_approval`.";
                Some(finding(Code::UnusedMember, member, message).suggest(suggestion))
            }
            _ => None,
        })
        .collect()
}
