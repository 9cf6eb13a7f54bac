//! How much memory the rows of a group may take, and how its rules are cut to stay within it.

use std::collections::BTreeMap;

use super::{
    checks::Checks,
    coded_test::{CodedTest, CodedValue},
    word::WORD,
};

/// A field of a run keeps this many cuts of numbers, or one for so many rules, where memory allows.
const FEWEST_CUTS: usize = 128;
const RULES_A_CUT: usize = 32;
/// No field is cut coarser than this.
const COARSEST: usize = 16;

/// What rows for some rules take: by field, how many numbers and strings they name, and how many different ones there
/// can be.
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

    /// About how many bytes the rows take when the rules are cut into `runs` of `length`, with at most `cuts` cuts of
    /// numbers a field.
    fn bytes(&self, runs: usize, length: usize, cuts: usize) -> usize {
        let of_run = |named: &Named| named.times.div_ceil(runs).min(named.different);
        let slots = self.0.values().map(|[numbers, texts]| 6 + 2 * of_run(numbers).min(cuts) + of_run(texts));
        runs.saturating_mul(slots.sum()).saturating_mul(length.div_ceil(WORD) * 8)
    }
}

/// How the rows of a group stay within its share of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MemoryPlan {
    /// Rules of a run: the whole group, or a power of two of it. Each has rows of its own.
    pub(super) length: usize,
    /// Thresholds of numbers a field.
    pub(super) cuts: usize,
}

impl MemoryPlan {
    /// The one that takes at most about `bytes`. Exact rows grow with the square of the rules, because more rules mean
    /// more cuts and longer rows; so of many cuts some are left out first, and then the rules are cut into runs.
    pub(super) fn new(checks: &Checks, ranks: &[u32], bytes: usize) -> Self {
        let demand = Demand::of(checks, ranks);
        let mut cutting = Self { length: ranks.len(), cuts: FEWEST_CUTS.max(ranks.len() / RULES_A_CUT) };
        while demand.bytes(ranks.len().div_ceil(cutting.length), cutting.length, cutting.cuts) > bytes {
            if cutting.cuts > COARSEST {
                cutting.cuts /= 2;
            } else if cutting.length > WORD {
                cutting.length = cutting.length.div_ceil(2);
            } else {
                break;
            }
        }
        cutting
    }
}
