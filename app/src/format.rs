//! Numbers and times formatted for people.

use std::time::Duration;

use lifecycle::format::{self, Decimals};
use policy::Timestamp;

/// `1942` → `1,942`
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share from 0 to 1: `0.2491` → `24.9 %`. The space does not break.
pub fn percent(share: f64) -> String {
    let is_whole = (share * 100.0).fract().abs() < 0.05;
    format::percent(share, Decimals::Fixed(if is_whole { 0 } else { 1 })).replace(' ', "\u{a0}")
}

/// A change: `0.14` → `+14 %`, `-0.01` → `−1 %`.
pub fn change(share: f64) -> String {
    let shown = percent(share.abs());
    // What is shown as nothing has no sign, however little it is.
    let sign = match share {
        _ if shown == percent(0.0) => "±",
        share if share < 0.0 => "−",
        _ => "+",
    };
    format!("{sign}{shown}")
}

/// USD: `1.9` → `$1.90`, `-1.9` → `−$1.90`.
pub fn usd(amount: f64) -> String {
    let cents = (amount.abs() * 100.0).round();
    let (whole, rest) = ((cents / 100.0).floor() as u64, (cents % 100.0) as u64);
    format!("{}${}.{rest:02}", if amount < 0.0 { "−" } else { "" }, count(whole))
}

/// `singular` or `plural` with the number before it: `1 rule`, `19 rules`.
pub fn plural(number: u64, singular: &str, plural: &str) -> String {
    format!("{} {}", count(number), if number == 1 { singular } else { plural })
}

/// The two largest units: `4 s`, `12 min`, `7 h 12 min`, `3 d 4 h`.
pub fn duration(length: Duration) -> String {
    let seconds = length.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let text = match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    };
    text.replace(' ', "\u{a0}")
}

/// Only the largest unit: `7 h`.
pub fn coarse(length: Duration) -> String {
    let seconds = length.as_secs();
    let whole = [86_400, 3600, 60].into_iter().find(|unit| seconds >= *unit).unwrap_or(1);
    duration(Duration::from_secs(seconds / whole * whole))
}

/// How long before or after `as_of`: `just now`, `4 min ago`, `in 16 h`.
pub fn relative(at: Timestamp, as_of: Timestamp) -> String {
    if at > as_of {
        let ahead = at.since(as_of);
        if ahead.as_secs() < 1 { "now".to_owned() } else { format!("in {}", coarse(ahead)) }
    } else {
        let ago = as_of.since(at);
        if ago.as_secs() < 5 { "just now".to_owned() } else { format!("{} ago", coarse(ago)) }
    }
}

/// The exact UTC time: `2026-11-22 21:01:02 UTC`.
pub fn exact(at: Timestamp) -> String {
    let text = at.to_string();
    let seconds = text.get(..19).unwrap_or(&text);
    format!("{} UTC", seconds.replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_have_units() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(percent(0.2491), "24.9\u{a0}%");
        assert_eq!(percent(0.1), "10\u{a0}%");
        assert_eq!(change(-0.01), "−1\u{a0}%");
        assert_eq!(change(-0.0001), "±0\u{a0}%");
        assert_eq!(usd(1234.5), "$1,234.50");
        assert_eq!(usd(-1.999), "−$2.00");
        assert_eq!(plural(1, "rule", "rules"), "1 rule");
        assert_eq!(plural(0, "rule", "rules"), "0 rules");
    }

    #[test]
    fn times_use_the_units_people_use() {
        let plain = |text: String| text.replace('\u{a0}', " ");
        let length = |seconds| plain(duration(Duration::from_secs(seconds)));
        assert_eq!(length(4), "4 s");
        assert_eq!(length(720), "12 min");
        assert_eq!(length(7 * 3600 + 720), "7 h 12 min");
        assert_eq!(length(76 * 3600), "3 d 4 h");
        let as_of = Timestamp::from_unix_seconds(1_000_000);
        let at = |offset: i64| plain(relative(Timestamp::from_unix_seconds(1_000_000 + offset), as_of));
        assert_eq!(at(0), "just now");
        assert_eq!(at(-65), "1 min ago");
        assert_eq!(at(-90_000), "1 d ago");
        assert_eq!(at(60_480), "in 16 h");
        assert_eq!(exact("2026-11-22T21:01:02.345678Z".parse().unwrap()), "2026-11-22 21:01:02 UTC");
    }
}
