//! Comparing two bundles over the same cases.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Case, Limits, Summary, simulate::Tally};
use crate::{
    bundle::{Bundle, Effect},
    engine::{Prepared, Verdict},
};

/// One case that the two bundles answer differently.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The case.
    pub case_id: String,
    /// Effect under `a`.
    pub before: Effect,
    /// Effect under `b`.
    pub after: Effect,
    /// Deciding rule under `a`.
    pub before_rule: Option<String>,
    /// Deciding rule under `b`.
    pub after_rule: Option<String>,
    /// The region of the semantic diff that explains the change, once the diff is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<usize>,
    /// The agent.
    pub agent: String,
    /// The action.
    pub action: String,
    /// The facts.
    pub context: Map<String, Value>,
}

/// `b − a`, member by member.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Deltas {
    /// Change of the allow rate.
    pub allow_rate: f64,
    /// Change of the deny rate.
    pub deny_rate: f64,
    /// Change of the approval rate.
    pub approval_rate: f64,
    /// Change of the no-match rate.
    pub no_match_rate: f64,
    /// Change of the error rate.
    pub error_rate: f64,
    /// Change of the estimated cost, in USD.
    pub estimated_cost: f64,
    /// Change of the estimated compute, in units.
    pub estimated_compute: f64,
}

/// The result of a comparison, as the API answers it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Comparison {
    /// The answers of `a`.
    pub summary_a: Summary,
    /// The answers of `b`.
    pub summary_b: Summary,
    /// `b − a`.
    pub deltas: Deltas,
    /// The cases whose effect differs, in the order of the cases.
    pub changes: Vec<Change>,
    /// The number of cases whose effect differs.
    pub total_changes: usize,
}

impl Deltas {
    /// `after − before`, member by member.
    pub fn between(before: &Summary, after: &Summary) -> Self {
        Self {
            allow_rate: after.allow_rate - before.allow_rate,
            deny_rate: after.deny_rate - before.deny_rate,
            approval_rate: after.approval_rate - before.approval_rate,
            no_match_rate: after.no_match_rate - before.no_match_rate,
            error_rate: after.error_rate - before.error_rate,
            estimated_cost: after.estimated_cost - before.estimated_cost,
            estimated_compute: after.estimated_compute - before.estimated_compute,
        }
    }
}

/// The differences of `b` from `a` over `cases`: every case whose effect differs.
pub fn compare(a: &Bundle, b: &Bundle, cases: &[Case], limits: Limits) -> Comparison {
    compare_prepared(&Prepared::new(a), &Prepared::new(b), cases, limits)
}

/// [`compare`] for prepared bundles.
pub fn compare_prepared(a: &Prepared, b: &Prepared, cases: &[Case], limits: Limits) -> Comparison {
    let (mut tally_a, mut tally_b) = (Tally::default(), Tally::default());
    let mut changes = Vec::new();
    for case in cases {
        let (before, after) = (a.verdict(case.into()), b.verdict(case.into()));
        tally_a.add(before.effect, before.status, before.rule.and_then(|rule| rule.budget()));
        tally_b.add(after.effect, after.status, after.rule.and_then(|rule| rule.budget()));
        if before.effect != after.effect {
            changes.push(Change::new(case, before, after));
        }
    }
    let (summary_a, summary_b) = (tally_a.summary(limits), tally_b.summary(limits));
    let deltas = Deltas::between(&summary_a, &summary_b);
    Comparison { summary_a, summary_b, deltas, total_changes: changes.len(), changes }
}

impl Change {
    /// The change of `case`.
    pub fn new(case: &Case, before: Verdict<'_>, after: Verdict<'_>) -> Self {
        Self {
            case_id: case.case_id.clone(),
            before: before.effect,
            after: after.effect,
            before_rule: before.rule.map(|rule| rule.id().to_owned()),
            after_rule: after.rule.map(|rule| rule.id().to_owned()),
            region: None,
            agent: case.agent.clone(),
            action: case.action.clone(),
            context: case.context.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        engine::{arbitrary, oracle},
        replay::simulate,
    };

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn a_comparison_is_two_simulations_side_by_side(
            a in arbitrary::bundle(0..6), b in arbitrary::bundle(0..6),
            inputs in prop::collection::vec(arbitrary::input(), 0..30),
        ) {
            let cases: Vec<Case> = inputs.iter().enumerate().map(|(at, input)| Case {
                case_id: at.to_string(),
                agent: input.agent.clone(),
                action: input.action.clone(),
                context: input.context.clone(),
                expected_effect: None,
            }).collect();
            let compared = compare(&a, &b, &cases, Limits::default());
            prop_assert_eq!(&compared.summary_a, &simulate(&a, &cases, Limits::default()).summary);
            prop_assert_eq!(&compared.summary_b, &simulate(&b, &cases, Limits::default()).summary);
            let expected: Vec<String> = inputs.iter().enumerate()
                .filter(|(_, input)| oracle::decide(&a, input).0 != oracle::decide(&b, input).0)
                .map(|(at, _)| at.to_string())
                .collect();
            prop_assert_eq!(compared.changes.iter().map(|change| change.case_id.clone()).collect::<Vec<_>>(), expected);
            prop_assert_eq!(compare(&a, &a, &cases, Limits::default()).total_changes, 0);
        }
    }
}
