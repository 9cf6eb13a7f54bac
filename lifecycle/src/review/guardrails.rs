//! Guardrails of a packet: limits on the projected KPIs. A packet with a failed guardrail cannot be approved.

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// The value is past the limit: the packet cannot be approved.
    Fail,
    /// No recorded outcome gives a value.
    NoData,
    /// Too few recorded decisions, or no base, to draw a conclusion; this alone makes the packet high risk.
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

/// Compares `kpis` with `limits`. Shares of too few decisions are not conclusive, but a hard violation fails however
/// few decisions there are.
pub(super) fn guardrails(kpis: &ProjectedKpis, limits: &GuardrailLimits, conclusive: bool) -> Vec<Guardrail> {
    let guardrail = |name: GuardrailName, value: Option<i64>, limit: i64, fails: bool, conclusive: bool| Guardrail {
        name,
        value,
        limit,
        verdict: match value {
            None => GuardrailVerdict::NoData,
            Some(_) if !conclusive => GuardrailVerdict::InsufficientEvidence,
            Some(_) if fails => GuardrailVerdict::Fail,
            Some(_) => GuardrailVerdict::Pass,
        },
    };
    let below = |value: Option<i64>, limit: i64| value.is_some_and(|value| value < limit);
    vec![
        guardrail(
            GuardrailName::MarginDelta,
            kpis.margin_delta_bps,
            limits.margin_delta_bps,
            below(kpis.margin_delta_bps, limits.margin_delta_bps),
            conclusive,
        ),
        guardrail(
            GuardrailName::SuccessDelta,
            kpis.success_delta_bps,
            limits.success_delta_bps,
            below(kpis.success_delta_bps, limits.success_delta_bps),
            conclusive,
        ),
        guardrail(
            GuardrailName::ApprovalLoadDelta,
            Some(kpis.approval_load_delta_bps),
            limits.approval_load_delta_bps,
            kpis.approval_load_delta_bps > limits.approval_load_delta_bps,
            conclusive,
        ),
        guardrail(
            GuardrailName::HardViolationDelta,
            Some(kpis.hard_violation_delta),
            limits.hard_violation_delta,
            kpis.hard_violation_delta > limits.hard_violation_delta,
            conclusive || kpis.hard_violation_delta > limits.hard_violation_delta,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(kpis: &ProjectedKpis, conclusive: bool) -> Vec<GuardrailVerdict> {
        guardrails(kpis, &GuardrailLimits::default(), conclusive)
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
            ..ProjectedKpis::default()
        };
        assert_eq!(verdicts(&at, true), [Pass; 4]);
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
