//! The range of every setting.

use lifecycle::{
    approval::settings::{LONGEST, SHORTEST},
    metrics::MAX_STAGE_SECONDS,
    problem::Problem,
    review::quorum_rule::FEWEST_FOR_HIGH_RISK,
    settings::{Passwords, Settings},
};

use crate::Result;

/// Refuses the first value that is outside its range.
pub(super) fn check(settings: &Settings) -> Result<()> {
    let rate = |value: f64| (0.0..=1.0).contains(&value);
    // JSON has no infinity: a stored infinity could not be read back.
    let at_least = |minimum: f64, value: f64| value.is_finite() && value >= minimum;
    let gates = &settings.gates;
    let (watch, review, approvals) = (&settings.watch, &settings.review, &settings.approvals);
    let checks = [
        (rate(gates.max_error_rate), "/gates/max_error_rate", "a rate is 0 to 1"),
        (rate(gates.max_deny_rate), "/gates/max_deny_rate", "a rate is 0 to 1"),
        (at_least(0.0, gates.max_cost_increase), "/gates/max_cost_increase", "an increase is 0 or more"),
        (at_least(0.0, gates.cost_allowance), "/gates/cost_allowance", "a cost is 0 or more"),
        (
            gates.cost_bound.is_none_or(|bound| bound.is_finite() && bound > 0.0),
            "/gates/cost_bound",
            "a bound is more than 0; without one, ten times the largest budget of a rule counts",
        ),
        (gates.min_stage_seconds <= MAX_STAGE_SECONDS, "/gates/min_stage_seconds", "a stage lasts at most a year"),
        (rate(watch.max_error_rate), "/watch/max_error_rate", "a rate is 0 to 1"),
        (rate(watch.max_deny_rate), "/watch/max_deny_rate", "a rate is 0 to 1"),
        (rate(watch.max_no_match_rate), "/watch/max_no_match_rate", "a rate is 0 to 1"),
        (rate(watch.paired_margin), "/watch/paired_margin", "a margin is 0 to 1"),
        (
            watch.min_subjects <= 1_000,
            "/watch/min_subjects",
            "automatic rollback waits for at most 1000 subjects, or it would never act",
        ),
        (at_least(0.0, watch.max_cost_increase), "/watch/max_cost_increase", "an increase is 0 or more"),
        (at_least(1.0, watch.error_rate_factor), "/watch/error_rate_factor", "a factor is 1 or more"),
        (review.approvals >= 1, "/review/approvals", "at least one approval is needed"),
        (
            review.approvals_high_risk >= review.approvals.max(FEWEST_FOR_HIGH_RISK),
            "/review/approvals_high_risk",
            "a risky packet needs at least two approvals, and no fewer than an ordinary one",
        ),
        (review.min_evidence >= 1, "/review/min_evidence", "evidence is at least one recorded decision"),
        (review.many_changes_bps <= 10_000, "/review/many_changes_bps", "a share is 0 to 10000 basis points"),
        ((1..=9).contains(&approvals.quorum), "/approvals/quorum", "1 to 9 people approve a call"),
        (
            (SHORTEST..=LONGEST).contains(&approvals.expires_in),
            "/approvals/expires_in",
            "a request waits 60 seconds to 7 days (604800)",
        ),
        (!approvals.approvers.names().is_empty(), "/approvals/approvers", "at least one role has to decide"),
        (gates.min_sample_size >= 1, "/gates/min_sample_size", "a gate needs at least one decision"),
        (gates.min_subjects >= 1, "/gates/min_subjects", "a gate needs at least one subject"),
        (
            watch.min_sample_size <= 100_000,
            "/watch/min_sample_size",
            "automatic rollback waits for at most 100000 decisions, or it would never act",
        ),
        ((1..=24 * 366).contains(&review.approval_hours), "/review/approval_hours", "approvals last 1 hour to a year"),
        ((1..=366).contains(&review.evidence_days), "/review/evidence_days", "evidence goes back 1 to 366 days"),
        (review.high_risk_bps <= 10_000, "/review/high_risk_bps", "risk is 0 to 10000 basis points"),
        (review.guardrails.margin_delta_bps <= 0, "/review/guardrails/margin_delta_bps", "a loss is 0 or less"),
        (review.guardrails.success_delta_bps <= 0, "/review/guardrails/success_delta_bps", "a loss is 0 or less"),
        (
            review.guardrails.approval_load_delta_bps >= 0,
            "/review/guardrails/approval_load_delta_bps",
            "a limit is 0 or more",
        ),
        (
            review.guardrails.hard_violation_delta >= 0,
            "/review/guardrails/hard_violation_delta",
            "a limit is 0 or more",
        ),
        (at_least(0.0, review.limits.cost), "/review/limits/cost", "a limit is 0 or more"),
        (at_least(0.0, review.limits.compute), "/review/limits/compute", "a limit is 0 or more"),
        (at_least(0.0, settings.simulation.cost), "/simulation/cost", "a limit is 0 or more"),
        (at_least(0.0, settings.simulation.compute), "/simulation/compute", "a limit is 0 or more"),
        (
            (1..=1_440).contains(&settings.sign_in.check_minutes),
            "/sign_in/check_minutes",
            "the sign-in provider is asked again within 1 minute to a day (1440 minutes)",
        ),
        (
            settings.sign_in.passwords == Passwords::Everyone || settings.sign_in.break_glass.is_some(),
            "/sign_in/break_glass",
            "name the administrator who can still sign in with a password when the sign-in provider fails",
        ),
        (
            (8..=3_660).contains(&settings.retention.days),
            "/retention/days",
            "decisions stay in the database for 8 to 3660 days",
        ),
        ((1..=100_000).contains(&settings.corpus.0), "/corpus", "a corpus holds 1 to 100000 decisions"),
    ];
    match checks.into_iter().find(|(in_range, _, _)| !in_range) {
        Some((_, pointer, detail)) => Err(Problem::invalid_field(pointer, detail).into()),
        None => Ok(()),
    }
}
