//! What of a recurrence rule (RFC 5545) is taken, and how its beginning moves on.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime};

/// The largest `INTERVAL` and `COUNT`, so that an occurrence is found in bounded time.
const MAX_NUMBER: u32 = 400;
/// The most characters.
const MAX_LENGTH: usize = 200;

/// What of a rule decides how far its beginning can be moved on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    period: Period,
    counts: bool,
    until: Option<NaiveDate>,
}

/// After which time the occurrences repeat as they were.
#[derive(Debug, Clone, Copy)]
enum Period {
    Days(u32),
    Years(u32),
}

impl Rule {
    /// The rule; `None` for one that is not taken.
    pub fn read(rule: &str) -> Option<Self> {
        const ALSO: [&str; 5] = ["BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS", "WKST"];
        let is_rule = |character: char| {
            character.is_ascii_uppercase() || character.is_ascii_digit() || "=;,+-".contains(character)
        };
        if rule.len() > MAX_LENGTH || !rule.chars().all(is_rule) {
            return None;
        }
        let (mut frequency, mut interval, mut count, mut until) = (None, None, None, None);
        let mut names = std::collections::BTreeSet::new();
        for part in rule.split(';') {
            let (name, value) = part.split_once('=')?;
            if !names.insert(name) {
                return None;
            }
            let number = || value.parse().ok().filter(|number| (1..=MAX_NUMBER).contains(number));
            match name {
                "FREQ" => frequency = Some(value),
                "INTERVAL" => interval = Some(number()?),
                "COUNT" => count = Some(number()?),
                "UNTIL" => {
                    let day = value.get(..8).and_then(|day| NaiveDate::parse_from_str(day, "%Y%m%d").ok());
                    until = Some(day?);
                }
                name if ALSO.contains(&name) => {}
                _ => return None,
            }
        }
        let interval = interval.unwrap_or(1);
        let period = match frequency {
            Some("DAILY") => Period::Days(interval),
            Some("WEEKLY") => Period::Days(7 * interval),
            // Whole years are whole months; every fourth has a 29 February.
            Some("MONTHLY" | "YEARLY") => Period::Years(4 * interval),
            _ => return None,
        };
        match (count, until) {
            (Some(_), Some(_)) => None,
            _ => Some(Self { period, counts: count.is_some(), until }),
        }
    }

    /// A later beginning with the same occurrences from `day` on, so that those before need not be gone through.
    pub fn moved(self, start: NaiveDateTime, day: NaiveDate) -> NaiveDateTime {
        let Some(day) = self.until.map_or(day, |until| until.min(day)).checked_sub_days(Days::new(2)) else {
            return start;
        };
        let moved = match self.period {
            _ if self.counts => None,
            Period::Days(period) => {
                let behind = u64::try_from((day - start.date()).num_days()).unwrap_or(0);
                start.checked_add_days(Days::new(behind - behind % u64::from(period)))
            }
            Period::Years(period) => {
                let behind = u32::try_from(day.year() - 1 - start.year()).unwrap_or(0);
                start.checked_add_months(Months::new(12 * (behind - behind % period)))
            }
        };
        moved.unwrap_or(start)
    }
}
