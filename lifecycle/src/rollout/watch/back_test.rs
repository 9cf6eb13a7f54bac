//! What limits would have done to recorded rollouts.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Judgement, WINDOW, WatchConfig, WatchMode, WatchWindow, reason};
use crate::{
    metrics::ArmStats,
    rollout::counts::{CostCounts, PairCounts},
};

/// What one bundle did in a few seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Served {
    /// The decisions; the average cost is left out.
    pub stats: ArmStats,
    /// The known costs.
    pub costs: CostCounts,
}

/// A few seconds of a recorded rollout.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// When they ended.
    pub at: Timestamp,
    /// What the bundle served.
    pub canary: Served,
    /// What stable served.
    pub stable: Served,
    /// The answers of both to what the bundle served.
    pub pairs: PairCounts,
}

/// A recorded rollout: the steps in the order of time, with or without those in which nothing was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedRollout {
    /// The bundle.
    pub bundle_id: i64,
    /// Its version.
    pub version: String,
    /// When it was rolled back, by a person or by itself; `None` for one that was not.
    pub rolled_back_at: Option<Timestamp>,
    /// What was counted.
    pub steps: Vec<Step>,
}

/// What the limits would have done to one rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// The bundle.
    pub bundle_id: i64,
    /// Its version.
    pub version: String,
    /// When the limits would have stopped it; `None` if they would not.
    pub stopped_at: Option<Timestamp>,
    /// Why, in words.
    pub reason: Option<String>,
    /// When it was rolled back in truth.
    pub rolled_back_at: Option<Timestamp>,
}

impl Tested {
    /// Whether the limits say what people or the service did: both stopped it, or neither.
    pub fn agrees(&self) -> bool {
        self.stopped_at.is_some() == self.rolled_back_at.is_some()
    }
}

/// What limits would have done to recorded rollouts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackTest {
    /// One line a rollout, in the order they were given.
    pub rollouts: Vec<Tested>,
    /// All of it in a sentence.
    pub summary: String,
}

/// Plays recorded rollouts through the limits. How many subjects there were in five minutes cannot be added up from shorter
/// times, so that the floor of subjects is left out: what would have been stopped is never too little.
pub fn back_test(rollouts: &[RecordedRollout], config: &WatchConfig, cost_allowance: f64) -> BackTest {
    let tested: Vec<Tested> = rollouts
        .iter()
        .map(|rollout| {
            let stopped = first_stop(rollout, config, cost_allowance);
            Tested {
                bundle_id: rollout.bundle_id,
                version: rollout.version.clone(),
                stopped_at: stopped.as_ref().map(|(at, _)| *at),
                reason: stopped.map(|(_, reason)| reason),
                rolled_back_at: rollout.rolled_back_at,
            }
        })
        .collect();
    let summary = summary(&tested, config.mode);
    BackTest { rollouts: tested, summary }
}

/// When the limits would have stopped a rollout first, and why.
fn first_stop(rollout: &RecordedRollout, config: &WatchConfig, cost_allowance: f64) -> Option<(Timestamp, String)> {
    let mut stable_so_far = Served::default();
    rollout.steps.iter().enumerate().find_map(|(place, last)| {
        stable_so_far = stable_so_far.and(&last.stable);
        let steps = rollout.steps.get(..=place).unwrap_or_default();
        let recent = steps.iter().rev().take_while(|step| last.at.since(step.at) < WINDOW);
        let (canary, stable, pairs) = recent
            .fold((Served::default(), Served::default(), PairCounts::default()), |(canary, stable, pairs), step| {
                (canary.and(&step.canary), stable.and(&step.stable), pairs.and(step.pairs))
            });
        // As in service: stable's last minutes, or else all that is known of it so far.
        let enough = stable.stats.decisions >= config.min_sample_size;
        let stable = if enough { stable } else { stable_so_far };
        let window = WatchWindow {
            canary: canary.stats(),
            pairs,
            baseline: stable.stats(),
            subjects: None,
            subjects_of_day: 0,
            percent: 0,
            cost_allowance,
        };
        match window.judge(config) {
            Judgement::RollBack(alarms) => Some((last.at, reason(&alarms, &window.canary))),
            _ => None,
        }
    })
}

fn summary(tested: &[Tested], mode: WatchMode) -> String {
    if tested.is_empty() {
        return "No rollout was recorded yet that the limits could be tested on.".to_owned();
    }
    let stopped: Vec<&Tested> = tested.iter().filter(|tested| tested.stopped_at.is_some()).collect();
    let rightly = stopped.iter().filter(|tested| tested.rolled_back_at.is_some()).count();
    let missed = tested.iter().filter(|tested| tested.stopped_at.is_none() && tested.rolled_back_at.is_some()).count();
    let would = match mode {
        WatchMode::RollBack => "would have stopped",
        WatchMode::Observe => "would have reported",
    };
    let last =
        if tested.len() == 1 { "the last rollout".to_owned() } else { format!("the last {} rollouts", tested.len()) };
    let right = match (stopped.len(), rightly) {
        (0, _) => String::new(),
        (1, 1) => ", which was rolled back".to_owned(),
        (2, 2) => ", both of which were rolled back".to_owned(),
        (all, right) if all == right => ", all of which were rolled back".to_owned(),
        (_, 0) => ", where nobody rolled back".to_owned(),
        (_, right) => format!(", of which {right} {} rolled back", if right == 1 { "was" } else { "were" }),
    };
    let missed = match missed {
        0 => String::new(),
        1 => " They would have missed 1 that was rolled back.".to_owned(),
        missed => format!(" They would have missed {missed} that were rolled back."),
    };
    let count = match (stopped.len(), tested.len()) {
        (0, _) => "none of ".to_owned(),
        (_, 1) => String::new(),
        (stopped, _) => format!("{stopped} of "),
    };
    format!("These limits {would} {count}{last}{right}.{missed}")
}

impl Served {
    fn and(&self, other: &Self) -> Self {
        let (a, b) = (&self.stats, &other.stats);
        let (c, d) = (&self.costs, &other.costs);
        Self {
            stats: ArmStats {
                decisions: a.decisions + b.decisions,
                allow: a.allow + b.allow,
                deny: a.deny + b.deny,
                needs_approval: a.needs_approval + b.needs_approval,
                no_match: a.no_match + b.no_match,
                errors: a.errors + b.errors,
                avg_cost: None,
            },
            costs: CostCounts {
                count: c.count + d.count,
                sum: c.sum + d.sum,
                cut_sum: c.cut_sum + d.cut_sum,
                cut_sum_of_squares: c.cut_sum_of_squares + d.cut_sum_of_squares,
                cut: c.cut + d.cut,
            },
        }
    }

    fn stats(&self) -> ArmStats {
        ArmStats { avg_cost: self.costs.average(), ..self.stats }
    }
}

impl PairCounts {
    fn and(self, other: Self) -> Self {
        Self {
            compared: self.compared + other.compared,
            deny: self.deny + other.deny,
            stable_deny: self.stable_deny + other.stable_deny,
            no_match: self.no_match + other.no_match,
            stable_no_match: self.stable_no_match + other.stable_no_match,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn start() -> Timestamp {
        Timestamp::from_unix_seconds(1_000_000)
    }

    /// Ten seconds with ten decisions of the bundle, so many in error, and ninety of stable, one in error.
    fn step(number: u64, errors: u64) -> Step {
        let served = |decisions, errors| Served {
            stats: ArmStats { decisions, allow: decisions, errors, ..ArmStats::default() },
            costs: CostCounts::default(),
        };
        Step {
            at: start().plus(Duration::from_secs(10 * (number + 1))),
            canary: served(10, errors),
            stable: served(90, 1),
            pairs: PairCounts { compared: 10, ..PairCounts::default() },
        }
    }

    fn rollout(version: &str, steps: Vec<Step>, rolled_back_after: Option<u64>) -> RecordedRollout {
        let rolled_back_at = rolled_back_after.map(|seconds| start().plus(Duration::from_secs(seconds)));
        RecordedRollout { bundle_id: 1, version: version.to_owned(), rolled_back_at, steps }
    }

    #[test]
    fn a_bad_rollout_is_stopped_as_soon_as_the_window_says_so() {
        let bad = (0..100).map(|number| step(number, if number < 40 { 0 } else { 5 })).collect();
        let tested = back_test(&[rollout("2.0.0", bad, Some(900))], &WatchConfig::default(), 0.0);
        let [only] = tested.rollouts.as_slice() else { panic!("{tested:?}") };
        // 300 decisions in five minutes; more than 30 in error takes seven bad steps.
        assert_eq!(only.stopped_at, Some(start().plus(Duration::from_secs(10 * 47))));
        assert!(
            only.reason.as_ref().is_some_and(|reason| reason.contains("error rate 11.67 % exceeds 10 %")),
            "{only:?}"
        );
        assert!(only.agrees());
        assert_eq!(tested.summary, "These limits would have stopped the last rollout, which was rolled back.");
    }

    #[test]
    fn gaps_in_the_traffic_end_the_window() {
        // Five errors now and five an hour later are not ten in five minutes.
        let mut steps: Vec<Step> = (0..3).map(|number| step(number, 4)).collect();
        steps.extend((0..3).map(|number| step(360 + number, 4)));
        let strict = WatchConfig { min_sample_size: 50, ..WatchConfig::default() };
        assert_eq!(back_test(&[rollout("2.0.0", steps.clone(), None)], &strict, 0.0).rollouts[0].stopped_at, None);
        let lenient = WatchConfig { min_sample_size: 30, ..WatchConfig::default() };
        assert!(back_test(&[rollout("2.0.0", steps, None)], &lenient, 0.0).rollouts[0].stopped_at.is_some());
    }

    #[test]
    fn the_summary_counts_what_was_right_and_what_was_missed() {
        let good = || (0..60).map(|number| step(number, 0)).collect::<Vec<_>>();
        let bad = || (0..60).map(|number| step(number, 9)).collect::<Vec<_>>();
        let rollouts = [
            rollout("1.1.0", good(), None),
            rollout("1.2.0", bad(), Some(600)),
            rollout("1.3.0", bad(), None),
            rollout("1.4.0", good(), Some(600)),
        ];
        let tested = back_test(&rollouts, &WatchConfig::default(), 0.0);
        let agree: Vec<bool> = tested.rollouts.iter().map(Tested::agrees).collect();
        assert_eq!(agree, [true, true, false, false]);
        assert_eq!(
            tested.summary,
            "These limits would have stopped 2 of the last 4 rollouts, of which 1 was rolled back. They would have missed 1 that \
             was rolled back."
        );
        assert!(back_test(&[], &WatchConfig::default(), 0.0).summary.starts_with("No rollout"));
        let observed = WatchConfig { mode: WatchMode::Observe, ..WatchConfig::default() };
        assert!(back_test(&rollouts, &observed, 0.0).summary.contains("would have reported"));
    }
}
