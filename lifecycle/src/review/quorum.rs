//! Who may act on a packet, and the status that the actions add up to.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Action, PacketStatus, Verdict};
use crate::authority::{HeldRoles, Permission, Role, Roles, same_person};

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
    /// The people whose approval does not count any more: they no longer hold a role that they signed with, or their account
    /// was handed over since.
    pub lapsed: Vec<String>,
    /// Why nobody is left who could give the approvals still needed, in a sentence with what to do about it.
    pub nobody_can_complete: Option<String>,
}

/// What decides whether a packet has its quorum, besides the actions on it.
#[derive(Debug, Clone, Copy)]
pub struct Quorum<'a> {
    /// The approvals required; when more than one is required, one must come from a safety owner.
    pub required: u8,
    /// Every person who edited the bundle.
    pub authors: &'a [String],
    /// The person who built the packet.
    pub built_by: &'a str,
    /// Who holds which role now.
    pub standing: &'a HeldRoles,
}

impl Quorum<'_> {
    fn needs_safety_owner(&self) -> bool {
        self.required > 1
    }

    /// Why nobody can give the approvals that are still needed: `more` of them, one by a safety owner if `safety_owner`.
    /// `counting` are the people whose approvals count.
    fn nobody_can_complete(&self, counting: &[String], more: usize, safety_owner: bool) -> Option<String> {
        let may_sign = |name: &str, roles: &Roles| {
            Permission::ActOnPackets.roles().iter().any(|role| roles.contains(role))
                && may_act(self.authors, self.built_by, name).is_ok()
        };
        let mut left = 0_usize;
        let mut safety_owners = 0_usize;
        for (name, roles) in self.standing.people().filter(|(name, roles)| may_sign(name, roles)) {
            left += usize::from(!counting.iter().any(|given| same_person(given, name)));
            // A person who has approved in another role may still approve as a safety owner.
            safety_owners += usize::from(roles.contains(&Role::SafetyOwner));
        }
        let who = if safety_owner && safety_owners == 0 {
            "no safety owner is left who neither wrote nor submitted it".to_owned()
        } else if left < more {
            let people = match left {
                0 => "nobody is left who may sign it".to_owned(),
                1 => "only one person is left who may sign it".to_owned(),
                _ => format!("only {left} people are left who may sign it"),
            };
            format!("{more} more must approve, and {people}")
        } else {
            return None;
        };
        Some(format!(
            "Nobody can complete this packet now: {who}. An administrator can give the role to another person, or the author \
             withdraws it"
        ))
    }
}

/// The status of a packet with these `actions` at `now`.
///
/// The first rejection or request for changes ends the review. Approvals count once per person, until they expire, while
/// their signer holds a role that they signed with and kept the account, and never from an author or the builder.
pub fn review_status(quorum: &Quorum<'_>, actions: &[Action], now: Timestamp) -> ReviewStatus {
    let mut approved_by: Vec<String> = Vec::new();
    let mut lapsed: Vec<(String, &'static str)> = Vec::new();
    let mut safety_owner = false;
    let mut expired = 0_usize;
    let counts = |action: &&Action| may_act(quorum.authors, quorum.built_by, &action.actor).is_ok();
    for action in actions.iter().filter(counts) {
        match action.decision {
            Verdict::Reject => return ended(PacketStatus::Rejected),
            Verdict::RequestChanges => return ended(PacketStatus::ChangesRequested),
            Verdict::Approve if action.expires_at <= now => expired += 1,
            Verdict::Approve => {
                let held = quorum.standing.held(&action.actor, &action.roles, action.at);
                if held.is_empty() {
                    lapsed.push((action.actor.clone(), quorum.standing.why_lapsed(&action.actor, action.at)));
                    continue;
                }
                safety_owner |= held.contains(&Role::SafetyOwner);
                if !approved_by.iter().any(|name| same_person(name, &action.actor)) {
                    approved_by.push(action.actor.clone());
                }
            }
        }
    }
    lapsed.retain(|(name, _)| !approved_by.iter().any(|given| same_person(given, name)));
    lapsed.dedup_by(|one, other| one.0 == other.0);
    let reasons: Vec<String> =
        lapsed.iter().map(|(name, why)| format!("the approval by {name} does not count: {why}")).collect();
    let lapsed: Vec<String> = lapsed.into_iter().map(|(name, _)| name).collect();
    let required = usize::from(quorum.required.max(1));
    let mut missing = Vec::new();
    let more = required.saturating_sub(approved_by.len());
    let needs_safety_owner = quorum.needs_safety_owner() && !safety_owner;
    if more > 0 {
        let people = if more == 1 { "1 more approval".to_owned() } else { format!("{more} more approvals") };
        let of = if required == 1 { String::new() } else { format!(" ({} of {required} given)", approved_by.len()) };
        missing.push(format!("{people}{of}"));
    }
    if needs_safety_owner {
        missing.push("an approval by a safety owner".to_owned());
    }
    if missing.is_empty() {
        return ReviewStatus { lapsed, approved_by, ..ended(PacketStatus::Approved) };
    }
    if expired > 0 {
        missing.push(format!("{expired} earlier approval{} expired", if expired == 1 { " has" } else { "s have" }));
    }
    missing.extend(reasons);
    let nobody_can_complete = quorum.nobody_can_complete(&approved_by, more, needs_safety_owner);
    ReviewStatus { status: PacketStatus::InReview, approved_by, missing, lapsed, nobody_can_complete }
}

fn ended(status: PacketStatus) -> ReviewStatus {
    ReviewStatus { status, approved_by: Vec::new(), missing: Vec::new(), lapsed: Vec::new(), nobody_can_complete: None }
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

    /// Everybody holds both roles of a reviewer, so that their signatures count as they were given.
    fn everybody() -> HeldRoles {
        let both = Roles::from([Role::Approver, Role::SafetyOwner]);
        HeldRoles::of(["ann", "bob", "cy", "dee", "sue"].map(|name| (name.to_owned(), both.clone())))
    }

    fn status_in(standing: &HeldRoles, required: u8, actions: &[Action]) -> ReviewStatus {
        let quorum = Quorum { required, authors: &["ann".into()], built_by: "bob", standing };
        review_status(&quorum, actions, Timestamp::EPOCH.plus(HOUR))
    }

    fn status_after(required: u8, actions: &[Action]) -> ReviewStatus {
        status_in(&everybody(), required, actions)
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
        let standing = everybody();
        let quorum = Quorum { required: 1, authors: &[], built_by: "bob", standing: &standing };
        let at = |hours: u32| review_status(&quorum, std::slice::from_ref(&cy), Timestamp::EPOCH.plus(HOUR * hours));
        assert_eq!(at(71).status, PacketStatus::Approved);
        assert_eq!(at(72).status, PacketStatus::InReview);
        assert_eq!(at(72).missing, ["1 more approval", "1 earlier approval has expired"]);
    }

    #[test]
    fn a_signature_counts_while_its_signer_holds_the_role() {
        let cy = action("cy", Verdict::Approve, &[Role::Approver], 0);
        let sue = action("sue", Verdict::Approve, &[Role::SafetyOwner], 1);
        let both = [cy, sue];
        let holds = |cy: &[Role], sue: &[Role]| {
            HeldRoles::of([
                ("Cy".to_owned(), cy.iter().copied().collect()),
                ("sue".to_owned(), sue.iter().copied().collect()),
            ])
        };
        let status = |cy: &[Role], sue: &[Role]| status_in(&holds(cy, sue), 2, &both);
        assert_eq!(status(&[Role::Approver], &[Role::SafetyOwner]).status, PacketStatus::Approved);
        let gone = status(&[Role::Approver], &[Role::Viewer]);
        assert_eq!((gone.status, gone.approved_by), (PacketStatus::InReview, vec!["cy".to_owned()]));
        assert!(gone.missing.iter().any(|missing| missing.contains("by sue does not count")), "{:?}", gone.missing);
        // Another role than the one signed with makes no difference.
        assert_eq!(status(&[Role::SafetyOwner], &[Role::SafetyOwner]).approved_by, ["sue"]);
        assert!(status(&[], &[]).approved_by.is_empty());
    }

    #[test]
    fn a_packet_that_nobody_can_complete_says_so() {
        let standing = |people: &[(&str, Role)]| {
            HeldRoles::of(people.iter().map(|(name, role)| ((*name).to_owned(), Roles::from([*role]))))
        };
        let cy = action("cy", Verdict::Approve, &[Role::Approver], 0);
        let why = |people: &[(&str, Role)], required: u8| {
            status_in(&standing(people), required, std::slice::from_ref(&cy)).nobody_can_complete.unwrap_or_default()
        };
        let people = [("cy", Role::Approver), ("dee", Role::Approver), ("sue", Role::SafetyOwner)];
        assert_eq!(why(&people, 2), "");
        assert!(why(&people[..2], 2).contains("no safety owner is left"));
        // The only safety owner wrote the bundle.
        assert!(why(&[people[0], ("ann", Role::SafetyOwner)], 2).contains("no safety owner is left"));
        assert!(why(&people, 4).contains("3 more must approve, and only 2 people are left"));
        assert_eq!(why(&people[..1], 1), "", "it is approved");
        assert!(why(&[("vic", Role::Viewer)], 1).contains("nobody is left who may sign it"));
    }

    proptest! {
        /// Compared with a direct implementation of the rule over sets.
        #[test]
        fn the_quorum_is_what_the_rule_says(
            rows in prop::collection::vec((0_usize..5, 0_usize..8, any::<bool>(), 0_i64..400_000), 0..8),
            required in 1_u8..=3, now in 0_i64..500_000,
            held in prop::collection::vec(prop::sample::subsequence(vec![Role::Approver, Role::SafetyOwner], 0..=2), 5),
        ) {
            let names = ["ann", "bob", "cy", "dee", "sue"];
            let actions: Vec<Action> = rows.iter().map(|(who, verdict, safety, at)| {
                let verdict = match verdict { 0 => Verdict::Reject, 1 => Verdict::RequestChanges, _ => Verdict::Approve };
                let roles: &[Role] = if *safety { &[Role::SafetyOwner] } else { &[Role::Approver] };
                action(names[*who], verdict, roles, *at)
            }).collect();
            let standing = HeldRoles::of(
                names.iter().zip(&held).map(|(name, roles)| ((*name).to_owned(), roles.iter().copied().collect())),
            );
            let authors = ["ann".to_owned()];
            let quorum = Quorum { required, authors: &authors, built_by: "bob", standing: &standing };
            let got = review_status(&quorum, &actions, Timestamp::from_unix_seconds(now));
            let valid: Vec<&Action> = actions.iter().filter(|a| a.actor != "ann" && a.actor != "bob").collect();
            let first_no = valid.iter().find(|a| a.decision != Verdict::Approve);
            let holds = |a: &Action| {
                names.iter().position(|name| *name == a.actor).is_some_and(|at| held[at].contains(&a.roles[0]))
            };
            let live: Vec<&&Action> =
                valid.iter().filter(|a| a.at.unix_seconds() + 72 * 3600 > now && holds(a)).collect();
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
            // A packet can be completed exactly when the people who are left, all signing, would.
            if expected == PacketStatus::InReview {
                let left = ["cy", "dee", "sue"].iter().zip(&held[2..]).filter(|(_, roles)| !roles.is_empty());
                let all: Vec<Action> = left
                    .map(|(name, roles)| Action { expires_at: Timestamp::from_unix_seconds(2_000_000), ..action(name, Verdict::Approve, roles, now) })
                    .chain(actions.iter().cloned())
                    .collect();
                let then = review_status(&quorum, &all, Timestamp::from_unix_seconds(now));
                prop_assert_eq!(got.nobody_can_complete.is_none(), then.status == PacketStatus::Approved);
            }
        }
    }
}
