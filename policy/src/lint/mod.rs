//! What is wrong, doubtful or noteworthy about a bundle.
//!
//! Faults of the language itself are found where rules are read ([`crate::bundle::parsing`]); the checks here look at
//! what was read.

pub mod check;
pub mod contradiction;
pub mod domain;
pub mod duplicates;
pub mod fix;
pub mod invariants;
pub mod plain;
pub mod report;

pub use crate::bundle::diagnostic::{Code, Finding, Severity};
pub use check::{Linted, lint, lint_again, lint_against, lint_parsed, quick};
pub use fix::{apply_fix, fix_all};
pub use report::Report;
