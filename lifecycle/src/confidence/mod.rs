//! Confidence sequences: intervals that may be looked at after every decision.
//!
//! An ordinary 95 % interval is right 95 times in 100 when it is looked at *once*. Who looks at it every minute, and acts
//! when it first shows what they wait for, is wrong far more often. A confidence sequence holds at all times at once: the
//! chance that it *ever* leaves out the true value is at most [`ALPHA`], so that it may be looked at at any time, as often
//! as one likes, and a decision may wait for it.
//!
//! * [`rate`]: shares of decisions, by a beta-binomial mixture;
//! * [`mean`]: average costs, by an empirical-Bernstein sequence.
//!
//! Both assume that decisions do not influence each other: given all that was decided before, the next one has the same
//! chance, or the same expected cost. One subject that repeats itself breaks that.

pub mod mean;
pub mod rate;

pub use mean::MeanSequence;
pub use rate::RateSequence;
use serde::{Deserialize, Serialize};

/// The chance that a sequence ever leaves out the true value: 5 %.
pub const ALPHA: f64 = 0.05;

/// Steps of a bisection; the error is far below what is shown.
const BISECTIONS: u32 = 60;

/// A closed interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

/// The place between `low` and `high` at which `holds` becomes true, for a condition that stays true from there on.
fn first_true(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (low + high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}
