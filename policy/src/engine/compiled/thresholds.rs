//! The thresholds of a field, and the position of a number among them.
//!
//! Up to a few thresholds are simply counted. For more, a table of even steps from the first threshold to the last
//! narrows the search to one step. However uneven the thresholds are, the search is never longer than a binary search
//! of all of them.

/// Up to this many thresholds are counted without a search.
const FEW: usize = 8;
/// Up to this many thresholds, there is a table.
const MOST: usize = u16::MAX as usize;

/// Up to this many thresholds of one step are counted without a search.
const NEAR: usize = 4;

/// Ascending, distinct numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Thresholds {
    // INVARIANT: the values are followed by infinities: at least `NEAR` of them, and enough for `FEW` numbers in total.
    values: Vec<f64>,
    count: usize,
    /// The number of thresholds before each step; empty for few thresholds and for very many.
    before: Vec<u16>,
    first: f64,
    /// The number of steps per unit.
    scale: f64,
}

impl Thresholds {
    /// At most about `most` of `numbers`, all of them finite. When there are more, an even selection is taken.
    pub(super) fn new(mut numbers: Vec<f64>, most: usize) -> Self {
        // `-0` and `0` are one number.
        numbers.iter_mut().for_each(|number| *number += 0.0);
        numbers.sort_unstable_by(f64::total_cmp);
        numbers.dedup();
        let step = numbers.len().div_ceil(most.max(1)).max(1);
        if step > 1 {
            numbers = numbers.iter().copied().skip(step / 2).step_by(step).collect();
        }
        let count = numbers.len();
        if count == 0 {
            return Self::default();
        }
        numbers.resize((count + NEAR).max(FEW), f64::INFINITY);
        numbers.shrink_to_fit();
        let mut all = Self { values: numbers, count, ..Self::default() };
        if let [first, .., last] = *all.as_slice()
            && (FEW + 1..=MOST).contains(&count)
        {
            let steps = 2 * count;
            // Rounding does no harm, because any scale will do.
            let scale = (steps as f64 - 1.0) / (last - first);
            (all.first, all.scale) = (first, scale);
            let mut before = vec![0; steps + 1];
            for threshold in all.as_slice() {
                if let Some(count) = before.get_mut(all.step(*threshold, steps) + 1) {
                    *count += 1;
                }
            }
            let mut sum = 0;
            for count in &mut before {
                sum += *count;
                *count = sum;
            }
            all.before = before;
        }
        all
    }

    /// The step of a number. A greater number never has a lower step, despite rounding: subtraction and multiplication
    /// keep the order, even when they overflow.
    // The cast saturates: numbers below the first step count as part of that step.
    #[inline]
    fn step(&self, number: f64, steps: usize) -> usize {
        (((number - self.first) * self.scale) as usize).min(steps - 1)
    }

    /// How many thresholds are less than `number`.
    #[inline]
    pub(super) fn below(&self, number: f64) -> usize {
        let Some(steps) = self.before.len().checked_sub(1) else { return self.below_of_few(number) };
        let step = self.step(number, steps);
        let Some([from, to]) = self.before.get(step..).and_then(|before| before.first_chunk()) else { return 0 };
        let (from, to) = (usize::from(*from), usize::from(*to));
        // No threshold after this step is less than `number`.
        let near = self.values.get(from..).and_then(|near| near.first_chunk::<NEAR>());
        match near.filter(|_| to - from <= NEAR) {
            Some(near) => from + near.iter().map(|threshold| usize::from(*threshold < number)).sum::<usize>(),
            None => {
                from + self
                    .values
                    .get(from..to)
                    .map_or(0, |thresholds| thresholds.partition_point(|threshold| *threshold < number))
            }
        }
    }

    #[inline]
    fn below_of_few(&self, number: f64) -> usize {
        match self.values.first_chunk::<FEW>() {
            Some(thresholds) if self.count <= FEW => {
                thresholds.iter().map(|threshold| usize::from(*threshold < number)).sum()
            }
            _ => self.as_slice().partition_point(|threshold| *threshold < number),
        }
    }

    /// The position of a number: `2i + 1` is the i-th threshold itself, `2i` the open interval before it.
    #[inline]
    pub(super) fn place(&self, number: f64) -> usize {
        let below = self.below(number);
        2 * below + usize::from(self.values.get(below) == Some(&number))
    }

    pub(super) fn as_slice(&self) -> &[f64] {
        self.values.get(..self.count).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            (-40..40_i32).prop_map(f64::from),
            (-4000..4000_i32).prop_map(|number| f64::from(number) / 8.0),
            any::<f64>().prop_filter("JSON has finite numbers only", |number| number.is_finite()),
            prop::sample::select(vec![
                f64::MAX,
                f64::MIN,
                f64::MIN_POSITIVE,
                5e-324,
                -5e-324,
                0.0,
                -0.0,
                1e300,
                -1e300
            ]),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn a_position_is_the_one_that_a_full_search_finds(
            numbers in prop::collection::vec(number(), 0..120), others in prop::collection::vec(number(), 20),
        ) {
            let thresholds = Thresholds::new(numbers.clone(), usize::MAX);
            for number in numbers.iter().chain(&others) {
                let below = thresholds.as_slice().partition_point(|threshold| threshold < number);
                prop_assert_eq!(thresholds.below(*number), below);
                let on = thresholds.as_slice().get(below) == Some(number);
                prop_assert_eq!(thresholds.place(*number), 2 * below + usize::from(on));
            }
        }

        #[test]
        fn thresholds_of_a_narrow_range_are_distinguished(base in number(), steps in prop::collection::vec(0..40_u64, 9..40)) {
            let near = |step: &u64| f64::from_bits(base.to_bits().saturating_add(*step));
            let numbers: Vec<f64> = steps.iter().map(near).filter(|number| number.is_finite()).collect();
            let thresholds = Thresholds::new(numbers, usize::MAX);
            for step in 0..42 {
                let number = near(&step);
                let below = thresholds.as_slice().partition_point(|threshold| *threshold < number);
                prop_assert!(number.is_infinite() || number.is_nan() || thresholds.below(number) == below);
            }
        }
    }
}
