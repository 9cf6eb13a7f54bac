//! Who may act on a packet, and the status that the actions add up to.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Action, PacketStatus, Verdict};
use crate::authority::{Role, same_person};

/// Why a person may not act on a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MayNotAct {
    /// The person wrote part of the bundle.
    #[error("you wrote part of this bundle, so another person has to review it")]
    Author,
    /// The person submitted the bundle.
    #[error("you submitted this bundle for review, so another person has to review it")]
    Builder,
}

/// Separation of duties: nobody acts on a packet they authored or built, regardless of role.
///
/// # Errors
/// [`MayNotAct`] says which of the two applies.
pub fn may_act(authors: &[String], built_by: &str, actor: &str) -> Result<(), MayNotAct> {
    if authors.iter().any(|author| same_person(author, actor)) {
        Err(MayNotAct::Author)
    } else if same_person(built_by, actor) {
        Err(MayNotAct::Builder)
    } else {
        Ok(())
    }
}

/// The status of a packet, and what it still needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewStatus {
    /// The status; never `void`, which only an edit or a withdrawal sets.
    pub status: PacketStatus,
    /// The people whose approvals count now, in the order in which they approved.
    pub approved_by: Vec<String>,
    /// The approvals still needed, in words; empty unless the packet waits for approvals.
    pub missing: Vec<String>,
}

/// The status of a packet with these `actions` at `now`.
///
/// The first rejection or request for changes ends the review. Approvals count once per person, until they expire, and
/// never from an author or the builder. `required` approvals make the quorum; when more than one is required, one must
/// come from a safety owner.
pub fn review_status(
    required: u8,
    authors: &[String],
    built_by: &str,
    actions: &[Action],
    now: Timestamp,
) -> ReviewStatus {
    let mut approved_by: Vec<String> = Vec::new();
    let mut safety_owner = false;
    let mut expired = 0_usize;
    for action in actions.iter().filter(|action| may_act(authors, built_by, &action.actor).is_ok()) {
        match action.decision {
            Verdict::Reject => return ended(PacketStatus::Rejected),
            Verdict::RequestChanges => return ended(PacketStatus::ChangesRequested),
            Verdict::Approve if action.expires_at <= now => expired += 1,
            Verdict::Approve => {
                safety_owner |= action.roles.contains(&Role::SafetyOwner);
                if !approved_by.iter().any(|name| same_person(name, &action.actor)) {
                    approved_by.push(action.actor.clone());
                }
            }
        }
    }
    let required = usize::from(required.max(1));
    let mut missing = Vec::new();
    let more = required.saturating_sub(approved_by.len());
    let needs_safety_owner = required > 1 && !safety_owner;
    if more > 0 {
        let people = if more == 1 { "1 more approval".to_owned() } else { format!("{more} more approvals") };
        let of = if required == 1 { String::new() } else { format!(" ({} of {required} given)", approved_by.len()) };
        missing.push(format!("{people}{of}"));
    }
    if needs_safety_owner {
        missing.push("an approval by a safety owner".to_owned());
    }
    if expired > 0 && !missing.is_empty() {
        missing.push(format!("{expired} earlier approval{} expired", if expired == 1 { " has" } else { "s have" }));
    }
    let status = if missing.is_empty() { PacketStatus::Approved } else { PacketStatus::InReview };
    ReviewStatus { status, approved_by, missing }
}

fn ended(status: PacketStatus) -> ReviewStatus {
    ReviewStatus { status, approved_by: Vec::new(), missing: Vec::new() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::review::ReviewSettings;

    const HOUR: Duration = Duration::from_secs(3600);

    fn action(actor: &str, decision: Verdict, roles: &[Role], at: i64) -> Action {
        let at = Timestamp::from_unix_seconds(at);
        Action {
            idempotency_key: String::new(),
            packet_id: String::new(),
            actor: actor.into(),
            credential: None,
            roles: roles.to_vec(),
            decision,
            reason: None,
            at,
            expires_at: at.plus(ReviewSettings::default().approval_lifetime()),
            key_id: String::new(),
            signature: String::new(),
        }
    }

    fn status_after(required: u8, actions: &[Action]) -> ReviewStatus {
        review_status(required, &["ann".into()], "bob", actions, Timestamp::EPOCH.plus(HOUR))
    }

    #[test]
    fn nobody_acts_on_what_they_wrote_or_submitted() {
        assert_eq!(may_act(&["ann".into()], "bob", "Ann "), Err(MayNotAct::Author));
        assert_eq!(may_act(&["ann".into()], "bob", "bob"), Err(MayNotAct::Builder));
        assert_eq!(may_act(&["ann".into()], "bob", "cy"), Ok(()));
    }

    #[test]
    fn one_approval_makes_an_ordinary_quorum() {
        let approve = action("cy", Verdict::Approve, &[Role::Approver], 0);
        assert_eq!(status_after(1, &[]).missing, ["1 more approval"]);
        assert_eq!(status_after(1, std::slice::from_ref(&approve)).status, PacketStatus::Approved);
        assert_eq!(
            status_after(2, std::slice::from_ref(&approve)).missing,
            ["1 more approval (1 of 2 given)", "an approval by a safety owner"]
        );
    }

    #[test]
    fn two_distinct_people_with_a_safety_owner_make_a_high_quorum() {
        let cy = action("cy", Verdict::Approve, &[Role::Approver], 0);
        let repeated = action("CY", Verdict::Approve, &[Role::Approver], 5);
        let dee = action("dee", Verdict::Approve, &[Role::Approver], 6);
        let sue = action("sue", Verdict::Approve, &[Role::SafetyOwner], 7);
        assert_eq!(status_after(2, &[cy.clone(), repeated]).status, PacketStatus::InReview);
        assert_eq!(status_after(2, &[cy.clone(), dee]).missing, ["an approval by a safety owner"]);
        assert_eq!(status_after(2, &[cy, sue]).status, PacketStatus::Approved);
    }

    #[test]
    fn one_rejection_ends_the_review_and_approvals_expire() {
        let cy = action("cy", Verdict::Approve, &[Role::Approver], 0);
        let no = action("dee", Verdict::Reject, &[Role::Approver], 5);
        let back = action("dee", Verdict::RequestChanges, &[Role::Approver], 5);
        assert_eq!(status_after(1, &[cy.clone(), no]).status, PacketStatus::Rejected);
        assert_eq!(status_after(1, &[cy.clone(), back]).status, PacketStatus::ChangesRequested);
        let at =
            |hours: u32| review_status(1, &[], "bob", std::slice::from_ref(&cy), Timestamp::EPOCH.plus(HOUR * hours));
        assert_eq!(at(71).status, PacketStatus::Approved);
        assert_eq!(at(72).status, PacketStatus::InReview);
        assert_eq!(at(72).missing, ["1 more approval", "1 earlier approval has expired"]);
    }

    proptest! {
        /// Compared with a direct implementation of the rule over sets.
        #[test]
        fn the_quorum_is_what_the_rule_says(
            rows in prop::collection::vec((0_usize..5, 0_usize..8, any::<bool>(), 0_i64..400_000), 0..8),
            required in 1_u8..=3, now in 0_i64..500_000,
        ) {
            let names = ["ann", "bob", "cy", "dee", "sue"];
            let actions: Vec<Action> = rows.iter().map(|(who, verdict, safety, at)| {
                let verdict = match verdict { 0 => Verdict::Reject, 1 => Verdict::RequestChanges, _ => Verdict::Approve };
                let roles: &[Role] = if *safety { &[Role::SafetyOwner] } else { &[Role::Approver] };
                action(names[*who], verdict, roles, *at)
            }).collect();
            let got = review_status(required, &["ann".into()], "bob", &actions, Timestamp::from_unix_seconds(now));
            let valid: Vec<&Action> = actions.iter().filter(|a| a.actor != "ann" && a.actor != "bob").collect();
            let first_no = valid.iter().find(|a| a.decision != Verdict::Approve);
            let live: Vec<&&Action> = valid.iter().filter(|a| a.at.unix_seconds() + 72 * 3600 > now).collect();
            let people: std::collections::BTreeSet<&str> = live.iter().map(|a| a.actor.as_str()).collect();
            let safety = live.iter().any(|a| a.roles.contains(&Role::SafetyOwner));
            let expected = match first_no {
                Some(no) if no.decision == Verdict::Reject => PacketStatus::Rejected,
                Some(_) => PacketStatus::ChangesRequested,
                None if people.len() >= usize::from(required) && (required == 1 || safety) => PacketStatus::Approved,
                None => PacketStatus::InReview,
            };
            prop_assert_eq!(got.status, expected);
            prop_assert_eq!(got.missing.is_empty(), expected != PacketStatus::InReview);
        }
    }
}
