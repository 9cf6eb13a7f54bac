//! Judging the last minutes of a bundle.

use super::{Alarm, Cause, WatchConfig};
use crate::{
    format::{rate_and_limit, rate_percent},
    metrics::{ArmStats, TOLERANCE, relative_increase},
    rollout::counts::PairCounts,
};

/// What was counted in the last minutes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct WatchWindow {
    /// The decisions that the watched bundle served.
    pub canary: ArmStats,
    /// The answers to those that the other bundle, the one that would take over, answered as well.
    pub pairs: PairCounts,
    /// What the other bundle served in the same minutes, or else in its last day.
    pub baseline: ArmStats,
    /// Different subjects of the decisions; `None` where that was not counted.
    pub subjects: Option<u64>,
    /// Different subjects of the last day, of every arm.
    pub subjects_of_day: u64,
    /// The bundle's share of the traffic in percent.
    pub percent: i16,
    /// What a decision may cost on top of the limit, USD.
    pub cost_allowance: f64,
}

/// The result of judging.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// Too few decisions or subjects to say anything.
    TooFew,
    /// Within the limits.
    Quiet,
    /// Past these limits, and by the bundle's own doing.
    RollBack(Vec<Alarm>),
    /// Past these limits, where the other bundle answers the same requests as badly.
    AsBad(Vec<Alarm>),
}

impl WatchWindow {
    /// Judges the window.
    pub fn judge(&self, config: &WatchConfig) -> Judgement {
        if self.canary.decisions < config.min_sample_size.max(1) || self.has_too_few_subjects(config) {
            return Judgement::TooFew;
        }
        let (pairs, canary, baseline) = (&self.pairs, &self.canary, &self.baseline);
        let deny = (canary.share(canary.deny), baseline.share(baseline.deny), pairs.deny, pairs.stable_deny);
        let no_match =
            (canary.share(canary.no_match), baseline.share(baseline.no_match), pairs.no_match, pairs.stable_no_match);
        let deny = self.paired(Cause::DenyRate, "deny rate", config.max_deny_rate, deny, config);
        let no_match = self.paired(Cause::NoMatchRate, "no-match rate", config.max_no_match_rate, no_match, config);
        let mut own: Vec<Alarm> = Vec::new();
        let mut as_bad = Vec::new();
        own.extend(self.errors(config));
        for (place, found) in [deny, no_match].into_iter().enumerate() {
            if place == 1 {
                own.extend(self.cost(config));
            }
            match found {
                Some((alarm, true)) => own.push(alarm),
                Some((alarm, false)) => as_bad.push(alarm),
                None => {}
            }
        }
        match (own.is_empty(), as_bad.is_empty()) {
            (false, _) => Judgement::RollBack(own),
            (true, false) => Judgement::AsBad(as_bad),
            (true, true) => Judgement::Quiet,
        }
    }

    /// Whether the decisions are about too few subjects: fewer than the setting, and than the bundle's share of those that
    /// the last day saw.
    fn has_too_few_subjects(&self, config: &WatchConfig) -> bool {
        let percent = u64::from(self.percent.unsigned_abs());
        let likely = (self.subjects_of_day.saturating_mul(percent)).div_ceil(100).max(1);
        self.subjects.is_some_and(|subjects| subjects < config.min_subjects.min(likely))
    }

    fn errors(&self, config: &WatchConfig) -> Option<Alarm> {
        let value = self.canary.share(self.canary.errors)?;
        let baseline = self.baseline.share(self.baseline.errors);
        let worse = baseline.is_none_or(|baseline| value + TOLERANCE >= config.error_rate_factor * baseline);
        let limit = config.max_error_rate;
        (is_above(value, limit) && worse).then(|| alarm(Cause::ErrorRate, "error rate", value, limit, baseline))
    }

    fn cost(&self, config: &WatchConfig) -> Option<Alarm> {
        let limit = config.max_cost_increase;
        let (cost, before) = (self.canary.avg_cost?, self.baseline.avg_cost?);
        let charged = (cost - self.cost_allowance).max(0.0);
        let above = relative_increase(Some(charged), Some(before)).is_some_and(|value| is_above(value, limit));
        let value = relative_increase(Some(cost), Some(before)).filter(|_| above)?;
        let detail =
            format!("average cost ${cost:.4} is more than {} above stable's ${before:.4}", rate_percent(limit));
        Some(Alarm { cause: Cause::Cost, value, limit, baseline: Some(before), detail })
    }

    /// An alarm about a share that the other bundle has for the same requests as well, and whether it is the bundle's own
    /// doing. Where most requests have no second answer, the other bundle's own traffic stands for it.
    fn paired(
        &self,
        cause: Cause,
        name: &str,
        limit: f64,
        (value, baseline, here, there): (Option<f64>, Option<f64>, u64, u64),
        config: &WatchConfig,
    ) -> Option<(Alarm, bool)> {
        let value = value.filter(|value| is_above(*value, limit))?;
        let compared = self.pairs.compared;
        let (difference, other) = if 2 * compared >= self.canary.decisions {
            let share = |part: u64| part as f64 / compared.max(1) as f64;
            (Some(share(here) - share(there)), Some(share(there)))
        } else {
            (baseline.map(|baseline| value - baseline), baseline)
        };
        let own = difference.is_none_or(|difference| difference + TOLERANCE >= config.paired_margin);
        Some((alarm(cause, name, value, limit, other), own))
    }
}

fn is_above(value: f64, limit: f64) -> bool {
    value > limit + TOLERANCE
}

/// An alarm in words: `error rate 12 % exceeds 10 % (stable: 2 %)`, without the parenthesis where stable decided nothing.
fn alarm(cause: Cause, name: &str, value: f64, limit: f64, baseline: Option<f64>) -> Alarm {
    let beside = baseline.map_or_else(String::new, |baseline| format!(" (stable: {})", rate_percent(baseline)));
    let (shown, most) = rate_and_limit(value, limit);
    let detail = format!("{name} {shown} exceeds {most}{beside}");
    Alarm { cause, value, limit, baseline, detail }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::reason, *};

    fn arm(decisions: u64, errors: u64, deny: u64, no_match: u64, avg_cost: Option<f64>) -> ArmStats {
        ArmStats { decisions, errors, deny, no_match, avg_cost, ..ArmStats::default() }
    }

    /// A window in which stable answers every request of the canary as it answers its own.
    fn window(canary: ArmStats, stable: ArmStats) -> WatchWindow {
        let of = |part: u64| (part as f64 / stable.decisions.max(1) as f64 * canary.decisions as f64).round() as u64;
        let pairs = PairCounts {
            compared: if stable.decisions > 0 { canary.decisions } else { 0 },
            deny: canary.deny,
            stable_deny: of(stable.deny),
            no_match: canary.no_match,
            stable_no_match: of(stable.no_match),
        };
        WatchWindow {
            canary,
            pairs,
            baseline: stable,
            subjects: Some(canary.decisions),
            subjects_of_day: 1_000,
            percent: 10,
            cost_allowance: 0.0,
        }
    }

    fn causes(canary: &ArmStats, stable: &ArmStats) -> Vec<Cause> {
        match window(*canary, *stable).judge(&WatchConfig::default()) {
            Judgement::RollBack(alarms) => alarms.iter().map(|alarm| alarm.cause).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn every_limit_of_the_runbook_is_one() {
        let stable = arm(100, 1, 10, 5, Some(0.10));
        let fine = arm(100, 10, 50, 20, Some(0.15));
        assert_eq!(causes(&fine, &stable), [], "a value equal to its limit is fine");
        assert_eq!(causes(&arm(100, 11, 0, 0, None), &stable), [Cause::ErrorRate]);
        assert_eq!(causes(&arm(100, 0, 51, 0, None), &stable), [Cause::DenyRate]);
        assert_eq!(causes(&arm(100, 0, 0, 0, Some(0.1501)), &stable), [Cause::Cost]);
        assert_eq!(causes(&arm(100, 0, 0, 21, None), &stable), [Cause::NoMatchRate]);
        assert_eq!(causes(&arm(49, 49, 49, 49, Some(9.0)), &stable), [], "49 decisions are too few");
    }

    #[test]
    fn the_canary_is_not_blamed_for_what_stable_does_as_well() {
        let stable = arm(1000, 60, 950, 300, Some(0.0));
        assert_eq!(causes(&arm(100, 11, 96, 31, Some(0.0)), &stable), []);
        assert_eq!(
            causes(&arm(100, 12, 0, 40, Some(0.01)), &stable),
            [Cause::ErrorRate, Cause::Cost, Cause::NoMatchRate]
        );
        let nothing = ArmStats::default();
        assert_eq!(
            causes(&arm(100, 12, 51, 21, Some(5.0)), &nothing),
            [Cause::ErrorRate, Cause::DenyRate, Cause::NoMatchRate]
        );
    }

    #[test]
    fn denials_are_held_against_the_same_requests_and_not_against_other_traffic() {
        // One subject repeats a request that stable denies as well; the rest of stable's traffic is mostly allowed.
        let canary = arm(376, 0, 300, 0, None);
        let mut noisy = window(canary, arm(829, 0, 296, 0, None));
        noisy.pairs = PairCounts { compared: 376, deny: 300, stable_deny: 300, ..PairCounts::default() };
        let Judgement::AsBad(alarms) = noisy.judge(&WatchConfig::default()) else { panic!("{noisy:?}") };
        let [alarm] = alarms.as_slice() else { panic!("{alarms:?}") };
        assert_eq!(alarm.detail, "deny rate 79.79 % exceeds 50 % (stable: 79.79 %)");
        // Stable denies most of its own traffic, and would allow what the canary denies.
        let mut worse = window(arm(100, 0, 60, 0, None), arm(900, 0, 600, 0, None));
        worse.pairs = PairCounts { compared: 100, deny: 60, stable_deny: 50, ..PairCounts::default() };
        assert!(matches!(worse.judge(&WatchConfig::default()), Judgement::RollBack(_)), "the margin itself is enough");
        worse.pairs.stable_deny = 51;
        assert!(matches!(worse.judge(&WatchConfig::default()), Judgement::AsBad(_)));
        let strict = WatchConfig { paired_margin: 0.05, ..WatchConfig::default() };
        assert!(matches!(worse.judge(&strict), Judgement::RollBack(_)));
        // Few second answers say little: stable's own traffic stands for them.
        worse.pairs = PairCounts { compared: 49, deny: 49, stable_deny: 49, ..PairCounts::default() };
        worse.baseline = arm(900, 0, 90, 0, None);
        assert!(matches!(worse.judge(&WatchConfig::default()), Judgement::RollBack(_)));
    }

    #[test]
    fn few_subjects_say_nothing_unless_there_are_no_more() {
        let bad = |subjects, subjects_of_day, percent| {
            let counted = window(arm(100, 90, 0, 0, None), arm(900, 0, 0, 0, None));
            let window = WatchWindow { subjects: Some(subjects), subjects_of_day, percent, ..counted };
            matches!(window.judge(&WatchConfig::default()), Judgement::RollBack(_))
        };
        assert!(!bad(4, 1_000, 10) && bad(5, 1_000, 10));
        assert!(!bad(1, 11, 10) && bad(2, 11, 10), "a tenth of eleven is two");
        assert!(bad(1, 10, 10) && bad(1, 1, 10));
        assert!(!bad(4, 5, 100) && bad(5, 5, 100) && bad(3, 3, 100));
    }

    #[test]
    fn an_allowance_covers_a_cost_near_zero() {
        let counted = window(arm(100, 0, 0, 0, Some(0.0002)), arm(900, 0, 0, 0, Some(0.0)));
        assert!(matches!(counted.judge(&WatchConfig::default()), Judgement::RollBack(_)));
        let allowed = WatchWindow { cost_allowance: 0.0002, ..counted };
        assert_eq!(allowed.judge(&WatchConfig::default()), Judgement::Quiet);
        let unknown = window(arm(100, 0, 0, 0, None), arm(900, 0, 0, 0, Some(0.01)));
        assert_eq!(unknown.judge(&WatchConfig::default()), Judgement::Quiet, "an unknown cost is no increase");
    }

    #[test]
    fn the_reason_says_what_was_measured() {
        let counted = window(arm(62, 10, 0, 0, None), arm(500, 10, 0, 0, None));
        let Judgement::RollBack(alarms) = counted.judge(&WatchConfig::default()) else { panic!("{counted:?}") };
        let reason = reason(&alarms, &counted.canary);
        assert_eq!(
            reason,
            "Automatic rollback: error rate 16.13 % exceeds 10 % (stable: 2 %), over 62 decisions in 5 minutes"
        );
        assert!(crate::rollout::check_reason(&reason).is_ok());
    }

    proptest! {
        #[test]
        fn worse_numbers_never_silence_an_alarm(
            decisions in 50_u64..500, errors in 0_u64..500, deny in 0_u64..500, no_match in 0_u64..500, more in 1_u64..50,
            stable in (0_u64..500, 0_u64..500, 0_u64..500, 0_u64..500),
        ) {
            let of = |part: u64| part.min(decisions);
            let stable = arm(stable.0, stable.1.min(stable.0), stable.2.min(stable.0), stable.3.min(stable.0), None);
            let canary = arm(decisions, of(errors), of(deny), of(no_match), None);
            let worse = arm(decisions, of(errors + more), of(deny + more), of(no_match + more), None);
            let after = causes(&worse, &stable);
            prop_assert!(causes(&canary, &stable).iter().all(|cause| after.contains(cause)));
        }

        /// Whatever both bundles do: where they answer every request alike, denials and missing rules roll nothing back.
        #[test]
        fn equal_answers_are_never_blamed(decisions in 1_u64..500, deny in 0_u64..500, no_match in 0_u64..500, own in 0_u64..500) {
            let of = |part: u64| part.min(decisions);
            let mut counted = window(arm(decisions, 0, of(deny), of(no_match), None), arm(500, 0, own, own, None));
            counted.pairs = PairCounts {
                compared: decisions, deny: of(deny), stable_deny: of(deny), no_match: of(no_match), stable_no_match: of(no_match),
            };
            prop_assert!(!matches!(counted.judge(&WatchConfig::default()), Judgement::RollBack(_)));
        }
    }
}
