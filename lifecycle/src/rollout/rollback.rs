//! Taking a bundle out of service: which bundle takes over, and which reasons are accepted.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

/// Minimum length of a rollback's reason, in characters.
pub const MIN_REASON_CHARS: usize = 10;
/// The only shorter reason that is accepted, in upper or lower case: the runbook's quick-reference line sends just this
/// word, and must work at three in the morning.
pub const EMERGENCY_WORD: &str = "Emergency";
/// The reason given for a rollback is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("say why in at least {MIN_REASON_CHARS} characters, or with the one word `{EMERGENCY_WORD}`")]
pub struct ReasonTooShort;

/// The reason without surrounding whitespace.
///
/// # Errors
/// [`ReasonTooShort`] when fewer than [`MIN_REASON_CHARS`] characters are left, unless they are [`EMERGENCY_WORD`].
pub fn check_reason(reason: &str) -> Result<&str, ReasonTooShort> {
    let reason = reason.trim();
    if reason.chars().count() >= MIN_REASON_CHARS || reason.eq_ignore_ascii_case(EMERGENCY_WORD) {
        Ok(reason)
    } else {
        Err(ReasonTooShort)
    }
}

/// When the trouble began that a rollback ends: the time that was given, if any, else `now`. A time after `now`, or before
/// the bundle was live, is moved to the nearest possible one; the second value says so.
pub fn trouble_began(
    given: Option<Timestamp>,
    live_since: Option<Timestamp>,
    now: Timestamp,
) -> (Timestamp, Option<String>) {
    let Some(given) = given else { return (now, None) };
    let moved =
        |to: Timestamp, why: &str| (to, Some(format!("`/triggered_at` {why}; {to} was taken instead of {given}")));
    match live_since {
        _ if given > now => moved(now, "has not come yet"),
        Some(since) if given < since => moved(since.min(now), "lies before the bundle went into service"),
        _ => (given, None),
    }
}

/// The history of a bundle in service, for the choice of the last known good version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The bundle.
    pub bundle_id: i64,
    /// When the bundle last reached 100 %; `None` when the bundle never did.
    pub reached_full_at: Option<Timestamp>,
    /// Whether the bundle was ever rolled back.
    pub rolled_back: bool,
}

/// The bundle that takes over when `leaving` is rolled back from 100 %: of the bundles that reached 100 % and were
/// never rolled back, the one that reached 100 % last (at equal times, the one created later).
pub fn last_known_good(history: &[Served], leaving: i64) -> Option<i64> {
    history
        .iter()
        .filter(|served| served.bundle_id != leaving && !served.rolled_back)
        .filter_map(|served| served.reached_full_at.map(|at| (at, served.bundle_id)))
        .max()
        .map(|(_, id)| id)
}

/// A preview of a rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackPreview {
    /// The bundle that would serve everything; `None` when no earlier version can take over.
    pub restored_version: Option<String>,
    /// Decisions that the bundle to be rolled back served in the last hour.
    pub decisions_last_hour: u64,
    /// The number of those decisions that would be answered differently.
    pub flips: u64,
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
    fn the_beginning_of_the_trouble_lies_between_going_live_and_now() {
        let at = Timestamp::from_unix_seconds;
        let (now, live) = (at(1_000), Some(at(900)));
        assert_eq!(trouble_began(None, live, now), (now, None));
        assert_eq!(trouble_began(Some(at(950)), live, now), (at(950), None));
        assert_eq!(trouble_began(Some(at(5)), None, now), (at(5), None));
        for (given, taken, said) in
            [(1_001, now, "has not come yet"), (899, at(900), "before the bundle went into service")]
        {
            let (began, warning) = trouble_began(Some(at(given)), live, now);
            assert_eq!(began, taken);
            assert!(warning.is_some_and(|warning| warning.contains(said)));
        }
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
