//! Splitting the rules of a group so that their rows stay within a memory budget.

use std::collections::BTreeMap;

use super::{
    checks::Checks,
    coded_test::{CodedTest, CodedValue},
    word::WORD,
};

/// Where memory allows, a field of a run has this many thresholds, or one per [`RULES_PER_THRESHOLD`] rules if that is
/// more.
const MIN_THRESHOLDS: usize = 128;
const RULES_PER_THRESHOLD: usize = 32;
/// No field has fewer thresholds than this.
const COARSEST: usize = 16;

/// The numbers that determine the size of the rows of some rules: by field, how many numbers and strings the rules
/// compare the field with, and how many distinct ones there are at most.
struct Demand(BTreeMap<u32, [Named; 2]>);

#[derive(Debug, Clone, Copy)]
struct Named {
    times: usize,
    different: usize,
}

impl Demand {
    fn of(checks: &Checks, ranks: &[u32]) -> Self {
        let mut fields: BTreeMap<u32, [Named; 2]> = BTreeMap::new();
        for (field, test) in ranks.iter().flat_map(|rank| checks.tests(*rank)) {
            let [numbers, texts] = fields.entry(field).or_insert_with(|| {
                let (numbers, texts) = checks.distinct_counts(field);
                [numbers, texts].map(|different| Named { times: 0, different })
            });
            match test {
                CodedTest::In(list) | CodedTest::NotIn(list) => {
                    let of_numbers = list.items().filter(|item| matches!(item, CodedValue::Number(_))).count();
                    numbers.times += of_numbers;
                    texts.times += list.len() - of_numbers;
                }
                CodedTest::StartsWith(_) => {
                    texts.times += 1;
                    texts.different += 1;
                }
                CodedTest::Present(_) => {}
                CodedTest::AtLeast(_) | CodedTest::AtMost(_) | CodedTest::Above(_) | CodedTest::Below(_) => {
                    numbers.times += 1
                }
            }
        }
        Self(fields)
    }

    /// The approximate size of the rows, in bytes, when the rules are split into `runs` runs of `length` rules, with at
    /// most `thresholds` thresholds per field.
    fn bytes(&self, runs: usize, length: usize, thresholds: usize) -> usize {
        let of_run = |named: &Named| named.times.div_ceil(runs).min(named.different);
        let slots = self.0.values().map(|[numbers, texts]| 6 + 2 * of_run(numbers).min(thresholds) + of_run(texts));
        runs.saturating_mul(slots.sum()).saturating_mul(length.div_ceil(WORD) * 8)
    }
}

/// A plan that keeps the rows of a group within the group's share of the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MemoryPlan {
    /// Rules per run; each run has its own rows.
    pub(super) length: usize,
    /// Thresholds per field.
    pub(super) thresholds: usize,
}

impl MemoryPlan {
    /// A plan whose rows take at most about `bytes`. Exact rows grow with the square of the number of rules, because
    /// more rules mean both more thresholds and longer rows. So thresholds are dropped first; then the rules are split
    /// into runs.
    pub(super) fn new(checks: &Checks, ranks: &[u32], bytes: usize) -> Self {
        let demand = Demand::of(checks, ranks);
        let mut plan = Self { length: ranks.len(), thresholds: MIN_THRESHOLDS.max(ranks.len() / RULES_PER_THRESHOLD) };
        while demand.bytes(ranks.len().div_ceil(plan.length), plan.length, plan.thresholds) > bytes {
            if plan.thresholds > COARSEST {
                plan.thresholds /= 2;
            } else if plan.length > WORD {
                plan.length = plan.length.div_ceil(2);
            } else {
                break;
            }
        }
        plan
    }
}
