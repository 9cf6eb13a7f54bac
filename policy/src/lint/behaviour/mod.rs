//! What a rule lets pass without its author noticing. Every finding here has an input that the evaluator confirms.
//!
//! ```text
//! search      looking for inputs with a given answer
//! errors      error_opens: a strict rule errs, and `on_error` answers allow
//! absence     absent_passes: `!=` is false where the field is absent, so a deny does not deny
//! boundaries  prefix_boundary: `^=` goes on in the middle of a host or a path, or is evaded by case or a blank
//! ```

mod absence;
mod boundaries;
mod errors;
mod search;

use super::{Code, Finding};
use crate::bundle::{Bundle, Invariant};
use search::Search;

/// The findings about the enabled rules of `bundle` and about the invariants of the workspace.
pub fn check(bundle: &Bundle, invariants: &[Invariant]) -> Vec<Finding> {
    let mut search = Search::new(bundle);
    let mut findings: Vec<Finding> =
        invariants.iter().flat_map(|invariant| absence::open_invariant(&mut search, invariant)).collect();
    for rule in bundle.rules.iter().filter(|rule| rule.enabled) {
        if search.questions == 0 {
            search.is_unfinished = true;
            break;
        }
        findings.extend(errors::error_opens(&mut search, rule));
        findings.extend(absence::absent_passes(&mut search, rule));
        findings.extend(boundaries::prefix_boundary(&mut search, rule));
    }
    if search.is_unfinished {
        let message = "Not every rule was searched for what it lets pass: the work budget ran out.";
        findings.push(Finding::new(Code::Undecided, "/rules", message).suggest("Split the bundle."));
    }
    findings
}
