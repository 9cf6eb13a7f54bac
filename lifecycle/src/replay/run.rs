//! Two bundles over many cases, in steps: between them a caller can draw what is counted so far, go on, or stop.

use serde::{Deserialize, Serialize};

use super::{Case, Change, Comparison, Deltas, Limits, simulate::Tally};
use crate::{
    analysis::{SemanticDiff, diff::Outcome},
    bundle::Effect,
    engine::Prepared,
};

/// How many cases went from which outcome to which: rows are outcomes under `a`, columns under `b`, both in the order of
/// [`Transitions::NAMES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Transitions(pub [[usize; 4]; 4]);

impl Transitions {
    /// What rows and columns stand for; an error is counted as such, whatever effect holds for it.
    pub const NAMES: [&'static str; 4] = ["allow", "needs approval", "deny", "error"];

    /// The row or column of an outcome.
    pub const fn index(outcome: Outcome) -> usize {
        match outcome {
            Outcome { error: true, .. } => 3,
            Outcome { effect: Effect::Allow, .. } => 0,
            Outcome { effect: Effect::NeedsApproval, .. } => 1,
            Outcome { effect: Effect::Deny, .. } => 2,
        }
    }

    /// Counts one case.
    pub fn add(&mut self, before: Outcome, after: Outcome) {
        if let Some(cell) = self.0.get_mut(Self::index(before)).and_then(|row| row.get_mut(Self::index(after))) {
            *cell += 1;
        }
    }
}

/// A comparison in progress.
#[derive(Debug, Clone, Default)]
pub struct Run {
    before: Tally,
    after: Tally,
    keep: usize,
    changes: Vec<Change>,
    total_changes: usize,
    /// Cases counted.
    pub done: usize,
    /// From which outcome to which.
    pub transitions: Transitions,
    /// How many cases each rule of `b` decided, by match or by error, by its position in the document.
    pub hits: Vec<usize>,
    /// How many cases fall into each region of the semantic diff.
    pub regions: Vec<usize>,
}

impl Run {
    /// A run that lists at most `keep` changed cases, and counts all.
    pub fn new(keep: usize) -> Self {
        Self { keep, ..Self::default() }
    }

    /// Counts `cases`. With a fresh `diff` of the two bundles, each case that comes out differently is linked to the
    /// region that explains it.
    pub fn step<'c>(
        &mut self,
        a: &Prepared,
        b: &Prepared,
        diff: Option<&SemanticDiff>,
        cases: impl IntoIterator<Item = &'c Case>,
    ) {
        for case in cases {
            let (before, after) = (a.verdict(case.into()), b.verdict(case.into()));
            self.before.add(before.effect, before.status, before.rule.and_then(|rule| rule.budget()));
            self.after.add(after.effect, after.status, after.rule.and_then(|rule| rule.budget()));
            self.done += 1;
            if let Some(rule) = after.rule {
                count(&mut self.hits, rule.position());
            }
            let (was, is) = (Outcome::of(&before), Outcome::of(&after));
            self.transitions.add(was, is);
            if was == is {
                continue;
            }
            let region = diff.and_then(|diff| diff.locate(case.into()));
            if let Some(region) = region {
                count(&mut self.regions, region);
            }
            if was.effect != is.effect {
                self.total_changes += 1;
                if self.changes.len() < self.keep {
                    self.changes.push(Change { region, ..Change::new(case, before, after) });
                }
            }
        }
    }

    /// What was counted, in the shape the API answers. `total_changes` counts changes that are not listed, too.
    pub fn comparison(&self, limits: Limits) -> Comparison {
        let (summary_a, summary_b) = (self.before.summary(limits), self.after.summary(limits));
        let deltas = Deltas::between(&summary_a, &summary_b);
        Comparison { summary_a, summary_b, deltas, changes: self.changes.clone(), total_changes: self.total_changes }
    }
}

fn count(counts: &mut Vec<usize>, at: usize) {
    if counts.len() <= at {
        counts.resize(at + 1, 0);
    }
    if let Some(count) = counts.get_mut(at) {
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        analysis::{Meter, semantic_diff},
        engine::arbitrary,
        replay::simulate,
    };

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn steps_add_up_and_every_change_lies_in_a_region(
            a in arbitrary::bundle(0..6), b in arbitrary::bundle(0..6),
            inputs in prop::collection::vec(arbitrary::input(), 0..40), cut in 0_usize..40,
        ) {
            let cases: Vec<Case> = inputs.iter().enumerate().map(|(at, input)| Case {
                case_id: at.to_string(),
                agent: input.agent.clone(),
                action: input.action.clone(),
                context: input.context.clone(),
                expected_effect: None,
            }).collect();
            let (x, y) = (Prepared::new(&a), Prepared::new(&b));
            let diff = semantic_diff(&a, &b, Meter::default());
            let (first, rest) = cases.split_at(cut.min(cases.len()));
            let mut run = Run::new(3);
            run.step(&x, &y, Some(&diff), first);
            run.step(&x, &y, Some(&diff), rest);
            let whole = run.comparison(Limits::default());

            let alone = simulate(&b, &cases, Limits::default());
            prop_assert_eq!(&whole.summary_b, &alone.summary);
            for rule in b.rules.iter().filter(|rule| rule.enabled) {
                let hits = run.hits.get(rule.position).copied().unwrap_or_default();
                prop_assert_eq!(alone.rule_hits.get(&rule.id).copied(), Some(hits as u64));
            }
            prop_assert_eq!(run.transitions.0.iter().flatten().sum::<usize>(), cases.len());
            let differ: usize = (0..4).map(|row| run.transitions.0[row].iter().sum::<usize>() - run.transitions.0[row][row]).sum();
            // Errors that hold the same effect differ in outcome, too, so regions count at least the flips.
            prop_assert!(run.total_changes <= cases.len() && whole.changes.len() <= 3);
            if diff.complete {
                prop_assert!(whole.changes.iter().all(|change| change.region.is_some()));
                prop_assert!(run.regions.iter().sum::<usize>() >= differ);
            }
        }
    }
}
