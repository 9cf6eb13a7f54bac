//! When a freeze holds: a first time by the clock of a place, how long, and a rule by which that repeats.
//!
//! Both ends are times on the wall of that place: a weekend from Friday 18:00 to Monday 08:00 ends on Monday at 08:00, whether
//! or not the clocks were changed in it. A beginning that the clocks skip moves on by what they skip; an end that they skip or
//! show twice is taken as the later one, so that a freeze is never too short.

use chrono::{DateTime, Datelike, Days, Duration, NaiveDateTime, NaiveTime, TimeZone};
use policy::Timestamp;
use rrule::{RRuleSet, Tz};
use serde::{Deserialize, Serialize};

use super::rule::Rule;

/// The rule of what happens once.
const ONCE: &str = "FREQ=DAILY;COUNT=1";

/// By how many minutes clocks are put forward: not at all, by an hour or less, two, or a day.
const SKIPS: [i64; 4] = [0, 60, 120, 1_440];

/// The longest time of one occurrence, in minutes: a quarter of a year.
const MAX_MINUTES: u32 = 92 * 24 * 60;
/// Most occurrences that can have begun in that time and a day more: one a day, since a rule names no time of the day.
const MOST: u16 = 95;
/// The years in which a freeze may begin first: every fourth of them is a leap year.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2099;
/// The most characters of the name of a zone.
const MAX_LENGTH: usize = 200;

/// When a freeze holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recurrence {
    /// When it begins first, by the clock of the zone: `2026-12-18T18:00`.
    pub starts_at: String,
    /// The place whose clock counts, by its IANA name: `Europe/Berlin`, `UTC`.
    pub zone: String,
    /// How long it lasts, in minutes on that clock.
    pub minutes: u32,
    /// How it repeats, as an RFC 5545 rule: `FREQ=WEEKLY;BYDAY=FR`; `None` is once.
    #[serde(default)]
    pub rule: Option<String>,
}

/// A time in which a freeze holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// From then on.
    pub since: Timestamp,
    /// Until then; `None` until a person ends it.
    pub until: Option<Timestamp>,
}

/// What is wrong with a recurrence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecurrenceFault {
    /// The first time cannot be read.
    #[error("is a time on the clock of the zone, from 2000 to 2099, such as `2026-12-18T18:00`")]
    Start,
    /// The zone is not known.
    #[error("is the IANA name of a time zone, such as `Europe/Berlin` or `UTC`")]
    Zone,
    /// The length is out of range.
    #[error("lasts 1 minute to 92 days (132480 minutes)")]
    Length,
    /// The rule cannot be read.
    #[error(
        "is a rule of RFC 5545 such as `FREQ=WEEKLY;BYDAY=FR`: FREQ is DAILY, WEEKLY, MONTHLY or YEARLY; INTERVAL and COUNT are \
         1 to 400, and COUNT excludes UNTIL; BYDAY, BYMONTH, BYMONTHDAY, BYSETPOS and WKST may follow. The time of the day is \
         that of `starts_at`"
    )]
    Rule,
    /// There is no occurrence from now on.
    #[error("never holds from now on")]
    Never,
}

impl RecurrenceFault {
    /// The pointer to the member that is wrong, below the recurrence.
    pub const fn pointer(&self) -> &'static str {
        match self {
            Self::Start => "/starts_at",
            Self::Zone => "/zone",
            Self::Length => "/minutes",
            Self::Rule => "/rule",
            Self::Never => "",
        }
    }
}

impl Recurrence {
    /// Whether it can be read and holds at some time from `now` on.
    ///
    /// # Errors
    /// The first member that is wrong.
    pub fn check(&self, now: Timestamp) -> Result<(), RecurrenceFault> {
        if !(1..=MAX_MINUTES).contains(&self.minutes) {
            return Err(RecurrenceFault::Length);
        }
        let around = utc(now).ok_or(RecurrenceFault::Never)?;
        self.set(around)?;
        let holds = self.around(now).is_some() || self.next_after(now).is_some();
        if holds { Ok(()) } else { Err(RecurrenceFault::Never) }
    }

    /// The occurrence that `now` lies in. Of several the one that ends last, and of those the one that began first. What
    /// cannot be read holds.
    pub fn around(&self, now: Timestamp) -> Option<Occurrence> {
        let unreadable = Some(Occurrence { since: now, until: None });
        let Some(around) = utc(now) else { return unreadable };
        let Ok(set) = self.set(around) else { return unreadable };
        let begun = set.after(self.earliest(around)).before(around).all(MOST).dates;
        let around = begun.iter().map(|start| (start, self.end(start))).filter(|(_, end)| *end > around);
        let (start, end) =
            around.fold(None, |last: Option<(&DateTime<Tz>, DateTime<Tz>)>, (start, end)| match last {
                Some(last) if last.1 >= end => Some(last),
                _ => Some((start, end)),
            })?;
        Some(Occurrence { since: timestamp(start), until: Some(timestamp(&end)) })
    }

    /// The first occurrence that begins after `now`.
    pub fn next_after(&self, now: Timestamp) -> Option<Occurrence> {
        let now = utc(now)?;
        let set = self.set(now).ok()?;
        let start = set.after(now + Duration::seconds(1)).all(1).dates.into_iter().next()?;
        Some(Occurrence { since: timestamp(&start), until: Some(timestamp(&self.end(&start))) })
    }

    /// The time after which an occurrence begins that holds at `now`: a day more than its length covers every change of the
    /// clocks.
    fn earliest(&self, now: DateTime<Tz>) -> DateTime<Tz> {
        now - Duration::minutes(i64::from(self.minutes)) - Duration::days(1)
    }

    /// The occurrences, those that ended long before `now` left out.
    fn set(&self, now: DateTime<Tz>) -> Result<RRuleSet, RecurrenceFault> {
        let start =
            NaiveDateTime::parse_from_str(&self.starts_at, "%Y-%m-%dT%H:%M").map_err(|_| RecurrenceFault::Start)?;
        if !YEARS.contains(&start.year()) {
            return Err(RecurrenceFault::Start);
        }
        let is_name = |character: char| character.is_ascii_alphanumeric() || "/_+-".contains(character);
        // `LOCAL` would be the zone of the machine.
        let local = self.zone.eq_ignore_ascii_case("local");
        if self.zone.is_empty() || self.zone.len() > MAX_LENGTH || local || !self.zone.chars().all(is_name) {
            return Err(RecurrenceFault::Zone);
        }
        let read = |start: NaiveDateTime, rule: &str| {
            let head = format!("DTSTART;TZID={}:{}", self.zone, start.format("%Y%m%dT%H%M%S"));
            format!("{head}\nRRULE:{rule}").parse::<RRuleSet>()
        };
        // No clock skips noon, so that it tells the zone.
        let noon = start.date().and_time(NaiveTime::from_hms_opt(12, 0, 0).unwrap_or_default());
        let zone = read(noon, ONCE).map_err(|_| RecurrenceFault::Zone)?.get_dt_start().timezone();
        let start = match &self.rule {
            Some(rule) => {
                Rule::read(rule).ok_or(RecurrenceFault::Rule)?.moved(start, self.earliest(now).naive_utc().date())
            }
            None => start,
        };
        // A beginning that the clocks skip moves on by what they skip.
        let shown = SKIPS.map(|minutes| start + Duration::minutes(minutes));
        let start = shown.into_iter().find(|start| zone.from_local_datetime(start).earliest().is_some());
        let start = start.ok_or(RecurrenceFault::Start)?;
        match &self.rule {
            Some(rule) => read(start, rule).map_err(|_| RecurrenceFault::Rule),
            None => read(start, ONCE).map_err(|_| RecurrenceFault::Start),
        }
    }

    /// The end of the occurrence that begins at `start`.
    fn end(&self, start: &DateTime<Tz>) -> DateTime<Tz> {
        let shown = start.naive_local() + Duration::minutes(i64::from(self.minutes));
        // An end that the clocks skip moves on like a beginning.
        let places = SKIPS.map(|minutes| shown + Duration::minutes(minutes));
        let zone = start.timezone();
        let end = places.iter().find_map(|place| zone.from_local_datetime(place).latest());
        end.unwrap_or_else(|| *start + Days::new(1) + Duration::minutes(i64::from(self.minutes)))
    }
}

fn utc(at: Timestamp) -> Option<DateTime<Tz>> {
    Tz::UTC.timestamp_opt(at.unix_seconds(), 0).single()
}

fn timestamp(at: &DateTime<Tz>) -> Timestamp {
    Timestamp::from_unix_seconds(at.timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn recurrence(starts_at: &str, zone: &str, minutes: u32, rule: Option<&str>) -> Recurrence {
        Recurrence { starts_at: starts_at.into(), zone: zone.into(), minutes, rule: rule.map(str::to_owned) }
    }

    fn at(text: &str) -> Timestamp {
        serde_json::from_value(serde_json::json!(text)).unwrap()
    }

    fn around(recurrence: &Recurrence, now: &str) -> Option<(Timestamp, Timestamp)> {
        recurrence.around(at(now)).map(|found| (found.since, found.until.unwrap()))
    }

    #[test]
    fn a_weekend_ends_by_the_clock_whether_or_not_it_was_changed() {
        // Friday 18:00 to Monday 08:00.
        let weekend = recurrence("2026-01-02T18:00", "Europe/Berlin", 62 * 60, Some("FREQ=WEEKLY;BYDAY=FR"));
        assert_eq!(weekend.check(at("2026-01-01T00:00:00Z")), Ok(()));
        let spring = (at("2026-03-27T17:00:00Z"), at("2026-03-30T06:00:00Z"));
        assert_eq!(around(&weekend, "2026-03-28T12:00:00Z"), Some(spring), "one hour shorter");
        let autumn = (at("2026-10-23T16:00:00Z"), at("2026-10-26T07:00:00Z"));
        assert_eq!(around(&weekend, "2026-10-25T12:00:00Z"), Some(autumn), "one hour longer");
        let usual = (at("2026-06-05T16:00:00Z"), at("2026-06-08T06:00:00Z"));
        assert_eq!(around(&weekend, "2026-06-05T16:00:00Z"), Some(usual), "from the first second");
        assert_eq!(around(&weekend, "2026-06-05T15:59:59Z"), None);
        assert_eq!(around(&weekend, "2026-06-08T06:00:00Z"), None, "not at the end itself");
        assert_eq!(around(&weekend, "2026-06-10T12:00:00Z"), None);
    }

    #[test]
    fn clocks_that_skip_or_repeat_an_hour_make_no_freeze_too_short() {
        // On 29 March 2026 the clocks of Berlin go from 02:00 to 03:00, on 25 October from 03:00 to 02:00.
        let night = |day: &str, minutes| recurrence(&format!("{day}T01:30"), "Europe/Berlin", minutes, None);
        let skipped = around(&night("2026-03-29", 60), "2026-03-29T00:45:00Z");
        assert_eq!(
            skipped,
            Some((at("2026-03-29T00:30:00Z"), at("2026-03-29T01:30:00Z"))),
            "02:30 is not shown: 03:30"
        );
        let repeated = around(&night("2026-10-25", 60), "2026-10-25T01:15:00Z");
        assert_eq!(repeated, Some((at("2026-10-24T23:30:00Z"), at("2026-10-25T01:30:00Z"))), "02:30 is shown twice");
        let inside = recurrence("2026-03-29T02:30", "Europe/Berlin", 60, None);
        assert!(around(&inside, "2026-03-29T01:45:00Z").is_some(), "the beginning moves on");
        // Every night, across both changes, there is one.
        let nightly = recurrence("2026-03-01T02:30", "America/New_York", 60, Some("FREQ=DAILY"));
        for day in 1..=30 {
            let noon = format!("2026-03-{day:02}T12:00:00Z");
            let next = nightly.next_after(at(&noon)).unwrap();
            let hours = next.since.since(at(&noon)).as_secs() / 3600;
            assert!((16..=20).contains(&hours), "{noon}: {next:?}");
        }
    }

    #[test]
    fn once_is_once_and_a_rule_may_end() {
        let once = recurrence("2026-12-18T18:00", "UTC", 60, None);
        assert!(around(&once, "2026-12-18T18:30:00Z").is_some());
        assert_eq!(around(&once, "2026-12-19T18:30:00Z"), None);
        assert_eq!(once.next_after(at("2026-12-18T18:00:00Z")), None);
        assert_eq!(once.next_after(at("2026-12-01T00:00:00Z")).unwrap().since, at("2026-12-18T18:00:00Z"));
        let until = recurrence("2026-12-01T18:00", "UTC", 60, Some("FREQ=DAILY;UNTIL=20261203T180000Z"));
        assert!(around(&until, "2026-12-03T18:30:00Z").is_some());
        assert_eq!(around(&until, "2026-12-04T18:30:00Z"), None);
    }

    #[test]
    fn occurrences_that_overlap_are_one_until_the_last_ends() {
        let daily = recurrence("2026-01-01T00:00", "UTC", 36 * 60, Some("FREQ=DAILY;COUNT=3"));
        assert_eq!(
            around(&daily, "2026-01-02T06:00:00Z"),
            Some((at("2026-01-02T00:00:00Z"), at("2026-01-03T12:00:00Z"))),
            "the one that ends last"
        );
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let fault = |starts_at: &str, zone: &str, minutes, rule| {
            recurrence(starts_at, zone, minutes, rule).check(at("2026-11-30T00:00:00Z")).unwrap_err().pointer()
        };
        let start = "2026-12-18T18:00";
        for wrong in [
            "",
            "0001-01-01T00:00",
            "1999-12-31T00:00",
            "2100-01-01T00:00",
            "-2026-01-01T00:00",
            "2026-13-18T18:00",
            "2026-12-18",
            "2026-12-18T18:00:00Z",
            "18.12.2026 18:00",
        ] {
            assert_eq!(fault(wrong, "UTC", 60, None), "/starts_at", "{wrong}");
        }
        for wrong in ["", "Nowhere/Zone", "local", "LOCAL", "UTC\nRRULE:FREQ=DAILY", "UTC:20200101T000000"] {
            assert_eq!(fault(start, wrong, 60, None), "/zone", "{wrong}");
        }
        assert_eq!(fault(start, "UTC", 0, None), "/minutes");
        assert_eq!(fault(start, "UTC", MAX_MINUTES + 1, None), "/minutes");
        for wrong in [
            "",
            "weekly",
            "FREQ=HOURLY",
            "FREQ=SECONDLY",
            "FREQ=DAILY\nEXDATE:20200101T000000Z",
            "FREQ=DAILY;INTERVAL=X",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;COUNT=0",
            "FREQ=DAILY;COUNT=2;UNTIL=20270101T000000Z",
            "FREQ=DAILY;BYHOUR=0,12",
            "FREQ=DAILY;BYMINUTE=0",
            "FREQ=DAILY;FREQ=WEEKLY",
            "FREQ=DAILY;",
        ] {
            assert_eq!(fault(start, "UTC", 60, Some(wrong)), "/rule", "{wrong}");
        }
    }

    #[test]
    fn what_never_holds_again_is_refused() {
        let now = at("2026-11-30T00:00:00Z");
        let fault = |starts_at: &str, rule| recurrence(starts_at, "UTC", 60, rule).check(now);
        assert_eq!(fault("2020-01-01T00:00", None), Err(RecurrenceFault::Never));
        assert_eq!(fault("2026-11-29T23:30", None), Ok(()), "it holds now");
        for rule in [
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=31",
            "FREQ=DAILY;UNTIL=20260101T000000Z",
            "FREQ=DAILY;COUNT=5",
        ] {
            assert!(fault("2020-01-01T00:00", Some(rule)).is_err(), "{rule}");
        }
    }

    #[test]
    fn what_cannot_be_read_holds() {
        let unreadable = recurrence("2026-12-18T18:00", "Nowhere/Zone", 60, None);
        assert!(unreadable.around(at("2026-01-01T00:00:00Z")).is_some());
    }

    proptest! {
        /// Moving the beginning on changes no occurrence: those of a freeze that began long ago are those that a walk from
        /// its first one finds.
        #[test]
        fn an_old_beginning_has_the_occurrences_of_a_walk_from_it(
            seconds in 1_767_225_600_i64..1_830_000_000, minutes in 1_u32..10_000, zone in 0_usize..3, rule in 0_usize..9,
        ) {
            let zones = ["UTC", "Europe/Berlin", "America/New_York"];
            let rules = [
                "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;WKST=SU",
                "FREQ=MONTHLY;INTERVAL=5;BYMONTHDAY=31", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
                "FREQ=YEARLY;INTERVAL=3", "FREQ=DAILY;UNTIL=20270601T000000Z", "FREQ=MONTHLY;BYDAY=MO,TU,WE;BYSETPOS=-1",
            ];
            let recurrence = recurrence("2016-02-29T11:30", zones[zone], minutes, Some(rules[rule]));
            let now = Timestamp::from_unix_seconds(seconds);
            let head = format!("DTSTART;TZID={}:20160229T113000\nRRULE:{}", zones[zone], rules[rule]);
            let walk: RRuleSet = head.parse().unwrap();
            let all = walk.all(5_000).dates;
            let begun = |start: &&DateTime<Tz>| start.timestamp() <= seconds && recurrence.end(start).timestamp() > seconds;
            prop_assert_eq!(recurrence.around(now).is_some(), all.iter().any(|start| begun(&start)));
            let next = all.iter().find(|start| start.timestamp() > seconds).map(timestamp);
            prop_assert_eq!(recurrence.next_after(now).map(|next| next.since), next);
        }

        /// Whatever is asked: an occurrence around a time contains it, and the next one begins after it.
        #[test]
        fn an_occurrence_contains_the_time_it_is_around(
            seconds in 1_767_225_600_i64..1_830_000_000, minutes in 1_u32..10_000, zone in 0_usize..5, rule in 0_usize..4,
        ) {
            let zones = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"];
            let rules = [None, Some("FREQ=DAILY"), Some("FREQ=WEEKLY;BYDAY=MO,FR"), Some("FREQ=MONTHLY;BYDAY=-1FR")];
            let recurrence = recurrence("2026-01-02T01:30", zones[zone], minutes, rules[rule]);
            let now = Timestamp::from_unix_seconds(seconds);
            if let Some(found) = recurrence.around(now) {
                prop_assert!(found.since <= now && found.until.is_some_and(|until| until > now), "{found:?}");
            }
            if let Some(next) = recurrence.next_after(now) {
                prop_assert!(next.since > now && next.until.is_some_and(|until| until > next.since), "{next:?}");
                let inside = recurrence.around(next.since);
                prop_assert!(inside.is_some(), "it holds when it begins: {next:?}");
            }
        }
    }
}
