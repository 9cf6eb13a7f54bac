//! Running a bundle over many inputs: saved cases, generated ones, recorded ones.

mod boundary;
pub mod case;
pub mod compare;
pub mod fixtures;
pub mod random;
pub mod run;
pub mod simulate;
pub mod sweep;
pub mod synthetic;

pub use case::{Case, CaseResult, Dataset, Limits, Simulation, Summary};
pub use compare::{Change, Comparison, Deltas, compare, compare_prepared};
pub use run::{Run, Transitions};
pub use simulate::{simulate, simulate_prepared};
