//! The confidence sequence of an average: an empirical-Bernstein sequence for values between 0 and a bound.
//!
//! Values are divided by the bound, so that they lie in [0, 1]. For the true mean `μ`, a prediction `x̂ᵢ` of each value from
//! those before it, and `0 ≤ λ < 1`,
//!
//! ```text
//! exp( λ Σ (xᵢ − μ) − ψ(λ) Σ (xᵢ − x̂ᵢ)² ) ,     ψ(λ) = −ln(1 − λ) − λ
//! ```
//!
//! is a supermartingale that starts at 1 (Fan, Grama and Liu 2015; Howard, Ramdas, McAuliffe and Sekhon 2021, "Time-uniform,
//! nonparametric, nonasymptotic confidence sequences", theorem 4; Waudby-Smith and Ramdas 2024, "Estimating means of
//! bounded random variables by betting", theorem 2). So is a weighted sum of it over several λ (a discrete mixture), and by
//! Ville's inequality the sum ever reaches `2/α` with a chance of at most `α/2`; the same for `−xᵢ` gives the other side.
//!
//! Only count, sum and sum of squares are kept, not the order of the values, so that the squared prediction errors are
//! bounded from above, which makes the sequence a little wider and keeps it right. With `x̂₁ = 0` and the average so far as
//! every later prediction, `Dᵢ = (xᵢ − x̄ᵢ₋₁)²` adds `(1 − 1/i) Dᵢ` to the sum of squared deviations (Welford 1962), hence
//!
//! ```text
//! Σ Dᵢ  =  Σ (xᵢ − x̄ₙ)²  +  Σ Dᵢ / i  ≤  Σ (xᵢ − x̄ₙ)²  +  min( Σ 1/i , 2 Σ xᵢ² )
//! ```
//!
//! because `Dᵢ ≤ 1`, and because `Dᵢ ≤ xᵢ² + x̄ᵢ₋₁²` and `x̄ᵢ₋₁² ≤ Σ xᵢ² / (i − 1)`.

use super::{Interval, first_true};

/// The largest λ of the mixture.
const LARGEST: f64 = 0.9;
/// The ratio of one λ to the next.
const RATIO: f64 = 1.5;
/// How many λ are mixed: the smallest suits far more decisions than there will be.
const MIXED: i32 = 48;

/// What is known of an average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanSequence {
    count: f64,
    mean: f64,
    squared_errors: f64,
    bound: f64,
}

impl MeanSequence {
    /// The sequence after `count` values between 0 and `bound`. `None` without values or without a bound, and for sums that
    /// no such values have.
    pub fn new(count: u64, sum: f64, sum_of_squares: f64, bound: f64) -> Option<Self> {
        let n = count as f64;
        let (sum, squares) = (sum / bound, sum_of_squares / (bound * bound));
        // Sums of doubles are off by a little.
        let slack = 1e-9 * n;
        let possible = bound.is_finite()
            && bound > 0.0
            && count > 0
            && (0.0..=n + slack).contains(&sum)
            && (0.0..=sum + slack).contains(&squares);
        if !possible {
            return None;
        }
        let deviations = (squares - sum * sum / n).max(0.0);
        let harmonic = 1.0 + n.ln();
        let squared_errors = deviations + harmonic.min(2.0 * squares);
        Some(Self { count: n, mean: (sum / n).min(1.0), squared_errors, bound })
    }

    /// The average itself.
    pub fn mean(&self) -> f64 {
        self.mean * self.bound
    }

    /// The averages that are not excluded, in a sequence that ever leaves out the true one with a chance of at most
    /// `alpha`.
    pub fn interval(&self, alpha: f64) -> Interval {
        let enough = (2.0 / alpha).ln();
        // The first λ alone reaches it at this distance, whatever the others add.
        let farthest = (enough + weight(0).recip().ln() + psi(LARGEST) * self.squared_errors) / LARGEST;
        let distance = first_true(0.0, farthest, |distance| self.evidence(distance) >= enough) / self.count;
        Interval {
            lower: (self.mean - distance).max(0.0) * self.bound,
            upper: (self.mean + distance).min(1.0) * self.bound,
        }
    }

    /// The logarithm of the mixture, where the sum of the values is `distance` away from what it should be.
    fn evidence(&self, distance: f64) -> f64 {
        let exponent = |k: i32| {
            let lambda = LARGEST / RATIO.powi(k);
            weight(k).ln() + lambda * distance - psi(lambda) * self.squared_errors
        };
        let largest = (0..MIXED).map(exponent).fold(f64::NEG_INFINITY, f64::max);
        largest + (0..MIXED).map(|k| (exponent(k) - largest).exp()).sum::<f64>().ln()
    }
}

/// The weight of the k-th λ; all together are at most 1.
fn weight(k: i32) -> f64 {
    1.0 / (f64::from(k + 1) * f64::from(k + 2))
}

/// `−ln(1 − λ) − λ`, exact for small λ as well.
fn psi(lambda: f64) -> f64 {
    -(-lambda).ln_1p() - lambda
}

#[cfg(test)]
mod tests {
    use policy::random::Random;
    use proptest::prelude::*;

    use super::*;
    use crate::confidence::ALPHA;

    #[test]
    fn sums_that_no_values_have_give_no_sequence() {
        assert!(MeanSequence::new(0, 0.0, 0.0, 1.0).is_none());
        assert!(MeanSequence::new(3, 1.0, 1.0, 0.0).is_none());
        assert!(MeanSequence::new(3, 4.0, 1.0, 1.0).is_none(), "above the bound");
        assert!(MeanSequence::new(3, 1.0, 2.0, 1.0).is_none(), "squares of values up to 1 are no larger than they");
        assert!(MeanSequence::new(3, f64::NAN, 1.0, 1.0).is_none());
        assert!(MeanSequence::new(3, 3.0, 3.0, 1.0).is_some());
    }

    #[test]
    fn more_values_make_it_narrower_and_the_bound_only_scales_it() {
        let width = |count: u64, bound: f64| {
            let n = count as f64;
            let Interval { lower, upper } =
                MeanSequence::new(count, 0.4 * n * bound, 0.3 * n * bound * bound, bound).unwrap().interval(ALPHA);
            (upper - lower) / bound
        };
        assert!(width(100, 1.0) > width(1_000, 1.0) && width(1_000, 1.0) > width(100_000, 1.0));
        assert!((width(1_000, 1.0) - width(1_000, 50.0)).abs() < 1e-9);
        // The variance is 0.14: an interval for one look is about 0.046 wide.
        assert!((0.046..0.12).contains(&width(1_000, 1.0)), "{}", width(1_000, 1.0));
        // Nearly constant values: only the bound on what was not seen is left.
        let constant = MeanSequence::new(10_000, 100.0, 1.0, 1.0).unwrap().interval(ALPHA);
        assert!(constant.upper - constant.lower < 0.003, "{constant:?}");
    }

    proptest! {
        /// The bound on the squared errors of prediction, held against the errors themselves.
        #[test]
        fn the_squared_errors_are_never_more_than_the_bound(
            values in prop::collection::vec(prop_oneof![0.0_f64..=1.0, Just(0.0), Just(1.0), 0.0_f64..0.01], 1..200),
        ) {
            let (mut sum, mut errors) = (0.0, 0.0);
            for (before, value) in values.iter().enumerate() {
                let predicted = if before == 0 { 0.0 } else { sum / before as f64 };
                errors += (value - predicted) * (value - predicted);
                sum += value;
            }
            let squares: f64 = values.iter().map(|value| value * value).sum();
            let sequence = MeanSequence::new(values.len() as u64, sum, squares, 1.0).unwrap();
            prop_assert!(errors <= sequence.squared_errors + 1e-9, "{errors} > {}", sequence.squared_errors);
        }

        #[test]
        fn the_ends_are_where_the_evidence_suffices(count in 1_u64..100_000, mean in 0.001_f64..0.999, spread in 0.0_f64..=1.0) {
            let n = count as f64;
            let squares = mean * mean + spread * (mean - mean * mean);
            let sequence = MeanSequence::new(count, mean * n, squares * n, 1.0).unwrap();
            let Interval { lower, upper } = sequence.interval(ALPHA);
            prop_assert!(0.0 <= lower && lower <= sequence.mean() && sequence.mean() <= upper && upper <= 1.0);
            if lower > 0.0 {
                prop_assert!((sequence.evidence((sequence.mean() - lower) * n) - (2.0 / ALPHA).ln()).abs() < 1e-6);
            }
        }
    }

    /// Draws of a value, each with its mean.
    type Draw = (&'static str, f64, fn(&mut Random) -> f64);
    const DRAWS: [Draw; 4] = [
        ("even", 0.5, |random| random.unit()),
        ("seldom and large", 0.02, |random| if random.unit() < 0.02 { 1.0 } else { 0.0 }),
        ("small", 0.005, |random| random.unit() * 0.01),
        ("two prices", 0.19, |random| if random.unit() < 0.1 { 1.0 } else { 0.1 }),
    ];

    /// In how many of `runs` the sequence ever leaves out the true mean, looked at after each of `looks` values.
    fn misses(draw: fn(&mut Random) -> f64, truth: f64, runs: u64, looks: u64) -> u64 {
        let missed = |seed: &u64| {
            let mut random = Random::new(*seed);
            let (mut sum, mut squares) = (0.0, 0.0);
            (1..=looks).any(|count| {
                let value = draw(&mut random);
                sum += value;
                squares += value * value;
                let sequence = MeanSequence::new(count, sum, squares, 1.0).unwrap();
                sequence.evidence((sum - count as f64 * truth).abs()) >= (2.0 / ALPHA).ln()
            })
        };
        (0..runs).filter(missed).count() as u64
    }

    #[test]
    fn the_true_mean_is_seldom_left_out() {
        for (name, truth, draw) in DRAWS {
            let missed = misses(draw, truth, 200, 150);
            assert!(missed <= 10, "{name}: {missed} of 200");
        }
    }

    #[test]
    #[ignore = "takes long: 10,000 runs of 500 values each; `make test-long` runs it"]
    fn the_true_mean_is_left_out_in_at_most_five_of_a_hundred_runs() {
        for (name, truth, draw) in DRAWS {
            let missed = misses(draw, truth, 10_000, 500);
            println!("{name}: {missed} of 10,000 runs");
            assert!(missed <= 500, "{name}: {missed} of 10,000");
        }
    }
}
