//! Threshold sweep: the outcomes of the cases for every value that one threshold of one rule could have.
//!
//! The threshold affects a case only through the case's own value of the field: one answer applies while that value
//! passes the condition, and another while it fails. So two evaluations settle a case for all thresholds at once, and
//! the curve is exact.

mod bytes;

use std::sync::Arc;

use serde_json::Value;

use super::{
    Case, Transitions,
    columns::{Replay, Replayed, View},
    corpus::Columnar,
};
use crate::{
    analysis::diff::Outcome,
    bundle::{Bundle, Condition, Test},
    engine::{Fact, Prepared, Question, Verdict, condition},
};

/// Cases by outcome, in the order of [`Transitions::NAMES`].
pub type Counts = [usize; 4];

/// The four comparisons with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    AtLeast,
    Above,
    AtMost,
    Below,
}

/// A sweep in progress: add cases, then call [`Sweep::curve`].
#[derive(Debug, Clone)]
pub struct Sweep {
    /// The bundle without the condition, which gives the answer while the value passes.
    passing: Arc<Prepared>,
    /// The bundle without the rule, which gives the answer while the value fails.
    failing: Arc<Prepared>,
    /// The bundle as it is, for cases whose value is not a number.
    as_is: Arc<Prepared>,
    field: String,
    side: Side,
    /// The threshold as it is written.
    pub now: f64,
    // INVARIANT: outcomes as indices into `Counts`.
    seen: Vec<(f64, u8, u8)>,
    fixed: Counts,
}

/// The outcomes for every threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// The threshold as it is written.
    pub now: f64,
    side: Side,
    fixed: Counts,
    /// The distinct values of the cases, ascending, each with the outcomes of all cases up to and including that value:
    /// as they are when the cases pass, and as they are when the cases fail.
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Step {
    value: f64,
    /// The outcomes, when they pass, of the cases up to and including `value`.
    passing: Counts,
    failing: Counts,
}

impl Sweep {
    /// A sweep over the threshold of the condition at `at` of the rule at `position` in the document. Returns `None`
    /// when the rule is disabled or does not exist, or when the condition does not compare with a number.
    pub fn new(bundle: &Bundle, position: usize, at: usize) -> Option<Self> {
        let rule = bundle.rules.iter().find(|rule| rule.position == position && rule.enabled)?;
        let Condition { field, test, .. } = rule.conditions.get(at)?;
        let (side, now) = match test {
            Test::AtLeast(number) => (Side::AtLeast, *number),
            Test::Above(number) => (Side::Above, *number),
            Test::AtMost(number) => (Side::AtMost, *number),
            Test::Below(number) => (Side::Below, *number),
            _ => return None,
        };
        let (mut passing, mut failing) = (bundle.clone(), bundle.clone());
        for rule in passing.rules.iter_mut().filter(|rule| rule.position == position) {
            rule.conditions.remove(at);
        }
        failing.rules.retain(|rule| rule.position != position);
        Some(Self {
            passing: Arc::new(Prepared::new(&passing)),
            failing: Arc::new(Prepared::new(&failing)),
            as_is: Arc::new(Prepared::new(bundle)),
            field: field.clone(),
            side,
            now,
            seen: Vec::new(),
            fixed: Counts::default(),
        })
    }

    /// Counts `cases`.
    pub fn add<'c>(&mut self, cases: impl IntoIterator<Item = &'c Case>) {
        for case in cases {
            let question = Question::from(case);
            let value = condition::lookup(&case.context, &self.field);
            match value.and_then(Value::as_f64) {
                Some(value) => {
                    let (passing, failing) = (index(&self.passing, question), index(&self.failing, question));
                    self.note(value, passing, failing);
                }
                None => bump(&mut self.fixed, index(&self.as_is, question)),
            }
        }
    }

    /// Counts every row of a corpus.
    pub fn add_columns(&mut self, corpus: &Arc<Columnar>) {
        let mut replays = self.replays(corpus);
        for replay in &mut replays {
            replay.step(usize::MAX);
        }
        self.count(corpus, replays.map(Replay::finish));
    }

    /// A sweep over every row of a corpus, in steps.
    pub fn over(self, corpus: Arc<Columnar>) -> Sweeping {
        Sweeping { replays: self.replays(&corpus), sweep: self, corpus }
    }

    fn replays(&self, corpus: &Arc<Columnar>) -> [Replay; 3] {
        [&self.passing, &self.failing, &self.as_is].map(|side| Replay::new(Arc::clone(side), Arc::clone(corpus)))
    }

    fn count(&mut self, corpus: &Columnar, [passing, failing, as_is]: [Replayed; 3]) {
        let view = View::new(corpus, &self.field);
        for row in 0..as_is.len().min(passing.len()).min(failing.len()) {
            let of = |replayed: &Replayed| replayed.verdict(row).map_or(0, |verdict| index_of(&verdict));
            match view.fact(corpus, row) {
                Fact::Number(value) => self.note(value, of(&passing), of(&failing)),
                _ => bump(&mut self.fixed, of(&as_is)),
            }
        }
    }

    fn note(&mut self, value: f64, passing: u8, failing: u8) {
        if passing == failing {
            bump(&mut self.fixed, passing);
        } else {
            // `-0` and `0` are one number.
            self.seen.push((value + 0.0, passing, failing));
        }
    }

    /// The curve of the cases added so far.
    pub fn curve(&self) -> Curve {
        let mut seen = self.seen.clone();
        seen.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut steps: Vec<Step> = Vec::new();
        for (value, passing, failing) in seen {
            let mut step = steps.last().copied().unwrap_or_default();
            bump(&mut step.passing, passing);
            bump(&mut step.failing, failing);
            step.value = value;
            match steps.last_mut().filter(|last| last.value == value) {
                Some(last) => *last = step,
                None => steps.push(step),
            }
        }
        Curve { now: self.now, side: self.side, fixed: self.fixed, steps }
    }
}

/// A sweep over a corpus in progress: between two steps the caller can continue or stop.
#[derive(Debug)]
pub struct Sweeping {
    sweep: Sweep,
    corpus: Arc<Columnar>,
    replays: [Replay; 3],
}

impl Sweeping {
    /// Answers up to `rows` more rows; true when no row is left.
    pub fn step(&mut self, rows: usize) -> bool {
        let left = self.replays.iter_mut().find(|replay| !replay.progress().is_complete());
        if let Some(replay) = left {
            replay.step(rows);
        }
        self.replays.iter().all(|replay| replay.progress().is_complete())
    }

    /// The curve of all rows; rows that no step has answered are left out.
    pub fn finish(mut self) -> Curve {
        self.sweep.count(&self.corpus, self.replays.map(Replay::finish));
        self.sweep.curve()
    }
}

impl Curve {
    /// The outcomes of the cases at `threshold`.
    pub fn counts(&self, threshold: f64) -> Counts {
        // Cases before `cut` are below the threshold, or at the threshold where equality belongs to the lower side.
        let cut = match self.side {
            Side::AtLeast | Side::Below => self.steps.partition_point(|step| step.value < threshold),
            Side::Above | Side::AtMost => self.steps.partition_point(|step| step.value <= threshold),
        };
        let low = cut.checked_sub(1).and_then(|at| self.steps.get(at)).copied().unwrap_or_default();
        let all = self.steps.last().copied().unwrap_or_default();
        let mut counts = self.fixed;
        let upper_passes = matches!(self.side, Side::AtLeast | Side::Above);
        for (at, count) in counts.iter_mut().enumerate() {
            let of = |counts: &Counts| counts.get(at).copied().unwrap_or_default();
            *count += if upper_passes {
                of(&low.failing) + (of(&all.passing) - of(&low.passing))
            } else {
                of(&low.passing) + (of(&all.failing) - of(&low.failing))
            };
        }
        counts
    }

    /// The number of cases that the threshold affects.
    pub fn decided(&self) -> usize {
        self.steps.last().map_or(0, |last| last.passing.iter().sum())
    }

    /// The smallest and the largest threshold worth looking at: the range of the cases' values and the present
    /// threshold, with some room on both sides.
    pub fn range(&self) -> (f64, f64) {
        let ends = self.steps.first().zip(self.steps.last()).map(|(first, last)| (first.value, last.value));
        let (low, high) = ends.unwrap_or((self.now, self.now));
        let (low, high) = (low.min(self.now), high.max(self.now));
        let room = ((high - low) * 0.05).max(if high.abs() < 2.0 { 0.1 } else { 1.0 });
        (low - room, high + room)
    }

    /// Whether every value and the present threshold are whole.
    pub fn whole(&self) -> bool {
        self.now.fract() == 0.0 && self.steps.iter().all(|step| step.value.fract() == 0.0)
    }
}

fn index(prepared: &Prepared, question: Question<'_>) -> u8 {
    index_of(&prepared.verdict(question))
}

fn index_of(verdict: &Verdict<'_>) -> u8 {
    u8::try_from(Transitions::index(Outcome::of(verdict))).unwrap_or(0)
}

fn bump(counts: &mut Counts, at: u8) {
    if let Some(count) = counts.get_mut(usize::from(at)) {
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        engine::{arbitrary, oracle},
        replay::Dataset,
    };

    fn moved(bundle: &Bundle, position: usize, at: usize, to: f64) -> Bundle {
        let mut bundle = bundle.clone();
        let test = &mut bundle.rules[position].conditions[at].test;
        *test = match test {
            Test::AtLeast(_) => Test::AtLeast(to),
            Test::Above(_) => Test::Above(to),
            Test::AtMost(_) => Test::AtMost(to),
            _ => Test::Below(to),
        };
        bundle
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn every_point_of_the_curve_is_what_a_replay_counts(
            bundle in arbitrary::bundle(1..6), inputs in prop::collection::vec(arbitrary::input(), 0..30),
            thresholds in prop::collection::vec((-6_i32..=10).prop_map(|n| f64::from(n) / 4.0), 1..6),
        ) {
            let cases: Vec<Case> = inputs.iter().enumerate().map(|(at, input)| Case {
                case_id: at.to_string(),
                agent: input.agent.clone(),
                action: input.action.clone(),
                context: input.context.clone(),
                expected_effect: None,
            }).collect();
            for (position, rule) in bundle.rules.iter().enumerate() {
                for at in 0..rule.conditions.len() {
                    let Some(mut sweep) = Sweep::new(&bundle, position, at) else { continue };
                    sweep.add(&cases);
                    let curve = sweep.curve();
                    let mut columnar = Sweep::new(&bundle, position, at).unwrap();
                    columnar.add_columns(&Arc::new(Columnar::of_cases(Dataset::Custom, &cases).unwrap()));
                    prop_assert_eq!(&columnar.curve(), &curve);
                    let read = Curve::from_bytes(&curve.to_bytes());
                    prop_assert_eq!(read.as_ref(), Some(&curve));
                    let corpus = Arc::new(Columnar::of_cases(Dataset::Custom, &cases).unwrap());
                    let mut steps = Sweep::new(&bundle, position, at).unwrap().over(corpus);
                    while !steps.step(7) {}
                    prop_assert_eq!(&steps.finish(), &curve);
                    for to in thresholds.iter().copied().chain([curve.now]) {
                        let bundle = moved(&bundle, position, at, to);
                        let prepared = Prepared::new(&bundle);
                        let mut expected = Counts::default();
                        for (case, input) in cases.iter().zip(&inputs) {
                            let at = index(&prepared, case.into());
                            bump(&mut expected, at);
                            let effect = oracle::decide(&bundle, input).0;
                            prop_assert_eq!(prepared.verdict(input.into()).effect, effect);
                        }
                        prop_assert_eq!(curve.counts(to), expected, "threshold {}", to);
                    }
                }
            }
        }
    }
}
