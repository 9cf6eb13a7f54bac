//! Labels of a rollout: the heading of the page, the steps of the track and the gate tiles.

use std::time::Duration;

use lifecycle::{
    bundle::State,
    rollout::{CanaryStatus, Stage},
    system::{ServingBundle, System},
};
use policy::Timestamp;

use crate::{components::format, labels};

/// The heading of the page: which version serves which share.
pub fn heading(system: &System) -> String {
    match (&system.canary, &system.stable) {
        (Some(canary), _) if canary.state == State::Shadow => {
            format!("{} runs in the shadow and serves nobody", canary.version)
        }
        (Some(canary), _) => format!("{} is taking {} % of decisions", canary.version, canary.canary_pct),
        (None, Some(stable)) => format!("{} serves every decision", stable.version),
        (None, None) => "No bundle is live: every decision is denied".to_owned(),
    }
}

/// The progress of a step of the track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Passed or skipped.
    Done,
    /// The current stage of the bundle.
    Now,
    /// Not reached yet.
    Ahead,
}

/// One step of the track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The stage.
    pub stage: Stage,
    /// The progress.
    pub progress: Progress,
    /// The name.
    pub name: String,
    /// A short note about the step.
    pub note: String,
}

/// The four steps for a canary or shadow.
pub fn track(status: &CanaryStatus, stable: Option<&ServingBundle>, as_of: Timestamp) -> Vec<Step> {
    let here = Stage::from_percent(status.canary_pct).unwrap_or(Stage::Canary10);
    Stage::ALL
        .into_iter()
        .map(|stage| {
            let progress = match stage.cmp(&here) {
                std::cmp::Ordering::Less => Progress::Done,
                std::cmp::Ordering::Equal => Progress::Now,
                std::cmp::Ordering::Greater => Progress::Ahead,
            };
            let note = match progress {
                Progress::Done if stage == Stage::Shadow => "no traffic".to_owned(),
                Progress::Done => "passed".to_owned(),
                Progress::Now => in_stage(status, as_of),
                Progress::Ahead if here.next() == Some(stage) => earliest(status),
                Progress::Ahead if stage == Stage::Active => {
                    stable.map_or_else(|| "all traffic".to_owned(), |stable| format!("replaces {}", stable.version))
                }
                Progress::Ahead => "later".to_owned(),
            };
            Step { stage, progress, name: stage_name(stage).to_owned(), note }
        })
        .collect()
}

/// The four steps for a bundle that serves everything.
pub fn arrived(stable: &ServingBundle, as_of: Timestamp) -> Vec<Step> {
    Stage::ALL
        .into_iter()
        .map(|stage| {
            let (progress, note) = match (stage, stable.activated_at) {
                (Stage::Active, Some(at)) => {
                    (Progress::Now, format!("{} for {}", stable.version, labels::span(as_of, at)))
                }
                (Stage::Active, None) => (Progress::Now, stable.version.clone()),
                _ => (Progress::Done, "passed".to_owned()),
            };
            Step { stage, progress, name: stage_name(stage).to_owned(), note }
        })
        .collect()
}

/// A stage's name on the track.
pub const fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Shadow => "Shadow",
        Stage::Canary10 => "Canary 10 %",
        Stage::Canary50 => "Canary 50 %",
        Stage::Active => "Active 100 %",
    }
}

/// The time in the stage, out of the minimum stage duration.
fn in_stage(status: &CanaryStatus, as_of: Timestamp) -> String {
    let Some(started) = status.stage_started_at else { return "since just now".to_owned() };
    let spent = labels::span(as_of, started);
    match status.promotable_at {
        Some(until) if until > as_of => format!("{spent} of {}", labels::span(until, started)),
        _ => format!("for {spent}"),
    }
}

fn earliest(status: &CanaryStatus) -> String {
    if status.seconds_remaining > 0 {
        format!("earliest in {}", format::duration(Duration::from_secs(status.seconds_remaining)))
    } else if status.can_promote {
        "ready".to_owned()
    } else {
        "waits for the gates".to_owned()
    }
}

/// The elapsed part of the minimum stage duration, in whole percent, 0–100.
pub fn time_passed(status: &CanaryStatus, as_of: Timestamp) -> u8 {
    let (Some(started), Some(until)) = (status.stage_started_at, status.promotable_at) else { return 100 };
    let whole = until.since(started).as_secs();
    let spent = as_of.since(started).as_secs();
    let percent = (spent * 100).checked_div(whole).unwrap_or(100);
    u8::try_from(percent.min(100)).unwrap_or(100)
}

/// The label of the promote button for a next stage of `pct` percent.
pub fn promote_label(pct: i16) -> String {
    if pct == 10 { "Start the canary at 10%".to_owned() } else { format!("Promote to {pct}%") }
}

/// The effect of a rollback on traffic.
pub fn consequence(state: State, pct: i16, restored: &str) -> String {
    match state {
        State::Shadow => format!("The shadow stops being evaluated. {restored} serves every decision, as it does now."),
        State::Canary => format!("{pct} % of traffic returns to {restored}, which then serves every decision."),
        _ => format!("All traffic returns to {restored}."),
    }
}

/// How many of the last hour's decisions the restored version would have answered differently.
pub fn flips(decisions_last_hour: u64, flips: u64) -> String {
    match (decisions_last_hour, flips) {
        (0, _) => "Nothing was decided in the last hour.".to_owned(),
        (n, 0) => {
            format!("None of the last hour's {} decisions would have been answered differently.", format::count(n))
        }
        (n, flips) => {
            format!("{} of the last hour's {} decisions flip back.", format::count(flips), format::count(n))
        }
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::{
        metrics::{ArmStats, StageMetrics},
        rollout::GateReport,
    };

    use super::*;

    fn serving(version: &str, state: State, canary_pct: i16) -> ServingBundle {
        ServingBundle {
            id: 1,
            version: version.into(),
            digest: String::new(),
            state,
            canary_pct,
            stage_started_at: None,
            activated_at: None,
            activated_by: None,
            unproven: None,
        }
    }

    fn system(stable: Option<ServingBundle>, canary: Option<ServingBundle>) -> System {
        System {
            enabled: true,
            bypass_effect: Default::default(),
            disabled: None,
            paused: false,
            pause: None,
            stable,
            canary,
        }
    }

    fn status(pct: i16, spent: u64, whole: u64) -> (CanaryStatus, Timestamp) {
        let started = Timestamp::from_unix_seconds(1_000_000);
        let as_of = started.plus(Duration::from_secs(spent));
        let status = CanaryStatus {
            id: 2,
            version: "2.4.0".into(),
            state: State::Canary,
            canary_pct: pct,
            stage_started_at: Some(started),
            promotable_at: Some(started.plus(Duration::from_secs(whole))),
            seconds_remaining: whole.saturating_sub(spent),
            next_pct: Some(50),
            can_promote: false,
            blocked_by: vec![],
            metrics: StageMetrics::default(),
            gates: GateReport { passed: false, gates: vec![], failures: vec![], assumption: String::new() },
            canary: ArmStats::default(),
            stable: ArmStats::default(),
            diverging: 0,
            compared: 0,
            freezes: vec![],
            as_of,
        };
        (status, as_of)
    }

    #[test]
    fn the_heading_says_who_serves() {
        let stable = || Some(serving("2.3.0", State::Active, 100));
        assert_eq!(heading(&system(stable(), None)), "2.3.0 serves every decision");
        let canary = Some(serving("2.4.0", State::Canary, 10));
        assert_eq!(heading(&system(stable(), canary)), "2.4.0 is taking 10 % of decisions");
        let shadow = Some(serving("2.4.0", State::Shadow, 0));
        assert_eq!(heading(&system(stable(), shadow)), "2.4.0 runs in the shadow and serves nobody");
        assert!(heading(&system(None, None)).starts_with("No bundle is live"));
    }

    #[test]
    fn the_track_shows_the_time_in_stage_and_the_earliest_promotion() {
        let (status, as_of) = status(10, 7 * 3600 + 12 * 60, 24 * 3600);
        let steps = track(&status, Some(&serving("2.3.0", State::Active, 100)), as_of);
        let notes: Vec<_> = steps.iter().map(|step| step.note.replace('\u{a0}', " ")).collect();
        assert_eq!(notes, ["no traffic", "7 h 12 min of 1 d", "earliest in 16 h 48 min", "replaces 2.3.0"]);
        assert_eq!(time_passed(&status, as_of), 30);
    }

    #[test]
    fn a_bundle_that_serves_everything_has_arrived() {
        let at = Timestamp::from_unix_seconds(1_000_000);
        let stable = ServingBundle { activated_at: Some(at), ..serving("2.3.0", State::Active, 100) };
        let steps = arrived(&stable, at.plus(Duration::from_secs(3 * 86_400)));
        assert_eq!(steps.iter().filter(|step| step.progress == Progress::Done).count(), 3);
        assert_eq!(steps[3].note.replace('\u{a0}', " "), "2.3.0 for 3 d");
    }

    #[test]
    fn a_rollback_says_what_happens_to_whom() {
        assert_eq!(
            consequence(State::Canary, 10, "2.3.0"),
            "10 % of traffic returns to 2.3.0, which then serves every decision."
        );
        assert_eq!(flips(4318, 61), "61 of the last hour's 4,318 decisions flip back.");
    }
}
