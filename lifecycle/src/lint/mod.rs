//! What is wrong, doubtful or noteworthy about a bundle.

pub mod check;
pub mod finding;
pub mod fix;
pub mod report;
pub mod spelling;

pub use check::lint;
pub use finding::{Code, Finding, Severity};
pub use fix::{apply_fix, fix_all};
pub use report::Report;
