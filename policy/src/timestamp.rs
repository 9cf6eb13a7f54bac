//! Points in time as values. This crate never reads a clock.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// A UTC time in whole microseconds (the resolution of Postgres), written as RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(OffsetDateTime);

impl Timestamp {
    /// The first moment of 1970 (UTC).
    pub const EPOCH: Self = Self(OffsetDateTime::UNIX_EPOCH);

    /// The time `seconds` after 1970 began, clamped to the years that can be written.
    pub fn from_unix_seconds(seconds: i64) -> Self {
        OffsetDateTime::from_unix_timestamp(seconds).map_or(Self::EPOCH, Self)
    }

    /// Whole seconds since 1970 began.
    pub fn unix_seconds(self) -> i64 {
        self.0.unix_timestamp()
    }

    /// The time that has passed since `earlier`; zero when `self` is not later than `earlier`.
    pub fn since(self, earlier: Self) -> Duration {
        (self.0 - earlier.0).try_into().unwrap_or(Duration::ZERO)
    }

    /// This time plus `by`; unchanged when the result is out of range.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        time::Duration::try_from(by).ok().and_then(|by| self.0.checked_add(by)).map_or(self, Self)
    }

    /// This time minus `by`; unchanged when the result is out of range.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        time::Duration::try_from(by).ok().and_then(|by| self.0.checked_sub(by)).map_or(self, Self)
    }

    /// The year, for incident numbers.
    pub fn year(self) -> i32 {
        self.0.year()
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(at: OffsetDateTime) -> Self {
        let at = at.to_offset(UtcOffset::UTC);
        let micros = at.microsecond();
        Self(at.replace_microsecond(micros).unwrap_or(at))
    }
}

impl From<Timestamp> for OffsetDateTime {
    fn from(at: Timestamp) -> Self {
        at.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(&Rfc3339).unwrap_or_default())
    }
}

/// A text is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a time with its zone, such as `2026-01-31T12:00:00Z` or `2026-01-31T13:00:00+01:00`, not `{shown}`")]
pub struct NotATime {
    shown: String,
}

impl FromStr for Timestamp {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        // Longer texts are cut in the message.
        const SHOWN: usize = 40;
        let not_a_time = || NotATime { shown: text.chars().take(SHOWN).collect() };
        OffsetDateTime::parse(text, &Rfc3339).map(Self::from).map_err(|_| not_a_time())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_survives_being_written_and_read() {
        let at: Timestamp = "2026-11-22T23:01:02.345678+02:00".parse().unwrap();
        assert_eq!(at.to_string(), "2026-11-22T21:01:02.345678Z");
        assert_eq!(at.to_string().parse::<Timestamp>().unwrap(), at);
    }

    #[test]
    fn what_is_no_time_is_refused_with_an_example() {
        for text in ["", "yesterday", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31 12:00", "1768000000"] {
            let said = text.parse::<Timestamp>().unwrap_err().to_string();
            assert!(said.contains("`2026-01-31T12:00:00Z`") && said.ends_with(&format!("not `{text}`")), "{said}");
        }
    }

    #[test]
    fn time_never_runs_backwards() {
        let early = Timestamp::from_unix_seconds(10);
        let late = early.plus(Duration::from_secs(5));
        assert_eq!(late.since(early), Duration::from_secs(5));
        assert_eq!(early.since(late), Duration::ZERO);
    }
}
