//! The filter of the decision log.

use policy::{bundle::Effect, engine::Status};
use serde::{Deserialize, Serialize};

use super::{
    address::{link, parameter},
    range::TimeRange,
};

/// Which decisions to show.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DecisionFilter {
    /// Only this effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// Only decisions with this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Only this agent; empty for all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub agent: String,
    /// Only this action; empty for all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub action: String,
    /// Only decisions of this bundle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<i64>,
    /// The time range.
    pub range: TimeRange,
    /// The cursor at which the previous page ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl DecisionFilter {
    /// Reads a filter from the parameters of an address. Values that cannot be read are left out.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| parameter(&get, name);
        Self {
            effect: text("effect").and_then(|name| name.parse().ok()),
            status: text("status").and_then(|name| STATUSES.into_iter().find(|status| status.name() == name)),
            agent: text("agent").unwrap_or_default(),
            action: text("action").unwrap_or_default(),
            bundle: text("bundle").and_then(|id| id.parse().ok()),
            range: text("range").map(|name| TimeRange::from_name(&name)).unwrap_or_default(),
            cursor: text("cursor"),
        }
    }

    /// Whether any decision is filtered out.
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
            ("range", (self.range != TimeRange::All).then(|| self.range.name())),
            ("cursor", cursor),
        ];
        link("/decisions", &pairs)
    }
}

/// All statuses, in the order of the choices.
pub const STATUSES: [Status; 3] = [Status::Matched, Status::NoMatch, Status::Error];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> DecisionFilter {
        DecisionFilter::read(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn an_address_is_read_and_written_back() {
        let filter = read(&[("effect", "deny"), ("agent", " inbox.* "), ("range", "1h"), ("bundle", "7")]);
        assert_eq!(filter.effect, Some(Effect::Deny));
        assert!(filter.is_filtered());
        assert_eq!(filter.link(None), "/decisions?effect=deny&agent=inbox.%2A&bundle=7&range=1h");
        assert_eq!(filter.link(Some("a b")), format!("{}&cursor=a%20b", filter.link(None)));
    }

    #[test]
    fn nonsense_is_left_out() {
        let filter = read(&[("effect", "maybe"), ("status", ""), ("bundle", "x"), ("range", "forever")]);
        assert_eq!(filter, DecisionFilter::default());
        assert!(!filter.is_filtered());
        assert_eq!(filter.link(None), "/decisions");
    }
}
