//! The two bundles that may serve a request.

use serde::{Deserialize, Serialize};

/// Which bundle served a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// The bundle at 100 %.
    Stable,
    /// The bundle beside it.
    Canary,
    /// No bundle: none is live, or evaluation is disabled.
    None,
}

impl Arm {
    /// The name used in JSON, SQL and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Canary => "canary",
            Self::None => "none",
        }
    }
}
