//! The clock, and the spread of many measurements.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// The CPU time of this thread. On an idle machine that equals the elapsed time; on a busy machine it excludes the time
/// that other programs took.
pub fn on_core() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// CPU time and elapsed time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spent {
    pub on_core: Duration,
    pub passed: Duration,
}

/// Runs `work` and measures the time it takes.
pub fn spent<T>(work: impl FnOnce() -> T) -> (T, Spent) {
    let (core, clock) = (on_core(), Instant::now());
    let done = work();
    (done, Spent { passed: clock.elapsed(), on_core: on_core() - core })
}

/// Median, quartiles, minimum and maximum of some measurements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub lower_quartile: f64,
    pub upper_quartile: f64,
    pub most: f64,
    pub samples: usize,
}

impl Spread {
    /// The spread of `values`; all zero if there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |quarter: usize| {
            // Interpolated between the two nearest values, as usual for few samples.
            let position = values.len().saturating_sub(1) * quarter;
            let (low, rest) = (position / 4, (position % 4) as f64 / 4.0);
            match (values.get(low), values.get(low + 1)) {
                (Some(low), Some(high)) => low + (high - low) * rest,
                (Some(only), None) => *only,
                (None, _) => 0.0,
            }
        };
        Self {
            median: at(2),
            least: at(0),
            lower_quartile: at(1),
            upper_quartile: at(3),
            most: at(4),
            samples: values.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_knows_its_quartiles() {
        let spread = Spread::of([5.0, 1.0, 3.0, 2.0, 4.0]);
        assert_eq!((spread.least, spread.lower_quartile, spread.median), (1.0, 2.0, 3.0));
        assert_eq!((spread.upper_quartile, spread.most, spread.samples), (4.0, 5.0, 5));
        assert_eq!(Spread::of([1.0, 2.0]).median, 1.5);
        assert_eq!(Spread::of([]).median, 0.0);
    }
}
