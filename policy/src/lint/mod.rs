//! Errors, warnings and notes about a bundle.
//!
//! Faults of the language itself are found when rules are read ([`crate::bundle::parsing`]); the checks here work on
//! the parsed rules.
//!
//! ```text
//! plain          a valid rule on its own
//! contradiction  conditions of one rule that can never all be true
//! domain         rules against the declared input domain
//! texts          texts that do not say what they seem to say
//! amounts        what texts look like: numbers, amounts, ranges
//! values         values that are not what they look like
//! members        members that the language does not have
//! duplicates     rules that are nearly identical
//! example        inputs that a rule matches
//! listed         the values of a list, for asking often whether one is there
//! lookalikes     names and values that people take for each other
//! prefix         texts that look like the start of a URL, a host or a path
//! approval       terms of approvals that do nothing where they stand
//! twin           a rule once more, with one condition changed
//! behaviour      what a rule lets pass without its author noticing
//! invariants     the workspace's invariants, proven on a bundle
//! report         all findings, as the API answers them
//! check          running every check
//! fix            the repairs of findings
//! ```

mod amounts;
mod approval;
pub mod behaviour;
pub mod check;
pub mod contradiction;
pub mod domain;
pub mod duplicates;
mod example;
pub mod fix;
pub mod invariants;
mod listed;
pub mod lookalikes;
pub mod members;
pub mod plain;
mod prefix;
pub mod report;
pub mod texts;
mod twin;
pub mod values;

pub use crate::bundle::diagnostic::{Code, Finding, Severity};
pub use check::{Linted, lint, lint_against, lint_incrementally, lint_parsed, quick};
pub use fix::{apply_fix, fix_all, is_repaired_with_all};
pub use report::Report;
