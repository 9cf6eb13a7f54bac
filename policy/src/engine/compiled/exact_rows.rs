//! Exact rows for a replay, in which all values of the corpus are known in advance.

use std::ops::Range;

use super::{
    axis::Axis,
    checks::Checks,
    row_builder::{RowBuilder, tests_by_field},
    word::WORD,
};

/// Bytes of the nearest cache. When the rows of one field take more, classes that the given rules do not distinguish
/// share a row.
const NEAR: usize = 32 * 1024;

/// The rows of one field for some rules, as fine as these rules require.
#[derive(Debug)]
pub(crate) struct ExactColumn {
    pub(crate) field: u32,
    /// The row of every slot of the field's axis; when empty, each slot has its own row.
    pub(crate) onto: Vec<u32>,
    /// Rows of values that no rule rejects for having the wrong type; see [`Axis::comparable`].
    pub(crate) comparable: Range<usize>,
    /// A bit is set where the rule's conditions on the field are not false.
    pub(crate) rows: Vec<u64>,
}

/// Exact rows of the rules with these ranks, by field; `axis` gives the axis that all rules share. Subtracts the bytes
/// of the rows from `left`; `None` when too few bytes are left.
pub(crate) fn exact_columns<'x>(
    checks: &Checks,
    ranks: &[u32],
    axis: impl Fn(u32) -> Option<&'x Axis>,
    left: &mut usize,
) -> Option<Vec<ExactColumn>> {
    exact_columns_beyond(NEAR, checks, ranks, axis, left)
}

fn exact_columns_beyond<'x>(
    near: usize,
    checks: &Checks,
    ranks: &[u32],
    axis: impl Fn(u32) -> Option<&'x Axis>,
    left: &mut usize,
) -> Option<Vec<ExactColumn>> {
    let words = ranks.len().div_ceil(WORD);
    let columns = tests_by_field(checks, ranks).into_iter().map(|(field, tests_by_field)| {
        let whole = axis(field)?;
        let tests = || tests_by_field.iter().map(|(_, test)| *test);
        let text = |text| checks.text_with(field, text);
        let rows = |axis: &Axis| {
            let rows = RowBuilder::new(axis, ranks.len(), words, &tests_by_field).fill(text);
            (axis.comparable(tests), rows)
        };
        let own = whole.slots().saturating_mul(words * 8);
        if own <= near {
            *left = left.checked_sub(own)?;
            let (comparable, rows) = rows(whole);
            return Some(ExactColumn { field, onto: Vec::new(), comparable, rows });
        }
        let coarser = Axis::new(tests());
        let bytes = coarser.slots().saturating_mul(words * 8).saturating_add(whole.slots() * 4);
        *left = left.checked_sub(bytes)?;
        let (comparable, rows) = rows(&coarser);
        Some(ExactColumn { field, onto: whole.onto(&coarser, text), comparable, rows })
    });
    columns.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        engine::{Prepared, arbitrary},
        random::Random,
    };

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn shared_rows_agree_with_own_rows(bundle in arbitrary::bundle(1..90), seed in any::<u64>()) {
            let prepared = Prepared::new(&bundle);
            let checks = prepared.index().checks();
            let mut random = Random::new(seed);
            let all = 0..u32::try_from(prepared.rules().len()).unwrap();
            let mut tests: BTreeMap<u32, Vec<_>> = BTreeMap::new();
            for (field, test) in all.clone().flat_map(|rank| checks.tests(rank)) {
                tests.entry(field).or_default().push(test);
            }
            let axes: BTreeMap<u32, Axis> =
                tests.iter().map(|(field, tests)| (*field, Axis::new(tests.iter().copied()))).collect();
            let ranks: Vec<u32> = all.filter(|_| random.chance(40)).collect();
            let rows = |near| exact_columns_beyond(near, checks, &ranks, |field| axes.get(&field), &mut usize::MAX.clone());
            let words = ranks.len().div_ceil(WORD);
            for (own, shared) in rows(usize::MAX).unwrap().iter().zip(rows(0).unwrap()) {
                prop_assert_eq!((own.field, own.onto.len()), (shared.field, 0));
                prop_assert_eq!(shared.onto.len(), axes[&own.field].slots());
                for (slot, row) in own.rows.chunks(words).enumerate() {
                    let onto = shared.onto[slot] as usize;
                    prop_assert_eq!(row, &shared.rows[onto * words..(onto + 1) * words], "{} {}", own.field, slot);
                    prop_assert_eq!(own.comparable.contains(&slot), shared.comparable.contains(&onto));
                }
            }
        }
    }
}
