//! Errors, warnings and notes about a bundle.
//!
//! Faults of the language itself are found when rules are read ([`crate::bundle::parsing`]); the checks here work on
//! the parsed rules.
//!
//! ```text
//! plain          a valid rule on its own
//! contradiction  conditions of one rule that can never all be true
//! domain         rules against the declared input domain
//! duplicates     rules that are nearly identical
//! invariants     the workspace's invariants, proven on a bundle
//! report         all findings, as the API answers them
//! check          running every check
//! fix            the repairs of findings
//! ```

pub mod check;
pub mod contradiction;
pub mod domain;
pub mod duplicates;
pub mod fix;
pub mod invariants;
pub mod plain;
pub mod report;

pub use crate::bundle::diagnostic::{Code, Finding, Severity};
pub use check::{Linted, lint, lint_against, lint_incrementally, lint_parsed, quick};
pub use fix::{apply_fix, fix_all};
pub use report::Report;
