//! The gates of errors and denials.

use super::{
    evidence::Evidence,
    gate::{Gate, GateName, GateVerdict},
    outlook::{self, Outlook},
};
use crate::{
    confidence::{RateSequence, rate::decisions_needed},
    format::{rate_and_limit, rate_percent},
    metrics::{GateConfig, TOLERANCE},
    rollout::counts::{Coverage, PairCounts, StageCounts},
};

/// Errors, with the coverage of outcomes.
pub(super) fn error_rate(evidence: &Evidence<'_>, config: &GateConfig, full: bool) -> Gate {
    let rate = Rate {
        name: GateName::ErrorRate,
        what: "Error rate",
        advice: "Investigate the errors and fix them in a new version.",
        value: evidence.metrics.error_rate,
        limit: config.max_error_rate,
        require_confidence: config.require_confidence,
    };
    let stable = evidence.counts.and_then(|counts| counts.stable.as_ref());
    let coverage = evidence.counts.map(|counts| counts.canary.outcomes);
    let mut gate = rate.evaluate(evidence, full);
    gate.stable = stable.and_then(|stable| stable.stats.share(stable.stats.errors));
    gate.coverage = coverage;
    if gate.verdict == GateVerdict::Fail {
        return gate;
    }
    match (coverage, stable.map(|stable| stable.outcomes)) {
        (Some(known), Some(of_stable)) if known.lags(of_stable) => lagging(gate, known, of_stable),
        (Some(known), _) if gate.verdict == GateVerdict::Pass && known.expected > 0 => {
            gate.message = format!("{} {}", gate.message, coverage_words(known));
            gate
        }
        _ => gate,
    }
}

/// Denials, held against what stable answers to the same requests.
pub(super) fn deny_rate(evidence: &Evidence<'_>, config: &GateConfig, full: bool) -> Gate {
    let rate = Rate {
        name: GateName::DenyRate,
        what: "Deny rate",
        advice: "Review overly restrictive rules.",
        value: evidence.metrics.deny_rate,
        limit: config.max_deny_rate,
        require_confidence: config.require_confidence,
    };
    let mut gate = rate.evaluate(evidence, full);
    let Some(counts) = evidence.counts else { return gate };
    gate.stable = stable_denies(counts);
    let pairs = &counts.pairs;
    let past = gate.value.filter(|value| *value > config.max_deny_rate + TOLERANCE);
    match past {
        Some(value) if config.deny_like_stable && denies_no_more(counts) => {
            gate.wait_seconds = None;
            gate.waiting_will_not_help = None;
            let what = format!(
                "Deny rate {} is above {}, but stable denies {} of the same {} requests: the canary denies no more.",
                rate_percent(value),
                rate_percent(config.max_deny_rate),
                rate_percent(share(pairs.stable_deny, pairs)),
                pairs.compared
            );
            gate.decided(GateVerdict::Pass, what)
        }
        Some(_) if pairs.compared > 0 => {
            gate.message = format!(
                "{} Stable denies {} of the same requests.",
                gate.message,
                rate_percent(share(pairs.stable_deny, pairs))
            );
            gate
        }
        _ => gate,
    }
}

/// Whether the canary denies no more than stable does of the same requests. What stable did not answer as well counts
/// against the canary.
fn denies_no_more(counts: &StageCounts) -> bool {
    counts.pairs.compared > 0 && counts.canary.stats.deny <= counts.pairs.stable_deny
}

/// Stable's deny rate on the same requests, or else on its own.
fn stable_denies(counts: &StageCounts) -> Option<f64> {
    if counts.pairs.compared > 0 {
        return Some(share(counts.pairs.stable_deny, &counts.pairs));
    }
    let stats = &counts.stable.as_ref()?.stats;
    stats.share(stats.deny)
}

fn share(part: u64, pairs: &PairCounts) -> f64 {
    part as f64 / pairs.compared.max(1) as f64
}

fn coverage_words(coverage: Coverage) -> String {
    if coverage.known == 0 {
        format!("None of {} outcomes is known: errors of the evaluation only.", coverage.expected)
    } else {
        format!("{} of {} outcomes known.", coverage.known, coverage.expected)
    }
}

/// The gate on hold, because too few of the canary's outcomes are known.
fn lagging(mut gate: Gate, known: Coverage, of_stable: Coverage) -> Gate {
    let of_stable = rate_percent(of_stable.share().unwrap_or(0.0));
    let what = format!(
        "Error rate is not known yet: {} of {} outcomes known, {of_stable} of stable's.",
        known.known, known.expected
    );
    let outlook = if known.known == 0 {
        Outlook::InVain("no outcome of the canary is reported; see that its agents report them".to_owned())
    } else {
        Outlook::Unknown("See that outcomes of the canary are reported as those of stable are.")
    };
    gate.wait_seconds = None;
    gate.waiting_will_not_help = None;
    gate.held(&what, outlook)
}

/// A rate with its limit.
struct Rate {
    name: GateName,
    what: &'static str,
    advice: &'static str,
    value: Option<f64>,
    limit: f64,
    require_confidence: bool,
}

impl Rate {
    fn evaluate(&self, evidence: &Evidence<'_>, full: bool) -> Gate {
        let what = self.what;
        let gate = evidence.gate(self.name, self.limit);
        let sample = evidence.sample();
        let Some(value) = self.value.filter(|value| (0.0..=1.0).contains(value)) else {
            let unknown = format!("{what} is not known yet: no decisions were measured in this stage.");
            return gate.decided(GateVerdict::Hold, unknown);
        };
        let total = sample as f64;
        let sequence = RateSequence::new(value * total, total);
        let gate = Gate {
            value: Some(value),
            interval: sequence.map(|sequence| sequence.interval()),
            approximate: evidence.is_approximate(),
            ..gate
        };
        let (shown, limit) = rate_and_limit(value, self.limit);
        if value > self.limit + TOLERANCE {
            let certain = sequence.is_some_and(|sequence| sequence.lies_above(self.limit));
            return if full {
                gate.decided(GateVerdict::Fail, format!("{what} too high: {shown} exceeds {limit}. {}", self.advice))
            } else if certain {
                let least = rate_percent(gate.interval.map_or(value, |interval| interval.lower));
                let after = if sample == 1 { "decision" } else { "decisions" };
                let what = format!(
                    "{what} too high: {shown} exceeds {limit}, and {sample} {after} suffice to say so (at least {least}). {}",
                    self.advice
                );
                gate.decided(GateVerdict::Fail, what)
            } else {
                gate.held(
                    &format!("{what} {shown} exceeds {limit}, but that may be chance: the sample is not full."),
                    Outlook::Unknown("See the sample for how long that takes."),
                )
            };
        }
        let certain = sequence.is_some_and(|sequence| sequence.lies_within(self.limit));
        if !self.require_confidence || certain {
            return gate.decided(GateVerdict::Pass, format!("{what} {shown} is within {limit}."));
        }
        let most = gate.interval.map_or(1.0, |interval| interval.upper);
        let outlook = match decisions_needed(value, self.limit) {
            Some(needed) => {
                outlook::of_decisions(evidence, needed.saturating_sub(sample).max(1), "Wait for more traffic.")
            }
            None => Outlook::InVain(format!("a rate of {shown} is too close to {limit} for certainty")),
        };
        let what = format!(
            "{what} {shown} is within {limit}, but not for certain: it may be up to {}, and `require_confidence` is on.",
            rate_percent(most)
        );
        gate.held(&what, outlook)
    }
}
