//! The states of a bundle and the only transitions between them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a bundle stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Editable.
    Draft,
    /// A packet waits for reviewers.
    InReview,
    /// A reviewer asked for changes.
    ChangesRequested,
    /// Signed off, not yet in service.
    Approved,
    /// Refused for good.
    Rejected,
    /// Evaluated beside stable, serves nobody.
    Shadow,
    /// Serves part of the traffic.
    Canary,
    /// Serves all traffic that no canary takes.
    Active,
    /// Another bundle took over.
    Superseded,
    /// Taken out of service.
    RolledBack,
}

/// What makes a bundle change state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Save new content, or withdraw from review.
    Edit,
    /// Build a review packet.
    Submit,
    /// The quorum approved.
    Approve,
    /// A reviewer rejected.
    Reject,
    /// A reviewer asked for changes.
    RequestChanges,
    /// Put into service at 0 % (`shadow`) or 10 %.
    Apply {
        /// Start without traffic.
        shadow: bool,
    },
    /// Raise the share of traffic.
    Promote {
        /// To all traffic.
        to_full: bool,
    },
    /// Take out of service.
    RollBack,
    /// Another bundle reached 100 %.
    Supersede,
    /// Return to 100 % after a later version was rolled back.
    Restore,
}

impl State {
    /// All states, in the order of a bundle's life.
    pub const ALL: [Self; 10] = [
        Self::Draft,
        Self::InReview,
        Self::ChangesRequested,
        Self::Approved,
        Self::Rejected,
        Self::Shadow,
        Self::Canary,
        Self::Active,
        Self::Superseded,
        Self::RolledBack,
    ];

    /// The name used in JSON, SQL and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::InReview => "in_review",
            Self::ChangesRequested => "changes_requested",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Shadow => "shadow",
            Self::Canary => "canary",
            Self::Active => "active",
            Self::Superseded => "superseded",
            Self::RolledBack => "rolled_back",
        }
    }

    /// The state called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
