//! Whether an approval allows a call now.

use policy::Timestamp;
use serde_json::{Map, Value};

use super::{Action, Call, Difference, Outcome, Status, Terms, outcome};
use crate::{
    authority::HeldRoles,
    signing::{KeyRing, verify},
};

/// An approval as it is stored, about to be used.
#[derive(Debug, Clone, Copy)]
pub struct Spendable<'a> {
    /// What was asked for.
    pub terms: &'a Terms,
    /// The arguments that were shown.
    pub context: &'a Map<String, Value>,
    /// The decisions of people, genuine or not.
    pub actions: &'a [Action],
    /// When the asker took the request back.
    pub cancelled_at: Option<Timestamp>,
    /// When a person revoked the scope.
    pub revoked_at: Option<Timestamp>,
    /// How often the approval was used.
    pub used: i64,
}

/// Why an approval does not allow a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAllowed {
    /// There is none with this id that this token asked for.
    Unknown,
    /// People have not decided yet.
    Pending,
    /// A person denied it, for this reason.
    Denied(Option<String>),
    /// Nobody answered in time, or it was not used in time.
    Expired,
    /// The asker took it back.
    Cancelled,
    /// It was used already.
    Spent,
    /// A person revoked it.
    Revoked,
    /// The call is another one than was approved.
    Changed(Vec<Difference>),
}

impl NotAllowed {
    /// The name used in the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "approval_unknown",
            Self::Pending => "approval_pending",
            Self::Denied(_) => "approval_denied",
            Self::Expired => "approval_expired",
            Self::Cancelled => "approval_cancelled",
            Self::Spent => "approval_spent",
            Self::Revoked => "approval_revoked",
            Self::Changed(_) => "approval_changed",
        }
    }

    /// The reason in a sentence, for the asker.
    pub fn detail(&self) -> String {
        match self {
            Self::Unknown => "This token has asked for no approval with that id.".to_owned(),
            Self::Pending => "People have not decided about it yet.".to_owned(),
            Self::Denied(None) => "A person denied it.".to_owned(),
            Self::Denied(Some(reason)) => format!("A person denied it: {reason}"),
            Self::Expired => "Its time is over: ask again.".to_owned(),
            Self::Cancelled => "It was cancelled: ask again.".to_owned(),
            Self::Spent => "It was used already: ask again.".to_owned(),
            Self::Revoked => "It was revoked: ask again.".to_owned(),
            Self::Changed(differences) => {
                let words: Vec<String> = differences.iter().map(Difference::words).collect();
                format!("The call is not the one that was approved. It differs in {}: ask again.", words.join("; "))
            }
        }
    }
}

/// Whether an approval allows `call` at `now`.
///
/// # Errors
/// [`NotAllowed`] says why not.
pub fn check(
    approval: &Spendable<'_>,
    call: &Call<'_>,
    standing: &HeldRoles,
    keys: &KeyRing,
    now: Timestamp,
) -> Result<Outcome, NotAllowed> {
    let terms = approval.terms;
    // Another asker learns nothing about it, and nobody asked for what is not signed.
    if call.asked_by != terms.asked_by || verify(keys, terms).is_err() {
        return Err(NotAllowed::Unknown);
    }
    let genuine: Vec<Action> =
        approval.actions.iter().filter(|action| action.is_genuine(terms, keys)).cloned().collect();
    let outcome = outcome(terms, &genuine, approval.cancelled_at, Some(standing), now);
    match outcome.status {
        Status::Pending => return Err(NotAllowed::Pending),
        Status::Denied => {
            let denial = genuine.iter().find(|action| action.decision == super::Verdict::Deny);
            return Err(NotAllowed::Denied(denial.and_then(|denial| denial.reason.clone())));
        }
        Status::Expired => return Err(NotAllowed::Expired),
        Status::Cancelled => return Err(NotAllowed::Cancelled),
        Status::Approved => {}
    }
    if approval.revoked_at.is_some() {
        return Err(NotAllowed::Revoked);
    }
    if approval.used >= i64::from(outcome.scope.uses()) {
        return Err(NotAllowed::Spent);
    }
    if outcome.usable_until.is_none_or(|until| now >= until) {
        return Err(NotAllowed::Expired);
    }
    let differences = outcome.scope.leaves_out((terms, approval.context), call, keys);
    if differences.is_empty() { Ok(outcome) } else { Err(NotAllowed::Changed(differences)) }
}
