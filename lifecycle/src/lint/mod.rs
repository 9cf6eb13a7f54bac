//! What is wrong, doubtful or noteworthy about a bundle.

pub mod check;
pub mod finding;
pub mod report;

pub use check::lint;
pub use finding::{Code, Finding, Severity};
pub use report::Report;
