//! The defaults of rules that do not say who approves, how many, and until when.

use policy::bundle::{ApprovalRule, Risk};
use serde::{Deserialize, Serialize};

use crate::authority::Role;

/// Approvals needed where the budget of the rule says `risk: high`.
pub const QUORUM_HIGH_RISK: u8 = 2;
/// The shortest time that a request may wait, in seconds.
pub const SHORTEST: u32 = 60;
/// The longest time that a request may wait, in seconds: seven days.
pub const LONGEST: u32 = 7 * 24 * 3600;

/// What an administrator may set about approvals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApprovalSettings {
    /// The roles that decide where a rule names nobody.
    pub approvers: DefaultApprovers,
    /// Approvals needed where a rule gives no number; at least two where the risk is high.
    pub quorum: u8,
    /// Seconds until a request without an answer expires, where a rule gives none.
    pub expires_in: u32,
    /// Whether an agent must say for whom it acts.
    pub require_on_behalf_of: bool,
}

/// Roles that decide by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DefaultApprovers {
    /// Whether people with the role `revenue_ops` decide.
    pub revenue_ops: bool,
    /// Whether people with the role `approver` decide.
    pub approver: bool,
    /// Whether people with the role `runtime_owner` decide.
    pub runtime_owner: bool,
    /// Whether people with the role `safety_owner` decide.
    pub safety_owner: bool,
}

impl Default for DefaultApprovers {
    fn default() -> Self {
        Self { revenue_ops: true, approver: true, runtime_owner: true, safety_owner: true }
    }
}

impl DefaultApprovers {
    /// The names of the roles.
    pub fn names(self) -> Vec<String> {
        let chosen = [
            (self.revenue_ops, Role::RevenueOps),
            (self.approver, Role::Approver),
            (self.runtime_owner, Role::RuntimeOwner),
            (self.safety_owner, Role::SafetyOwner),
        ];
        chosen.into_iter().filter(|(is_chosen, _)| *is_chosen).map(|(_, role)| role.name().to_owned()).collect()
    }
}

impl Default for ApprovalSettings {
    fn default() -> Self {
        Self { approvers: DefaultApprovers::default(), quorum: 1, expires_in: 3600, require_on_behalf_of: false }
    }
}

impl ApprovalSettings {
    /// Who decides about calls that `rule` holds: names of roles and addresses of people.
    pub fn approvers_of(&self, rule: &ApprovalRule) -> Vec<String> {
        if rule.terms.approvers.is_empty() { self.approvers.names() } else { rule.terms.approvers.clone() }
    }

    /// How many people have to approve.
    pub fn quorum_of(&self, rule: &ApprovalRule) -> u8 {
        let least = if rule.risk == Some(Risk::High) { QUORUM_HIGH_RISK } else { 1 };
        rule.terms.quorum.unwrap_or(self.quorum).max(least)
    }

    /// Seconds for which a request waits, and then for which its approval can be used.
    pub fn expires_in_of(&self, rule: &ApprovalRule) -> u32 {
        rule.terms.expires_in.unwrap_or(self.expires_in).clamp(SHORTEST, LONGEST)
    }
}
