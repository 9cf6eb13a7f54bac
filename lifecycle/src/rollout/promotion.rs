//! Whether a bundle may get more traffic now.

use std::time::Duration;

use policy::Timestamp;

use super::{GateReport, Stage};
use crate::{format::duration_words, metrics::GateConfig};

/// The earliest time at which a stage that began at `started` may be left.
pub fn promotable_at(started: Timestamp, config: &GateConfig) -> Timestamp {
    started.plus(Duration::from_secs(config.min_stage_seconds))
}

/// Whole seconds until promotion is possible, rounded up; 0 when the time has come.
pub fn seconds_remaining(started: Timestamp, now: Timestamp, config: &GateConfig) -> u64 {
    let left = promotable_at(started, config).since(now);
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
}

/// The reasons why a bundle in `stage` since `started` may not be promoted to `target` percent now, in sentences; empty
/// when the bundle may be promoted. Without a `target` the next stage is meant.
///
/// The waiting time and the gates apply to bundles that serve traffic: a shadow serves nobody and may start at any
/// time.
pub fn blocked_by(
    stage: Stage,
    target: Option<i16>,
    started: Option<Timestamp>,
    now: Timestamp,
    config: &GateConfig,
    gates: &GateReport,
) -> Vec<String> {
    let Some(next) = stage.next() else {
        return vec!["It serves all traffic already: there is nothing to promote it to.".to_owned()];
    };
    let mut reasons = Vec::new();
    if let Some(target) = target
        && target != next.percent()
    {
        reasons.push(format!(
            "From {} % the only next stage is {} %, not {target} %.",
            stage.percent(),
            next.percent()
        ));
    }
    if stage == Stage::Shadow {
        return reasons;
    }
    match started.map(|started| seconds_remaining(started, now, config)) {
        None => {
            reasons.push("It is not known when this stage began, so the waiting time cannot be checked.".to_owned())
        }
        Some(0) => {}
        Some(left) => reasons.push(format!(
            "The stage has to last {}; {} left.",
            duration_words(config.min_stage_seconds),
            duration_words(left)
        )),
    }
    reasons.extend(gates.failures.iter().cloned());
    reasons
}

/// The share of traffic in percent to which a canary is promoted by itself now; `None` when it is not. `held` says whether
/// anything else holds promotions now, such as a pause. A shadow waits for a person: no gate was evaluated on it.
pub fn promote_automatically(
    stage: Stage,
    started: Option<Timestamp>,
    now: Timestamp,
    config: &GateConfig,
    gates: &GateReport,
    held: bool,
) -> Option<i16> {
    let canary = matches!(stage, Stage::Canary10 | Stage::Canary50);
    let ready = config.automatic_promotion && canary && !held;
    (ready && blocked_by(stage, None, started, now, config, gates).is_empty())
        .then(|| stage.next().map(Stage::percent))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{metrics::StageMetrics, rollout::gates};

    fn passing() -> GateReport {
        let metrics = StageMetrics {
            sample_size: Some(500),
            error_rate: Some(0.0),
            deny_rate: Some(0.1),
            avg_cost: Some(1.0),
            baseline_avg_cost: Some(1.0),
        };
        gates::evaluate(&metrics, &GateConfig::default())
    }

    #[test]
    fn both_time_and_gates_must_allow_it() {
        let config = GateConfig::default();
        let start = Timestamp::from_unix_seconds(1_000_000);
        let day = Duration::from_secs(86_400);
        let blocked =
            |stage, target, now, gates: &GateReport| blocked_by(stage, target, Some(start), now, &config, gates);
        assert_eq!(
            blocked(Stage::Canary10, Some(50), start.plus(Duration::from_secs(3_600)), &passing()),
            ["The stage has to last 1 day; 23 hours left."]
        );
        assert!(blocked(Stage::Canary10, Some(50), start.plus(day), &passing()).is_empty());
        assert!(blocked(Stage::Canary50, None, start.plus(day), &passing()).is_empty());
        let held = gates::evaluate(&StageMetrics::default(), &config);
        assert_eq!(blocked(Stage::Canary10, Some(50), start.plus(day), &held).len(), 4);
        assert_eq!(
            blocked(Stage::Canary10, Some(100), start.plus(day), &passing()),
            ["From 10 % the only next stage is 50 %, not 100 %."]
        );
        assert_eq!(blocked(Stage::Active, None, start.plus(day), &passing()).len(), 1);
        assert!(blocked(Stage::Shadow, Some(10), start, &held).is_empty());
        assert_eq!(blocked_by(Stage::Canary10, None, None, start, &config, &passing()).len(), 1);
    }

    #[test]
    fn a_canary_is_promoted_by_itself_only_where_that_is_on_and_nothing_is_in_the_way() {
        let on = GateConfig { automatic_promotion: true, ..GateConfig::default() };
        let start = Timestamp::from_unix_seconds(1_000_000);
        let later = start.plus(Duration::from_secs(86_400));
        let next = |stage, now, config: &GateConfig, gates: &GateReport, held| {
            promote_automatically(stage, Some(start), now, config, gates, held)
        };
        assert_eq!(next(Stage::Canary10, later, &on, &passing(), false), Some(50));
        assert_eq!(next(Stage::Canary50, later, &on, &passing(), false), Some(100));
        assert_eq!(next(Stage::Shadow, later, &on, &passing(), false), None);
        assert_eq!(next(Stage::Active, later, &on, &passing(), false), None);
        assert_eq!(next(Stage::Canary10, later, &on, &passing(), true), None);
        assert_eq!(next(Stage::Canary10, start, &on, &passing(), false), None);
        assert_eq!(next(Stage::Canary10, later, &GateConfig::default(), &passing(), false), None);
        let held = gates::evaluate(&StageMetrics::default(), &on);
        assert_eq!(next(Stage::Canary10, later, &on, &held, false), None);
    }
}
