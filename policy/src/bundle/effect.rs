//! What a decision says.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The answer to "may this agent do this?". Ordered from the strictest: `deny < needs_approval < allow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The action must not happen.
    #[default]
    Deny,
    /// A person has to agree first.
    NeedsApproval,
    /// The action may go ahead.
    Allow,
}

impl Effect {
    /// All effects, strictest first.
    pub const ALL: [Self; 3] = [Self::Deny, Self::NeedsApproval, Self::Allow];

    /// The name used in JSON, SQL and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::NeedsApproval => "needs_approval",
            Self::Allow => "allow",
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is not one of the effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `allow`, `deny` or `needs_approval`")]
pub struct UnknownEffect;

impl FromStr for Effect {
    type Err = UnknownEffect;

    fn from_str(text: &str) -> Result<Self, UnknownEffect> {
        Self::ALL.into_iter().find(|effect| effect.name() == text).ok_or(UnknownEffect)
    }
}
