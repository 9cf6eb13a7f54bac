//! The filter of the decision log, as it stands in the address bar: a link to it shows the same list to anybody.

use std::time::Duration;

use policy::{Timestamp, bundle::Effect, engine::Status};
use serde::{Deserialize, Serialize};

/// How far back to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Range {
    /// The last 15 minutes.
    Quarter,
    /// The last hour.
    Hour,
    /// The last 24 hours.
    Day,
    /// The last 7 days.
    Week,
    /// Everything kept.
    #[default]
    All,
}

impl Range {
    /// All, shortest first.
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

    /// The words of the choice.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Quarter => "Last 15 minutes",
            Self::Hour => "Last hour",
            Self::Day => "Last 24 hours",
            Self::Week => "Last 7 days",
            Self::All => "All time",
        }
    }

    /// The first moment shown, seen from `now`; none for everything.
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

    /// The range with this name; everything when there is none.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|range| range.name() == name).unwrap_or_default()
    }
}

/// What to show.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Only this effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// Only answers that came about like this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Only this agent; empty for all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub agent: String,
    /// Only this action; empty for all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub action: String,
    /// Only what this bundle served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<i64>,
    /// How far back.
    pub range: Range,
    /// Where the page before ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Query {
    /// Reads a query from the parameters of an address. What it does not parse_rules it leaves out.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        Self {
            effect: text("effect").and_then(|name| name.parse().ok()),
            status: text("status").and_then(|name| STATUSES.into_iter().find(|status| status.name() == name)),
            agent: text("agent").unwrap_or_default(),
            action: text("action").unwrap_or_default(),
            bundle: text("bundle").and_then(|id| id.parse().ok()),
            range: text("range").map(|name| Range::from_name(&name)).unwrap_or_default(),
            cursor: text("cursor"),
        }
    }

    /// Whether anything is left out.
    pub fn is_filtered(&self) -> bool {
        *self != Self { cursor: self.cursor.clone(), ..Self::default() }
    }

    /// The address of the list from `cursor` on.
    pub fn link(&self, cursor: Option<&str>) -> String {
        let bundle = self.bundle.map(|id| id.to_string());
        let pairs = [
            ("effect", self.effect.map(Effect::name)),
            ("status", self.status.map(Status::name)),
            ("agent", Some(self.agent.as_str())),
            ("action", Some(self.action.as_str())),
            ("bundle", bundle.as_deref()),
            ("range", (self.range != Range::All).then(|| self.range.name())),
            ("cursor", cursor),
        ];
        let query: Vec<_> = pairs
            .into_iter()
            .filter_map(|(name, value)| {
                let value = value.filter(|value| !value.is_empty())?;
                Some(format!("{name}={}", escape(value)))
            })
            .collect();
        if query.is_empty() { "/decisions".to_owned() } else { format!("/decisions?{}", query.join("&")) }
    }
}

/// All ways an answer can come about.
pub const STATUSES: [Status; 3] = [Status::Matched, Status::NoMatch, Status::Error];

/// Percent-encodes what may not stand in a query.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Query {
        Query::read(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn an_address_is_read_and_written_back() {
        let query = read(&[("effect", "deny"), ("agent", " inbox.* "), ("range", "1h"), ("bundle", "7")]);
        assert_eq!(query.effect, Some(Effect::Deny));
        assert!(query.is_filtered());
        assert_eq!(query.link(None), "/decisions?effect=deny&agent=inbox.%2A&bundle=7&range=1h");
        assert_eq!(query.link(Some("a b")), format!("{}&cursor=a%20b", query.link(None)));
    }

    #[test]
    fn nonsense_is_left_out() {
        let query = read(&[("effect", "maybe"), ("status", ""), ("bundle", "x"), ("range", "forever")]);
        assert_eq!(query, Query::default());
        assert!(!query.is_filtered());
        assert_eq!(query.link(None), "/decisions");
    }

    #[test]
    fn a_range_counts_back_from_now() {
        let now = Timestamp::from_unix_seconds(1_000_000);
        assert_eq!(Range::Hour.since(now), Some(Timestamp::from_unix_seconds(1_000_000 - 3600)));
        assert_eq!(Range::All.since(now), None);
    }
}
