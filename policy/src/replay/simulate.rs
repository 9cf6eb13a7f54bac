//! Running cases against one bundle.

use std::collections::BTreeMap;

use super::{Case, CaseResult, Limits, Simulation, Summary, case::Breach};
use crate::{
    bundle::{Budget, Bundle, Effect},
    engine::{Prepared, Status},
};

/// Maximum number of examples that a simulation shows.
pub const MAX_EXAMPLES: usize = 12;

/// The results of `cases` under `bundle`.
pub fn simulate(bundle: &Bundle, cases: &[Case], limits: Limits) -> Simulation {
    simulate_prepared(&Prepared::new(bundle), cases, limits)
}

/// [`simulate`] for a prepared bundle.
pub fn simulate_prepared(prepared: &Prepared, cases: &[Case], limits: Limits) -> Simulation {
    let mut tally = Tally::default();
    let mut rule_hits: BTreeMap<String, u64> = prepared.rules().map(|rule| (rule.id().to_owned(), 0)).collect();
    let mut results = Vec::with_capacity(cases.len());
    for case in cases {
        let answer = prepared.answer(case.into());
        tally.add(answer.effect, answer.status, answer.budget);
        if let Some(hits) = answer.matched_rule.as_ref().and_then(|rule| rule_hits.get_mut(rule)) {
            *hits += 1;
        }
        results.push(CaseResult {
            case_id: case.case_id.clone(),
            matched_rule: answer.matched_rule,
            effect: answer.effect,
            status: answer.status,
            reason: answer.reason,
            budget: answer.budget,
            expected_effect: case.expected_effect,
            passed: case.expected_effect.map(|expected| expected == answer.effect),
        });
    }
    let examples = examples(&results);
    Simulation { summary: tally.summary(limits), results, examples, rule_hits, skipped_rules: Vec::new() }
}

/// Counts of a run in progress.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    effects: [usize; 3],
    no_match: usize,
    errors: usize,
    cost: f64,
    compute: f64,
}

impl Tally {
    /// Counts one answer. A budget counts only where a matched rule holds the action for approval.
    pub fn add(&mut self, effect: Effect, status: Status, budget: Option<Budget>) {
        let [deny, approval, allow] = &mut self.effects;
        *match effect {
            Effect::Deny => deny,
            Effect::NeedsApproval => approval,
            Effect::Allow => allow,
        } += 1;
        match status {
            Status::Matched => {}
            Status::NoMatch => self.no_match += 1,
            Status::Error => self.errors += 1,
        }
        if let (Effect::NeedsApproval, Status::Matched, Some(budget)) = (effect, status, budget) {
            self.cost += budget.cost.unwrap_or(0.0);
            self.compute += budget.compute.unwrap_or(0.0);
        }
    }

    /// The counts as a summary with rates and the exceeded limits.
    pub fn summary(&self, limits: Limits) -> Summary {
        let [deny_count, approval_count, allow_count] = self.effects;
        let total_cases = deny_count + approval_count + allow_count;
        let rate = |count: usize| ratio(count, total_cases);
        let breach = |kind: &str, value: f64, limit: f64| {
            (value > limit).then(|| Breach { kind: kind.to_owned(), value, limit })
        };
        Summary {
            total_cases,
            allow_count,
            deny_count,
            approval_count,
            no_match_count: self.no_match,
            error_count: self.errors,
            allow_rate: rate(allow_count),
            deny_rate: rate(deny_count),
            approval_rate: rate(approval_count),
            no_match_rate: rate(self.no_match),
            error_rate: rate(self.errors),
            estimated_cost: self.cost,
            estimated_compute: self.compute,
            breaches: [breach("cost", self.cost, limits.cost), breach("compute", self.compute, limits.compute)]
                .into_iter()
                .flatten()
                .collect(),
        }
    }
}

/// `part / whole`; 0 when `whole` is 0. Counts of cases stay far below 2^53, so the casts are exact.
pub fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Failed expectations first, then errors, then one result per rule and one without a match.
fn examples(results: &[CaseResult]) -> Vec<CaseResult> {
    let mut chosen: Vec<usize> = Vec::new();
    let indexed = || results.iter().enumerate();
    chosen.extend(indexed().filter(|(_, result)| result.passed == Some(false)).map(|(at, _)| at).take(MAX_EXAMPLES));
    chosen.extend(
        indexed()
            .filter(|(_, result)| result.status == Status::Error && result.passed != Some(false))
            .map(|(at, _)| at)
            .take(MAX_EXAMPLES / 3),
    );
    let mut seen = std::collections::BTreeSet::new();
    for (at, result) in indexed() {
        if chosen.len() >= MAX_EXAMPLES {
            break;
        }
        if seen.insert((result.status != Status::Error, result.matched_rule.as_deref())) && !chosen.contains(&at) {
            chosen.push(at);
        }
    }
    chosen.truncate(MAX_EXAMPLES);
    chosen.into_iter().filter_map(|at| results.get(at).cloned()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;
    use crate::engine::{arbitrary, oracle};

    fn cases(inputs: Vec<crate::engine::Input>) -> Vec<Case> {
        inputs
            .into_iter()
            .enumerate()
            .map(|(at, input)| Case {
                case_id: format!("case-{at}"),
                agent: input.agent,
                action: input.action,
                context: input.context,
                expected_effect: (at % 3 == 0).then_some(Effect::Allow),
            })
            .collect()
    }

    #[test]
    fn an_empty_run_has_rates_of_zero() {
        let bundle = Bundle { rules: vec![], default_effect: Effect::Deny, on_error: Effect::Deny, schema: None };
        let summary = simulate(&bundle, &[], Limits::default()).summary;
        assert_eq!((summary.total_cases, summary.deny_rate), (0, 0.0));
        let case: Case = serde_json::from_value(json!({"case_id": "1", "agent": "a", "action": "b"})).unwrap();
        assert_eq!(case.context, Map::new());
        assert_eq!(simulate(&bundle, &[case], Limits::default()).summary.no_match_rate, 1.0);
    }

    #[test]
    fn a_limit_is_breached_only_beyond_it() {
        let mut tally = Tally::default();
        let budget = Some(Budget { cost: Some(500.0), compute: Some(50.5), risk: None });
        tally.add(Effect::NeedsApproval, Status::Matched, budget);
        tally.add(Effect::NeedsApproval, Status::Matched, budget);
        tally.add(Effect::Allow, Status::Matched, budget);
        tally.add(Effect::NeedsApproval, Status::Error, budget);
        let summary = tally.summary(Limits::default());
        assert_eq!((summary.estimated_cost, summary.estimated_compute), (1000.0, 101.0));
        assert_eq!(summary.breaches.iter().map(|breach| breach.kind.as_str()).collect::<Vec<_>>(), ["compute"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn counts_are_the_sum_of_the_answers(
            bundle in arbitrary::bundle(0..8), inputs in prop::collection::vec(arbitrary::input(), 0..40),
        ) {
            let verdicts: Vec<oracle::Verdict> = inputs.iter().map(|input| oracle::decide(&bundle, input)).collect();
            let cases = cases(inputs);
            let run = simulate(&bundle, &cases, Limits::default());
            let count = |wanted: Effect| verdicts.iter().filter(|(effect, ..)| *effect == wanted).count();
            prop_assert_eq!(run.summary.total_cases, cases.len());
            prop_assert_eq!(run.summary.allow_count, count(Effect::Allow));
            prop_assert_eq!(run.summary.deny_count, count(Effect::Deny));
            prop_assert_eq!(run.summary.approval_count, count(Effect::NeedsApproval));
            for (result, verdict) in run.results.iter().zip(&verdicts) {
                prop_assert_eq!(&(result.effect, result.status, result.matched_rule.clone()), verdict);
                prop_assert_eq!(result.passed, result.expected_effect.map(|wanted| wanted == result.effect));
            }
            let hits: u64 = run.rule_hits.values().sum();
            prop_assert_eq!(usize::try_from(hits).unwrap(), verdicts.iter().filter(|(.., rule)| rule.is_some()).count());
            let failed = run.results.iter().filter(|result| result.passed == Some(false)).count();
            prop_assert!(run.examples.iter().take(failed.min(MAX_EXAMPLES)).all(|result| result.passed == Some(false)));
            prop_assert!(run.examples.len() <= MAX_EXAMPLES);
        }
    }
}
