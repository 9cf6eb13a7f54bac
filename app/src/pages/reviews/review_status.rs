//! The status of a packet in words, for the signed-in person: what blocks the packet, or what is needed next.

use lifecycle::{
    authority::{Permission, Role, Roles, same_person},
    bundle::State,
    review::{Action, PacketStatus, Verdict},
};
use policy::{Timestamp, characters::write_out};

use crate::{
    components::{Tone, format::relative as ago},
    labels,
};

/// The content of the status box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewStatus {
    /// The colour.
    pub tone: Tone,
    /// The most important fact.
    pub headline: String,
    /// Further facts, most important first.
    pub notes: Vec<String>,
}

/// The facts about a packet that its status depends on.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The status of the packet.
    pub status: PacketStatus,
    /// The state of its bundle.
    pub bundle: State,
    /// The actions of reviewers.
    pub actions: &'a [Action],
    /// The people whose approvals count now.
    pub approved_by: &'a [String],
    /// The people whose approvals do not count any more, because they lost the role they signed with or their account was
    /// handed over.
    pub lapsed: &'a [String],
    /// Whether approvals are missing.
    pub incomplete: bool,
    /// Why nobody is left who could complete it.
    pub nobody_can_complete: Option<&'a str>,
    /// The number of approvals required.
    pub required: u8,
    /// The authors of the bundle.
    pub authors: &'a [String],
    /// The person who built the packet.
    pub built_by: &'a str,
    /// Whether another bundle has become stable since the packet was built.
    pub stale: bool,
    /// The reasons why the packet cannot be approved.
    pub blockers: &'a [String],
    /// Whether a safety pause is in force.
    pub paused: bool,
    /// The name of the signed-in person.
    pub me: &'a str,
    /// Their roles.
    pub roles: &'a Roles,
    /// The server's time.
    pub as_of: Timestamp,
}

/// Why the person cannot sign this packet; `None` if they can.
pub fn cannot_sign(facts: &Facts) -> Option<String> {
    if facts.status != PacketStatus::InReview {
        return Some("This packet is no longer in review.".to_owned());
    }
    if facts.authors.iter().any(|author| author == facts.me) {
        return Some("You wrote this bundle, so another person has to sign.".to_owned());
    }
    if facts.built_by == facts.me {
        return Some("You submitted this bundle, so another person has to sign.".to_owned());
    }
    if !may(facts.roles, Permission::ActOnPackets) {
        let who = labels::any_of(Permission::ActOnPackets.roles().iter().map(|role| labels::role(*role)));
        return Some(format!("Your roles do not include signing packets. {} can.", labels::capital(&who)));
    }
    None
}

/// The status: what blocks the packet, or what is needed next.
pub fn review_status(facts: &Facts) -> ReviewStatus {
    match facts.status {
        PacketStatus::InReview => in_review(facts),
        PacketStatus::Approved => approved(facts),
        PacketStatus::Rejected => ended(facts, Verdict::Reject, Tone::Bad, "Rejected"),
        PacketStatus::ChangesRequested => {
            let mut status = ended(facts, Verdict::RequestChanges, Tone::Accent, "Changes requested");
            status.notes.push("The author edits the draft and submits it again; that makes a new packet.".to_owned());
            status
        }
        PacketStatus::Void => ReviewStatus {
            tone: Tone::Neutral,
            headline: "Void".to_owned(),
            notes: vec![
                "The bundle was edited or withdrawn after this packet was built. Every approval on it is void too."
                    .to_owned(),
            ],
        },
    }
}

fn may(roles: &Roles, permission: Permission) -> bool {
    permission.roles().iter().any(|role| roles.contains(role))
}

/// Approvals that count: those that have expired, and those of people who lost their role, do not.
fn valid<'a>(facts: &'a Facts) -> Vec<&'a Action> {
    facts.actions.iter().filter(|a| is_approval(facts, a) && a.expires_at > facts.as_of).collect()
}

fn is_approval(facts: &Facts, action: &Action) -> bool {
    action.decision == Verdict::Approve && facts.approved_by.iter().any(|name| same_person(name, &action.actor))
}

/// The approvals that no longer count because of who gave them, in sentences.
fn lapsed(facts: &Facts) -> impl Iterator<Item = String> {
    let sentence = |name: &String| {
        format!(
            "{} approved this and no longer holds that role, or the account was handed over since: it does not count.",
            labels::outside(name)
        )
    };
    facts.lapsed.iter().map(sentence)
}

fn in_review(facts: &Facts) -> ReviewStatus {
    let valid = valid(facts);
    let signed = valid.len();
    let safety = valid.iter().any(|action| action.roles.contains(&Role::SafetyOwner));
    let required = usize::from(facts.required.max(1));
    let missing = required.saturating_sub(signed);
    let need = match (required, missing, safety) {
        (1, ..) => "one person must sign".to_owned(),
        (_, 0, false) | (_, 1, false) => "a safety owner must sign".to_owned(),
        (_, 1, true) => "one more person must sign".to_owned(),
        (_, n, false) => format!("{} people must sign, one of them a safety owner", labels::number(n)),
        (_, n, true) => format!("{} more people must sign", labels::number(n)),
    };
    let mut notes: Vec<String> = facts.blockers.iter().map(|why| labels::outside(why)).collect();
    notes.extend(facts.nobody_can_complete.map(|why| format!("{}.", labels::outside(why))));
    notes.extend(lapsed(facts));
    if facts.stale {
        notes.push(STALE.to_owned());
    }
    if facts.paused {
        notes.push("A safety pause is in force: nobody can approve until it is released.".to_owned());
    }
    if let Some(mine) = valid.iter().find(|action| action.actor == facts.me) {
        notes.push(format!("You approved this {}.", ago(mine.at, facts.as_of)));
    } else if let Some(why) = cannot_sign(facts) {
        notes.push(why);
    }
    for action in valid.iter().filter(|action| action.actor != facts.me) {
        notes.push(format!("{} approved this {}.", labels::outside(&action.actor), ago(action.at, facts.as_of)));
    }
    let headline = match facts.blockers.len() {
        0 => format!("{signed} of {required}: {need}"),
        1 => "Blocked: this cannot be approved. Send it back with a reason".to_owned(),
        many => format!("Blocked for {} reasons: this cannot be approved. Send it back", labels::number(many)),
    };
    let blocked = facts.stale || facts.paused || !facts.blockers.is_empty() || facts.nobody_can_complete.is_some();
    ReviewStatus { tone: if blocked { Tone::Bad } else { Tone::Accent }, headline, notes }
}

const STALE: &str = "Another bundle has become stable since this packet was built, so its evidence compares with the \
                     wrong base. Withdraw it and submit again.";

fn approved(facts: &Facts) -> ReviewStatus {
    let signers: Vec<_> =
        facts.actions.iter().filter(|a| a.decision == Verdict::Approve).map(|a| a.actor.clone()).collect();
    let by = labels::outside(&labels::all_of(signers.iter().cloned()));
    match facts.bundle {
        State::Approved => {}
        State::Shadow => return quiet("In service as a shadow", by),
        State::Canary => return quiet("In service as a canary", by),
        State::Active => return quiet("Live: it serves every decision", by),
        State::Superseded => return quiet("Was live; a later version took over", by),
        State::RolledBack => return quiet("Was rolled back", by),
        _ => return quiet("Approved", by),
    }
    let until = facts.actions.iter().filter(|a| a.decision == Verdict::Approve).map(|a| a.expires_at).min();
    if facts.stale {
        return ReviewStatus {
            tone: Tone::Bad,
            headline: "Approved, but out of date".to_owned(),
            notes: vec![STALE.to_owned()],
        };
    }
    if let Some(until) = until.filter(|until| *until <= facts.as_of) {
        return ReviewStatus {
            tone: Tone::Bad,
            headline: "The approval has expired".to_owned(),
            notes: vec![format!(
                "It counted until {}. Withdraw the bundle and submit it again.",
                ago(until, facts.as_of)
            )],
        };
    }
    if facts.incomplete {
        let mut notes: Vec<String> = lapsed(facts).collect();
        notes.push("Withdraw the bundle and submit it again.".to_owned());
        return ReviewStatus { tone: Tone::Bad, headline: "The approval no longer counts".to_owned(), notes };
    }
    let mut notes = vec![format!("Signed by {by}.")];
    if let Some(until) = until {
        notes.push(format!("Apply it within {}; then the approval expires.", labels::span(until, facts.as_of)));
    }
    if facts.paused {
        notes.insert(0, "A safety pause is in force: nothing can be applied until it is released.".to_owned());
    } else if !may(facts.roles, Permission::Apply) {
        notes.push("A runtime owner puts it into service.".to_owned());
    }
    ReviewStatus { tone: Tone::Good, headline: "Approved: ready to apply".to_owned(), notes }
}

fn quiet(headline: &str, by: String) -> ReviewStatus {
    ReviewStatus { tone: Tone::Good, headline: headline.to_owned(), notes: vec![format!("Signed by {by}.")] }
}

fn ended(facts: &Facts, verdict: Verdict, tone: Tone, headline: &str) -> ReviewStatus {
    let last = facts.actions.iter().rev().find(|action| action.decision == verdict);
    let mut notes = Vec::new();
    let headline = last.map_or_else(
        || headline.to_owned(),
        |action| {
            if let Some(reason) = &action.reason {
                notes.push(format!("“{}”", write_out(reason)));
            }
            format!("{headline} by {} {}", labels::outside(&action.actor), ago(action.at, facts.as_of))
        },
    );
    ReviewStatus { tone, headline, notes }
}

#[cfg(test)]
mod tests {
    use std::{sync::OnceLock, time::Duration};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn now() -> Timestamp {
        Timestamp::from_unix_seconds(NOW)
    }

    fn approval(actor: &str, role: Role) -> Action {
        Action {
            idempotency_key: "actv1:00".into(),
            packet_id: "pktv1:00".into(),
            actor: actor.into(),
            credential: None,
            roles: vec![role],
            decision: Verdict::Approve,
            reason: None,
            at: now().minus(Duration::from_secs(2400)),
            expires_at: now().plus(Duration::from_secs(70 * 3600)),
            key_id: "k".into(),
            signature: "s".into(),
        }
    }

    static ME_AND_OTHERS: OnceLock<Vec<String>> = OnceLock::new();

    fn facts<'a>(actions: &'a [Action], required: u8, me: &'a str, roles: &'a Roles) -> Facts<'a> {
        Facts {
            status: PacketStatus::InReview,
            bundle: State::InReview,
            actions,
            approved_by: ME_AND_OTHERS.get_or_init(|| ["a", "b", "me@x"].map(str::to_owned).to_vec()),
            lapsed: &[],
            incomplete: false,
            nobody_can_complete: None,
            required,
            authors: &[],
            built_by: "author@demo.test",
            stale: false,
            blockers: &[],
            paused: false,
            me,
            roles,
            as_of: now(),
        }
    }

    #[test]
    fn says_who_is_missing() {
        let approver = Roles::from([Role::Approver]);
        let none = [];
        assert_eq!(review_status(&facts(&none, 1, "b", &approver)).headline, "0 of 1: one person must sign");
        assert_eq!(
            review_status(&facts(&none, 2, "b", &approver)).headline,
            "0 of 2: two people must sign, one of them a safety owner"
        );
        let one = [approval("a", Role::Approver)];
        assert_eq!(review_status(&facts(&one, 2, "b", &approver)).headline, "1 of 2: a safety owner must sign");
        let safety = [approval("a", Role::SafetyOwner)];
        let status = review_status(&facts(&safety, 2, "b", &approver));
        assert_eq!(status.headline, "1 of 2: one more person must sign");
        assert_eq!(status.notes, ["a approved this 40\u{a0}min ago."]);
    }

    #[test]
    fn what_is_blocked_says_why() {
        let approver = Roles::from([Role::Approver]);
        let blockers = ["Guardrail failed: projected margin -73 bps, limit -50 bps.".to_owned()];
        let status = review_status(&Facts { blockers: &blockers, ..facts(&[], 1, "b", &approver) });
        assert_eq!(status.tone, Tone::Bad);
        assert!(status.headline.starts_with("Blocked"), "{}", status.headline);
        assert_eq!(status.notes, blockers);
    }

    #[test]
    fn an_expired_signature_does_not_count() {
        let approver = Roles::from([Role::Approver]);
        let old = Action { expires_at: now(), ..approval("a", Role::SafetyOwner) };
        assert!(review_status(&facts(&[old], 2, "b", &approver)).headline.starts_with("0 of 2"));
    }

    #[test]
    fn nobody_signs_their_own_work() {
        let both = Roles::from([Role::Author, Role::Approver]);
        let authors = ["me@x".to_owned()];
        let mut mine = facts(&[], 1, "me@x", &both);
        mine.authors = &authors;
        assert_eq!(cannot_sign(&mine).unwrap(), "You wrote this bundle, so another person has to sign.");
        let built = facts(&[], 1, "author@demo.test", &both);
        assert_eq!(cannot_sign(&built).unwrap(), "You submitted this bundle, so another person has to sign.");
        let viewer = Roles::from([Role::Viewer]);
        assert!(cannot_sign(&facts(&[], 1, "v", &viewer)).unwrap().contains("approver"));
        let approver = Roles::from([Role::Approver]);
        assert_eq!(cannot_sign(&facts(&[], 1, "other", &approver)), None);
    }

    #[test]
    fn an_approval_that_is_stale_or_expired_says_so() {
        let owner = Roles::from([Role::RuntimeOwner]);
        let actions = [approval("a", Role::Approver)];
        let base = Facts { status: PacketStatus::Approved, bundle: State::Approved, ..facts(&actions, 1, "r", &owner) };
        assert_eq!(review_status(&base).tone, Tone::Good);
        assert_eq!(review_status(&Facts { stale: true, ..base }).headline, "Approved, but out of date");
        let late = Facts { as_of: now().plus(Duration::from_secs(80 * 3600)), ..base };
        assert_eq!(review_status(&late).headline, "The approval has expired");
    }

    #[test]
    fn a_signature_whose_signer_lost_the_role_does_not_count() {
        let approver = Roles::from([Role::Approver]);
        let actions = [approval("a", Role::Approver), approval("z", Role::SafetyOwner)];
        let lapsed = ["z".to_owned()];
        let open = Facts { lapsed: &lapsed, incomplete: true, ..facts(&actions, 2, "b", &approver) };
        let status = review_status(&open);
        assert_eq!(status.headline, "1 of 2: a safety owner must sign");
        assert!(status.notes[0].starts_with("z approved this and no longer holds"), "{:?}", status.notes);
        let why = Some("Nobody can complete this packet now: no safety owner is left");
        let stuck = review_status(&Facts { nobody_can_complete: why, ..open });
        assert_eq!(stuck.tone, Tone::Bad);
        assert!(stuck.notes[0].starts_with("Nobody can complete"), "{:?}", stuck.notes);
        let signed = Facts { status: PacketStatus::Approved, bundle: State::Approved, ..open };
        assert_eq!(review_status(&signed).headline, "The approval no longer counts");
    }

    #[test]
    fn names_from_outside_are_written_out() {
        let odd = ["ann\u{202e}".to_owned()];
        let approver = Roles::from([Role::Approver]);
        let status = review_status(&Facts { lapsed: &odd, ..facts(&[], 2, "b", &approver) });
        assert!(status.notes.iter().any(|note| note.starts_with("ann<U+202E> approved this")), "{:?}", status.notes);
    }
}
