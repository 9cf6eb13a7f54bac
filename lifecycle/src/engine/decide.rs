//! The plain evaluator.

use super::{Answer, Input, Status};
use crate::bundle::Bundle;

/// What `bundle` says about `input`.
pub fn decide(bundle: &Bundle, _input: &Input) -> Answer {
    Answer {
        effect: bundle.default_effect,
        status: Status::NoMatch,
        matched_rule: None,
        reason: String::new(),
        budget: None,
        errors: Vec::new(),
    }
}
