//! Who may decide about a request, and what the decisions add up to.

use std::time::Duration;

use policy::Timestamp;

use super::{Action, Scope, Status, Terms, Verdict};
use crate::authority::{Actor, HeldRoles, Permission, Role, same_person};

/// Why a person may not decide about a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MayNotDecide {
    /// The agent acts for this person.
    #[error("the agent acts for you, so another person has to decide")]
    ActedFor,
    /// The rule names others.
    #[error("only {0} may decide about this request")]
    NotNamed(String),
}

/// Whether `actor`, who has the permission, may decide about this request.
///
/// # Errors
/// [`MayNotDecide`].
pub fn may_decide(terms: &Terms, actor: &Actor) -> Result<(), MayNotDecide> {
    let roles: Vec<Role> = actor.roles.iter().copied().collect();
    names(terms, &actor.name, &roles)
}

/// Whether the terms let this person decide, who has these roles.
fn names(terms: &Terms, name: &str, roles: &[Role]) -> Result<(), MayNotDecide> {
    if terms.on_behalf_of.as_deref().is_some_and(|person| same_person(person, name)) {
        return Err(MayNotDecide::ActedFor);
    }
    let deciding = Permission::DecideApprovals.roles();
    let by_role = |approver: &str| roles.iter().any(|role| deciding.contains(role) && role.name() == approver);
    if terms.approvers.iter().any(|approver| by_role(approver) || same_person(approver, name)) {
        return Ok(());
    }
    Err(MayNotDecide::NotNamed(terms.approvers.join(", ")))
}

/// What the decisions about a request add up to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Where the request stands.
    pub status: Status,
    /// When it ended; for an approval, when the last needed person approved.
    pub ended_at: Option<Timestamp>,
    /// Until when an approval can be used.
    pub usable_until: Option<Timestamp>,
    /// How much an approval covers: what everybody who approved chose, or else this once.
    pub scope: Scope,
    /// How many approvals are missing while it waits.
    pub missing: usize,
}

/// What the genuine `actions` about a request add up to at `now`. The first denial ends it. Each person approves once, and in
/// time. With `standing`, an approval counts only while its signer holds a role that they signed with and may decide.
pub fn outcome(
    terms: &Terms,
    actions: &[Action],
    cancelled_at: Option<Timestamp>,
    standing: Option<&HeldRoles>,
    now: Timestamp,
) -> Outcome {
    let ended =
        |status, at| Outcome { status, ended_at: Some(at), usable_until: None, scope: Scope::default(), missing: 0 };
    let mut approvals: Vec<&Action> = Vec::new();
    for action in actions.iter().filter(|action| action.at < terms.expires_at) {
        let held = match standing {
            None => action.roles.clone(),
            Some(standing) => standing.held(&action.actor, &action.roles, action.at),
        };
        let counts = !held.is_empty() && names(terms, &action.actor, &held).is_ok();
        match action.decision {
            // A denial stands, whatever became of who denied.
            Verdict::Deny => return ended(Status::Denied, action.at),
            Verdict::Approve if counts => {
                if approvals.iter().all(|given| !same_person(&given.actor, &action.actor)) {
                    approvals.push(action);
                }
            }
            Verdict::Approve => {}
        }
    }
    let quorum = usize::from(terms.quorum.max(1));
    if let Some(last) = quorum.checked_sub(1).and_then(|last| approvals.get(last)) {
        // Who cancels after the approval gives it up, too.
        if let Some(at) = cancelled_at {
            return ended(Status::Cancelled, at);
        }
        let scope = approvals.first().map(|first| first.scope.clone()).unwrap_or_default();
        let agreed = approvals.iter().take(quorum).all(|given| given.scope == scope);
        let scope = if agreed { scope } else { Scope::default() };
        let usable = last.at.plus(Duration::from_secs(u64::from(terms.usable_for)));
        return Outcome {
            status: Status::Approved,
            ended_at: Some(last.at),
            usable_until: Some(scope.until.unwrap_or(usable)),
            scope,
            missing: 0,
        };
    }
    match cancelled_at {
        Some(at) => ended(Status::Cancelled, at),
        None if now >= terms.expires_at => ended(Status::Expired, terms.expires_at),
        None => Outcome {
            status: Status::Pending,
            ended_at: None,
            usable_until: None,
            scope: Scope::default(),
            missing: quorum - approvals.len(),
        },
    }
}
