//! Taking a bundle out of service: what takes over, what reason is good enough, and which incident it opens.

use std::time::Duration;

use policy::Timestamp;

use super::promotion::duration_words;
use crate::incident::Severity;

/// Fewest characters of a rollback's reason.
pub const MIN_REASON_CHARS: usize = 10;
/// The one shorter reason that is accepted, in any case: the runbook's quick-reference line sends just this word, and
/// at three in the morning it must work.
pub const EMERGENCY_WORD: &str = "Emergency";
/// How long an incident may go unacknowledged.
pub const ACKNOWLEDGE_WITHIN: Duration = Duration::from_secs(15 * 60);
/// How long finding its cause may take.
pub const INVESTIGATE_WITHIN: Duration = Duration::from_secs(60 * 60);

/// The reason given for a rollback is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("say why in at least {MIN_REASON_CHARS} characters, or with the one word `{EMERGENCY_WORD}`")]
pub struct ReasonTooShort;

/// The reason without surrounding blanks.
///
/// # Errors
/// [`ReasonTooShort`] when fewer than [`MIN_REASON_CHARS`] characters are left and they are not [`EMERGENCY_WORD`].
pub fn check_reason(reason: &str) -> Result<&str, ReasonTooShort> {
    let reason = reason.trim();
    if reason.chars().count() >= MIN_REASON_CHARS || reason.eq_ignore_ascii_case(EMERGENCY_WORD) {
        Ok(reason)
    } else {
        Err(ReasonTooShort)
    }
}

/// What the choice of a last known good version needs to know of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The bundle.
    pub bundle_id: i64,
    /// When it last reached 100 %; none when it never did.
    pub reached_full_at: Option<Timestamp>,
    /// Whether it was ever rolled back.
    pub rolled_back: bool,
}

/// The bundle that takes over when `leaving` is taken out at 100 %: of those that reached 100 % and were never rolled
/// back, the one that did so last (of two at the same moment, the one made later).
pub fn last_known_good(history: &[Served], leaving: i64) -> Option<i64> {
    history
        .iter()
        .filter(|served| served.bundle_id != leaving && !served.rolled_back)
        .filter_map(|served| served.reached_full_at.map(|at| (at, served.bundle_id)))
        .max()
        .map(|(_, id)| id)
}

/// The incident a rollback opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentDraft {
    /// In a line.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// `policy.rollback`
    pub source: &'static str,
    /// What is known.
    pub description: String,
    /// Acknowledge until then.
    pub ack_due_at: Timestamp,
    /// Find the cause until then.
    pub investigate_due_at: Timestamp,
}

/// What an incident about a rollback needs to know.
#[derive(Debug, Clone, Copy)]
pub struct RolledBack<'a> {
    /// The version taken out.
    pub from_version: &'a str,
    /// Its share of traffic before, in percent.
    pub from_pct: i16,
    /// The version that serves everything now.
    pub restored_version: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Who did it.
    pub actor: &'a str,
    /// On whose behalf, as stated.
    pub on_behalf_of: Option<&'a str>,
    /// When the trouble was noticed.
    pub triggered_at: Timestamp,
    /// When traffic returned.
    pub at: Timestamp,
}

/// The incident that goes with a rollback: high, to be acknowledged in 15 minutes and investigated within the hour.
pub fn incident(rollback: &RolledBack<'_>) -> IncidentDraft {
    let behalf = rollback
        .on_behalf_of
        .filter(|name| *name != rollback.actor)
        .map_or_else(String::new, |name| format!(" on behalf of {name}"));
    let took = rollback.at.since(rollback.triggered_at).as_secs();
    let noticed =
        if took == 0 { String::new() } else { format!(" The trouble was noticed {} before.", duration_words(took)) };
    IncidentDraft {
        title: format!("Policy Rollback: v{} → v{}", rollback.from_version, rollback.restored_version),
        severity: Severity::High,
        source: "policy.rollback",
        description: format!(
            "{}{behalf} took version {} out of service at {} % of traffic. Version {} serves all traffic again.{noticed}\nReason: {}",
            rollback.actor, rollback.from_version, rollback.from_pct, rollback.restored_version, rollback.reason
        ),
        ack_due_at: rollback.at.plus(ACKNOWLEDGE_WITHIN),
        investigate_due_at: rollback.at.plus(INVESTIGATE_WITHIN),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_reason_is_ten_characters_or_the_one_word() {
        assert_eq!(check_reason("  error rate is 12 %  "), Ok("error rate is 12 %"));
        assert_eq!(check_reason("Emergency"), Ok("Emergency"));
        assert_eq!(check_reason("emergency "), Ok("emergency"));
        assert_eq!(check_reason("too short"), Err(ReasonTooShort));
        assert_eq!(check_reason("          "), Err(ReasonTooShort));
        assert_eq!(check_reason("größerer ä"), Ok("größerer ä"));
    }

    #[test]
    fn the_incident_names_both_versions_and_its_deadlines() {
        let at = Timestamp::from_unix_seconds(10_000);
        let draft = incident(&RolledBack {
            from_version: "2.2.0",
            from_pct: 10,
            restored_version: "2.1.0",
            reason: "error rate 12 %",
            actor: "rita@demo.test",
            on_behalf_of: Some("oncall-engineer"),
            triggered_at: Timestamp::from_unix_seconds(9_880),
            at,
        });
        assert_eq!(draft.title, "Policy Rollback: v2.2.0 → v2.1.0");
        assert_eq!(draft.severity, Severity::High);
        assert_eq!(draft.ack_due_at.since(at).as_secs(), 900);
        assert_eq!(draft.investigate_due_at.since(at).as_secs(), 3600);
        assert!(draft.description.contains("on behalf of oncall-engineer"), "{}", draft.description);
        assert!(draft.description.contains("2 minutes before"), "{}", draft.description);
    }

    proptest! {
        #[test]
        fn what_was_rolled_back_never_returns(
            rows in prop::collection::vec((prop::option::of(0_i64..50), any::<bool>()), 0..12), leaving in 0_i64..12,
        ) {
            let history: Vec<Served> = rows
                .iter()
                .zip(0..)
                .map(|((at, rolled_back), bundle_id)| Served {
                    bundle_id,
                    reached_full_at: at.map(Timestamp::from_unix_seconds),
                    rolled_back: *rolled_back,
                })
                .collect();
            let eligible = |served: &&Served| {
                served.bundle_id != leaving && !served.rolled_back && served.reached_full_at.is_some()
            };
            match last_known_good(&history, leaving) {
                None => prop_assert_eq!(history.iter().filter(eligible).count(), 0),
                Some(id) => {
                    let chosen = history.iter().find(|served| served.bundle_id == id).unwrap();
                    prop_assert!(eligible(&chosen));
                    prop_assert!(history.iter().filter(eligible).all(|other| other.reached_full_at <= chosen.reached_full_at));
                }
            }
        }
    }
}
