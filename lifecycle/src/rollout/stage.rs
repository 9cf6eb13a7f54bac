//! The stages of a rollout.

use serde::{Deserialize, Serialize};

/// A stage of a rollout: the share of traffic that a bundle gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// 0 %: evaluated next to stable without serving anyone.
    Shadow,
    /// 10 %
    Canary10,
    /// 50 %
    Canary50,
    /// 100 %
    Active,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Self; 4] = [Self::Shadow, Self::Canary10, Self::Canary50, Self::Active];

    /// The stage's share of traffic in percent.
    pub const fn percent(self) -> i16 {
        match self {
            Self::Shadow => 0,
            Self::Canary10 => 10,
            Self::Canary50 => 50,
            Self::Active => 100,
        }
    }

    /// The stage with this share of traffic.
    pub fn from_percent(percent: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.percent() == percent)
    }

    /// The only stage a bundle may be promoted to from here.
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Shadow => Some(Self::Canary10),
            Self::Canary10 => Some(Self::Canary50),
            Self::Canary50 => Some(Self::Active),
            Self::Active => None,
        }
    }
}
