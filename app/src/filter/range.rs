//! Time ranges of lists.

use std::time::Duration;

use policy::Timestamp;
use serde::{Deserialize, Serialize};

/// A time range that ends now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeRange {
    /// The last 15 minutes.
    Quarter,
    /// The last hour.
    Hour,
    /// The last 24 hours.
    Day,
    /// The last 7 days.
    Week,
    /// The whole history that is stored.
    #[default]
    All,
}

impl TimeRange {
    /// All ranges, shortest first.
    pub const ALL: [Self; 5] = [Self::Quarter, Self::Hour, Self::Day, Self::Week, Self::All];

    /// The value in the address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quarter => "15m",
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::All => "all",
        }
    }

    /// The label of the choice.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Quarter => "Last 15 minutes",
            Self::Hour => "Last hour",
            Self::Day => "Last 24 hours",
            Self::Week => "Last 7 days",
            Self::All => "All time",
        }
    }

    /// The earliest time shown, counted back from `now`; `None` for everything.
    pub fn since(self, now: Timestamp) -> Option<Timestamp> {
        let seconds = match self {
            Self::Quarter => 15 * 60,
            Self::Hour => 60 * 60,
            Self::Day => 24 * 60 * 60,
            Self::Week => 7 * 24 * 60 * 60,
            Self::All => return None,
        };
        Some(now.minus(Duration::from_secs(seconds)))
    }

    /// The range called `name`; everything when there is no such range.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|range| range.name() == name).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_counts_back_from_now() {
        let now = Timestamp::from_unix_seconds(1_000_000);
        assert_eq!(TimeRange::Hour.since(now), Some(Timestamp::from_unix_seconds(1_000_000 - 3600)));
        assert_eq!(TimeRange::All.since(now), None);
    }
}
