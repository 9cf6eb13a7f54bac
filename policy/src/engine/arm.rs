//! The two bundles that may serve a request.

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

/// The bundle that served a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Arm {
    /// The bundle at 100 %.
    Stable,
    /// The bundle under trial.
    Canary,
    /// No bundle: none is live, or evaluation is disabled.
    None,
}

impl Arm {
    /// The name used in JSON, SQL and the API.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
