//! Runs cases against one bundle.

use super::{Case, Limits, Simulation};
use crate::bundle::Bundle;

/// What `bundle` makes of `cases`.
pub fn simulate(_bundle: &Bundle, _cases: &[Case], _limits: Limits) -> Simulation {
    Simulation::default()
}
