//! The gate of the cost: the average, beside the baseline's and an absolute allowance.

use super::{
    evidence::Evidence,
    gate::{Gate, GateName, GateVerdict},
    outlook::{self, Outlook},
};
use crate::{
    confidence::{ALPHA, Interval, MeanSequence},
    format::{rate_and_limit, rate_percent},
    metrics::{GateConfig, TOLERANCE},
    rollout::counts::{CostCounts, StageCounts},
};

/// What to do about too high a cost.
const ADVICE: &str = "Optimize the budget or adjust the threshold.";
/// Traffic that is multiplied by more than this is not waited for.
const MOST_TIMES: u64 = 1 << 20;

pub(super) fn cost_increase(evidence: &Evidence<'_>, config: &GateConfig, full: bool) -> Gate {
    let gate = Gate {
        stable: evidence.metrics.baseline_avg_cost,
        coverage: evidence.counts.map(|counts| counts.canary.costed),
        approximate: evidence.is_approximate(),
        ..evidence.gate(GateName::CostIncrease, config.max_cost_increase)
    };
    if let Some(counts) = evidence.counts.filter(|counts| counts.canary.stats.decisions > 0) {
        if counts.stable.is_none() {
            let what = "There is no stable bundle to compare the cost with.";
            return gate.decided(GateVerdict::Pass, what.to_owned());
        }
        if counts.canary.costs.count == 0 && counts.baseline.count == 0 {
            let what = "Costs are not known of either version, so that there is nothing to compare: nobody reports them, \
                        and no rule that decided has a budget.";
            return gate.decided(GateVerdict::Pass, what.to_owned());
        }
    }
    let known = |cost: Option<f64>| cost.filter(|cost| cost.is_finite() && *cost >= 0.0);
    let allowance = config.cost_allowance;
    let Some(cost) = known(evidence.metrics.avg_cost) else { return unknown_cost(gate, evidence) };
    let Some(baseline) = known(evidence.metrics.baseline_avg_cost) else {
        if cost <= allowance {
            let what = format!("Average cost ${cost:.4} is within the allowance of ${allowance:.4}.");
            return gate.decided(GateVerdict::Pass, what);
        }
        let what = "Cost increase is not known yet: stable has no measured decisions to compare with.";
        return gate.decided(GateVerdict::Hold, what.to_owned());
    };
    let comparison = Comparison::new(cost, baseline, config);
    let sequences = evidence.counts.and_then(Sequences::new);
    let gate = Gate {
        value: comparison.increase(),
        interval: sequences.and_then(|sequences| sequences.increase()),
        approximate: gate.approximate || sequences.is_some_and(|sequences| sequences.cut > 0),
        ..gate
    };
    if !comparison.within() {
        let words = comparison.too_high();
        return if full {
            gate.decided(GateVerdict::Fail, format!("Cost increase too high: {words}. {ADVICE}"))
        } else if sequences.is_some_and(|sequences| sequences.lies_above(config)) {
            let what =
                format!("Cost increase too high: {words}, and {} decisions suffice to say so. {ADVICE}", gate.sample);
            gate.decided(GateVerdict::Fail, what)
        } else {
            gate.held(
                &format!("Cost increase: {words}, but that may be chance: the sample is not full."),
                Outlook::Unknown("See the sample for how long that takes."),
            )
        };
    }
    if let Some(counts) = evidence.counts
        && let Some(stable) = &counts.stable
        && counts.canary.costed.lags(stable.costed)
    {
        let (known, of_stable) = (counts.canary.costed, stable.costed.share().unwrap_or(0.0));
        let what = format!(
            "Cost increase is not known yet: {} of {} costs known, {} of stable's.",
            known.known,
            known.expected,
            rate_percent(of_stable)
        );
        return gate.held(&what, Outlook::Unknown("See that costs of the canary are reported as those of stable are."));
    }
    let what = comparison.within_words();
    if !config.require_confidence || sequences.is_some_and(|sequences| sequences.lies_within(config)) {
        return gate.decided(GateVerdict::Pass, what);
    }
    not_certain(gate, &what, sequences, evidence, config)
}

/// The gate where the canary's cost is not known.
fn unknown_cost(gate: Gate, evidence: &Evidence<'_>) -> Gate {
    let what = "Cost increase is not known yet: no canary decision with a cost was measured in this stage.";
    match evidence.counts {
        Some(counts) if counts.canary.stats.decisions > 0 => gate.held(
            what,
            Outlook::InVain(
                "no cost of the canary is reported, as those of stable are; see that its agents report them".to_owned(),
            ),
        ),
        _ => gate.decided(GateVerdict::Hold, what.to_owned()),
    }
}

/// The gate on hold, because the interval reaches past the limit.
fn not_certain(
    gate: Gate,
    what: &str,
    sequences: Option<Sequences>,
    evidence: &Evidence<'_>,
    config: &GateConfig,
) -> Gate {
    let what = format!("{what} That is not certain yet, and `require_confidence` is on.");
    let Some(sequences) = sequences else {
        let why = match evidence.counts {
            Some(_) => "no rule has a budget, so that costs have no bound to reckon with; set `cost_bound`",
            None => "averages do not say how far costs lie apart; evaluate the stage as it was counted",
        };
        return gate.held(&what, Outlook::InVain(why.to_owned()));
    };
    if sequences.cut > 0 {
        let why = format!("{} costs are above the bound of ${:.4}; raise `cost_bound`", sequences.cut, sequences.bound);
        return gate.held(&what, Outlook::InVain(why));
    }
    let mut times = 2;
    while times <= MOST_TIMES && !sequences.lies_within_after(times, config) {
        times *= 2;
    }
    if times > MOST_TIMES {
        return gate.held(&what, Outlook::InVain("the increase is too close to its limit for certainty".to_owned()));
    }
    let more = evidence.sample().saturating_mul(times - 1);
    gate.held(&what, outlook::of_decisions(evidence, more.max(1), "Wait for more traffic."))
}

/// The average costs beside each other.
struct Comparison {
    cost: f64,
    baseline: f64,
    limit: f64,
    allowance: f64,
}

impl Comparison {
    fn new(cost: f64, baseline: f64, config: &GateConfig) -> Self {
        Self { cost, baseline, limit: config.max_cost_increase, allowance: config.cost_allowance }
    }

    /// The relative increase; none over a baseline of nothing, unless nothing is spent.
    fn increase(&self) -> Option<f64> {
        match self.baseline > 0.0 {
            true => Some((self.cost - self.baseline) / self.baseline),
            false if self.cost == 0.0 => Some(0.0),
            false => None,
        }
    }

    fn within(&self) -> bool {
        let charged = (self.cost - self.allowance).max(0.0);
        if self.baseline > 0.0 {
            (charged - self.baseline) / self.baseline <= self.limit + TOLERANCE
        } else {
            charged <= TOLERANCE * self.allowance
        }
    }

    fn too_high(&self) -> String {
        let allowed = if self.allowance > 0.0 { format!(" and ${:.4}", self.allowance) } else { String::new() };
        match self.increase() {
            Some(increase) => {
                let (shown, limit) = rate_and_limit(increase, self.limit);
                format!("{shown} exceeds {limit}{allowed}")
            }
            None if self.allowance > 0.0 => format!(
                "${:.4} a decision where stable spends nothing exceeds the allowance of ${:.4}",
                self.cost, self.allowance
            ),
            None => format!("${:.4} a decision where stable spends nothing and no `cost_allowance` is set", self.cost),
        }
    }

    fn within_words(&self) -> String {
        match self.increase() {
            Some(increase) if increase <= self.limit + TOLERANCE => {
                format!("Cost increase {} is within {}.", rate_percent(increase), rate_percent(self.limit))
            }
            Some(increase) => format!(
                "Cost increase {} is within {} and the allowance of ${:.4} a decision.",
                rate_percent(increase),
                rate_percent(self.limit),
                self.allowance
            ),
            None => format!("Average cost ${:.4} is within the allowance of ${:.4}.", self.cost, self.allowance),
        }
    }
}

/// The confidence sequences of both averages. Each takes half of the chance of an error.
#[derive(Clone, Copy)]
struct Sequences {
    canary: MeanSequence,
    baseline: MeanSequence,
    scale: (CostCounts, CostCounts),
    bound: f64,
    /// How many costs were cut at the bound: averages of cut costs are lower than those of all.
    cut: u64,
    baseline_cut: u64,
}

impl Sequences {
    fn new(counts: &StageCounts) -> Option<Self> {
        Self::of(&counts.canary.costs, &counts.baseline, counts.cost_bound?)
    }

    fn of(canary: &CostCounts, baseline: &CostCounts, bound: f64) -> Option<Self> {
        let sequence =
            |costs: &CostCounts| MeanSequence::new(costs.count, costs.cut_sum, costs.cut_sum_of_squares, bound);
        Some(Self {
            canary: sequence(canary)?,
            baseline: sequence(baseline)?,
            scale: (*canary, *baseline),
            bound,
            cut: canary.cut + baseline.cut,
            baseline_cut: baseline.cut,
        })
    }

    fn intervals(&self) -> (Interval, Interval) {
        (self.canary.interval(ALPHA / 2.0), self.baseline.interval(ALPHA / 2.0))
    }

    /// The interval of the relative increase; none where the baseline may be nothing.
    fn increase(&self) -> Option<Interval> {
        let (canary, baseline) = self.intervals();
        (baseline.lower > 0.0).then(|| Interval {
            lower: canary.lower / baseline.upper - 1.0,
            upper: canary.upper / baseline.lower - 1.0,
        })
    }

    /// Whether the increase is past its limit for certain. Cutting makes the canary's average lower, which is no harm here.
    fn lies_above(&self, config: &GateConfig) -> bool {
        let (canary, baseline) = self.intervals();
        self.baseline_cut == 0
            && canary.lower > baseline.upper * (1.0 + config.max_cost_increase) + config.cost_allowance
    }

    fn lies_within(&self, config: &GateConfig) -> bool {
        let (canary, baseline) = self.intervals();
        self.cut == 0 && canary.upper <= baseline.lower * (1.0 + config.max_cost_increase) + config.cost_allowance
    }

    /// Whether the same would be certain after `times` as many decisions like these.
    fn lies_within_after(&self, times: u64, config: &GateConfig) -> bool {
        let more = |costs: &CostCounts| CostCounts {
            count: costs.count.saturating_mul(times),
            sum: costs.sum * times as f64,
            cut_sum: costs.cut_sum * times as f64,
            cut_sum_of_squares: costs.cut_sum_of_squares * times as f64,
            cut: costs.cut,
        };
        let (canary, baseline) = &self.scale;
        Self::of(&more(canary), &more(baseline), self.bound).is_some_and(|later| later.lies_within(config))
    }
}
