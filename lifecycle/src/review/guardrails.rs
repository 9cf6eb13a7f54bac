//! Guardrails of a packet: limits on the projected KPIs. A packet with a failed guardrail cannot be approved, unless a
//! safety owner and a runtime owner have signed an exception.

use serde::{Deserialize, Serialize};

use super::ProjectedKpis;

/// The limits. A value equal to its limit passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuardrailLimits {
    /// The lowest permitted change of the margin, in basis points (not positive).
    pub margin_delta_bps: i64,
    /// The lowest permitted change of the success rate, in basis points (not positive).
    pub success_delta_bps: i64,
    /// The highest permitted rise of the share of decisions that wait for approval, in basis points.
    pub approval_load_delta_bps: i64,
    /// How many more decisions may be allowed against a guardrail rule or an invariant.
    pub hard_violation_delta: i64,
}

impl Default for GuardrailLimits {
    fn default() -> Self {
        Self { margin_delta_bps: -50, success_delta_bps: -25, approval_load_delta_bps: 400, hard_violation_delta: 0 }
    }
}

/// The name of a guardrail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum GuardrailName {
    /// Change of the mean margin.
    MarginDelta,
    /// Change of the success rate.
    SuccessDelta,
    /// Change of the approval load.
    ApprovalLoadDelta,
    /// Change of the number of hard violations.
    HardViolationDelta,
}

impl GuardrailName {
    /// All of them, in the order of a packet.
    pub const ALL: [Self; 4] =
        [Self::MarginDelta, Self::SuccessDelta, Self::ApprovalLoadDelta, Self::HardViolationDelta];

    /// The name used in JSON and SQL.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The name in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::MarginDelta => "projected margin",
            Self::SuccessDelta => "projected success rate",
            Self::ApprovalLoadDelta => "approval load",
            Self::HardViolationDelta => "hard violations",
        }
    }

    /// The unit of the value and the limit.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::HardViolationDelta => "decisions",
            _ => "bps",
        }
    }
}

/// The result of a guardrail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardrailVerdict {
    /// The value is within the limit.
    Pass,
    /// The value is past the limit: the packet cannot be approved without an exception.
    Fail,
    /// No recorded outcome gives a value.
    NoData,
    /// The data is not enough to draw a conclusion: too few recorded decisions or outcomes, another corpus than the
    /// settings name, newly allowed decisions of which nothing is known, or no base.
    InsufficientEvidence,
}

/// One guardrail, measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guardrail {
    /// The guardrail's name.
    pub name: GuardrailName,
    /// The projected change; `None` without outcomes.
    pub value: Option<i64>,
    /// The limit.
    pub limit: i64,
    /// The result.
    pub verdict: GuardrailVerdict,
}

impl Guardrail {
    /// The guardrail in words: `projected margin −73 bps, limit −50 bps`.
    pub fn words(&self) -> String {
        let unit = self.name.unit();
        let value = self.value.map_or_else(|| "not known".to_owned(), |value| format!("{value:+} {unit}"));
        format!("{} {value}, limit {:+} {unit}", self.name.words(), self.limit)
    }
}

/// What the replayed decisions are enough to conclude from. Nothing passes on data that is not there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conclusive {
    /// Enough recorded decisions of the right corpus, and a base to compare with.
    pub decisions: bool,
    /// Enough of them with a margin, and none newly allowed of which nothing is known.
    pub margin: bool,
    /// Enough of them with an outcome, and none newly allowed of which nothing is known.
    pub success: bool,
}

impl Conclusive {
    /// `decisions` says whether the corpus is enough; `least` is how many decisions that takes.
    pub fn of(kpis: &ProjectedKpis, decisions: bool, least: usize) -> Self {
        let enough = |count: u64| decisions && kpis.unknown == 0 && count >= least as u64;
        Self { decisions, margin: enough(kpis.known_margins), success: enough(kpis.recorded_outcomes) }
    }
}

/// Compares `kpis` with `limits`. Shares of too few decisions are not conclusive, and a value within its limit passes
/// only on enough data; but a hard violation fails however few decisions there are.
pub(super) fn guardrails(kpis: &ProjectedKpis, limits: &GuardrailLimits, conclusive: Conclusive) -> Vec<Guardrail> {
    let verdict = |value: Option<i64>, fails: bool, enough: bool| match value {
        None => GuardrailVerdict::NoData,
        Some(_) if !conclusive.decisions => GuardrailVerdict::InsufficientEvidence,
        Some(_) if fails => GuardrailVerdict::Fail,
        Some(_) if !enough => GuardrailVerdict::InsufficientEvidence,
        Some(_) => GuardrailVerdict::Pass,
    };
    let at_least = |name: GuardrailName, value: Option<i64>, limit: i64, enough: bool| Guardrail {
        name,
        value,
        limit,
        verdict: verdict(value, value.is_some_and(|value| value < limit), enough),
    };
    let approval_load = kpis.approval_load_delta_bps;
    let violations = kpis.hard_violation_delta;
    let violated = violations > limits.hard_violation_delta;
    vec![
        at_least(GuardrailName::MarginDelta, kpis.margin_delta_bps, limits.margin_delta_bps, conclusive.margin),
        at_least(GuardrailName::SuccessDelta, kpis.success_delta_bps, limits.success_delta_bps, conclusive.success),
        Guardrail {
            name: GuardrailName::ApprovalLoadDelta,
            value: Some(approval_load),
            limit: limits.approval_load_delta_bps,
            verdict: verdict(Some(approval_load), approval_load > limits.approval_load_delta_bps, true),
        },
        Guardrail {
            name: GuardrailName::HardViolationDelta,
            value: Some(violations),
            limit: limits.hard_violation_delta,
            verdict: if violated { GuardrailVerdict::Fail } else { verdict(Some(violations), false, true) },
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(kpis: &ProjectedKpis, conclusive: bool) -> Vec<GuardrailVerdict> {
        guardrails(kpis, &GuardrailLimits::default(), Conclusive::of(kpis, conclusive, 100))
            .into_iter()
            .map(|guardrail| guardrail.verdict)
            .collect()
    }

    #[test]
    fn a_value_equal_to_its_limit_passes_and_one_beyond_fails() {
        use GuardrailVerdict::{Fail, InsufficientEvidence, NoData, Pass};
        let at = ProjectedKpis {
            margin_delta_bps: Some(-50),
            success_delta_bps: Some(-25),
            approval_load_delta_bps: 400,
            hard_violation_delta: 0,
            recorded_outcomes: 100,
            known_margins: 100,
            ..ProjectedKpis::default()
        };
        assert_eq!(verdicts(&at, true), [Pass; 4]);
        // Nothing passes on data that is not there.
        let thin = ProjectedKpis { recorded_outcomes: 99, known_margins: 99, ..at.clone() };
        assert_eq!(verdicts(&thin, true), [InsufficientEvidence, InsufficientEvidence, Pass, Pass]);
        let unknown = ProjectedKpis { unknown: 1, ..at.clone() };
        assert_eq!(verdicts(&unknown, true), [InsufficientEvidence, InsufficientEvidence, Pass, Pass]);
        assert_eq!(verdicts(&at, false), [InsufficientEvidence; 4]);
        let beyond = ProjectedKpis {
            margin_delta_bps: Some(-51),
            success_delta_bps: Some(-26),
            approval_load_delta_bps: 401,
            hard_violation_delta: 1,
            ..ProjectedKpis::default()
        };
        assert_eq!(verdicts(&beyond, true), [Fail; 4]);
        let few = [InsufficientEvidence, InsufficientEvidence, InsufficientEvidence, Fail];
        assert_eq!(verdicts(&beyond, false), few);
        assert_eq!(verdicts(&ProjectedKpis::default(), true), [NoData, NoData, Pass, Pass]);
    }
}
