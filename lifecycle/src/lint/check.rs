//! Runs every check.

use super::Report;
use crate::bundle::{Source, reading};

/// Everything there is to say about `source`.
pub fn lint(source: &Source) -> Report {
    let readings = reading::read_rules(source);
    let understood = reading::understand(source, &readings);
    Report::new(understood.faults, source.rules.len())
}
