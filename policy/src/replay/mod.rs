//! Running a bundle over many inputs: saved cases, generated ones, recorded ones.
//!
//! ```text
//! case, outcome             cases, their results, and the outcome of a decision
//! fixtures                  the built-in cases
//! boundary, boundary_cases  values around a threshold, and test cases made of them
//! synthetic                 generated cases
//! simulate, compare         cases against one bundle, and against two
//! transitions               how many cases go from which outcome to which
//! corpus                    recorded decisions as columns
//! columns                   a bundle over a columnar corpus
//! sweep                     the outcomes for every value of one threshold
//! learn                     a schema inferred from recorded decisions
//! ```

mod boundary;
pub mod boundary_cases;
pub mod case;
pub mod columns;
pub mod compare;
pub mod corpus;
pub mod fixtures;
pub mod learn;
pub mod outcome;
pub mod simulate;
pub mod sweep;
pub mod synthetic;
pub mod transitions;

pub use boundary_cases::{BoundaryCase, boundary_cases};
pub use case::{Case, CaseResult, Dataset, Limits, Simulation, Summary};
pub use columns::{Replay, Replayed};
pub use compare::{Change, Comparison, Deltas, compare, compare_prepared};
pub use corpus::{Columnar, Corpus, CorpusCase, CorpusError};
pub use outcome::{Outcome, OutcomeStatus};
pub use simulate::{simulate, simulate_prepared};
pub use transitions::Transitions;
