//! The effects a decision can have.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};

/// The answer to "may this agent do this?". Ordered from the strictest: `deny < needs_approval < allow`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", parse_err_ty = UnknownEffect, parse_err_fn = unknown)]
pub enum Effect {
    /// The action must not happen.
    #[default]
    Deny,
    /// A person must approve the action first.
    NeedsApproval,
    /// The action may go ahead.
    Allow,
}

impl Effect {
    /// All effects, strictest first.
    pub const ALL: [Self; 3] = [Self::Deny, Self::NeedsApproval, Self::Allow];

    /// The name used in JSON, SQL and the API.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The text is not one of the effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `allow`, `deny` or `needs_approval`")]
pub struct UnknownEffect;

const fn unknown(_: &str) -> UnknownEffect {
    UnknownEffect
}
