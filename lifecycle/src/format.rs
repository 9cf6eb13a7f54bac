//! Numbers and durations in the sentences that gates, alarms and incidents write.

/// How many decimals a percentage has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decimals {
    /// Exactly this many.
    Fixed(usize),
    /// At most this many; zeros at the end are left out.
    UpTo(usize),
}

/// A percentage from which on only its size is shown.
const TOO_LARGE: f64 = 1_000_000.0;

/// `share`, 0–1, as a percentage: `0.072` is `7.2 %`.
pub fn percent(share: f64, decimals: Decimals) -> String {
    let percent = share * 100.0;
    if percent.is_nan() || percent.abs() >= TOO_LARGE {
        return format!("more than {TOO_LARGE} %");
    }
    let number = match decimals {
        Decimals::Fixed(count) => format!("{percent:.count$}"),
        Decimals::UpTo(count) => {
            let number = format!("{percent:.count$}");
            let number = if count > 0 { number.trim_end_matches('0').trim_end_matches('.') } else { number.as_str() };
            if number == "-0" { "0".to_owned() } else { number.to_owned() }
        }
    };
    format!("{number} %")
}

/// `share`, 0–1, as a percentage with at most two decimals: rates and limits.
pub fn rate_percent(share: f64) -> String {
    percent(share, Decimals::UpTo(2))
}

/// A rate and the limit beside it, with as many decimals as it takes to tell them apart: `20.004 %` exceeds `20 %`.
pub fn rate_and_limit(rate: f64, limit: f64) -> (String, String) {
    let both = |count| (percent(rate, Decimals::UpTo(count)), percent(limit, Decimals::UpTo(count)));
    (2..=6).map(both).find(|(rate, limit)| rate != limit).unwrap_or_else(|| both(2))
}

/// `90061` as `1 day 1 hour`: the two largest units, without units that are zero. `seconds` is a length of time.
pub fn duration_words(seconds: u64) -> String {
    let units = [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];
    let mut left = seconds;
    let mut words = Vec::new();
    for (name, size) in units {
        let count = left / size;
        left %= size;
        if count > 0 {
            words.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        } else if !words.is_empty() {
            break;
        }
        if words.len() == 2 {
            break;
        }
    }
    if words.is_empty() { "0 seconds".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_have_the_decimals_asked_for() {
        assert_eq!(percent(0.072, Decimals::UpTo(2)), "7.2 %");
        assert_eq!(percent(0.161_29, Decimals::UpTo(2)), "16.13 %");
        assert_eq!(percent(1.0, Decimals::UpTo(0)), "100 %");
        assert_eq!(percent(-0.000_01, Decimals::UpTo(2)), "0 %");
        assert_eq!(percent(0.05, Decimals::Fixed(1)), "5.0 %");
        assert_eq!(percent(0.2496, Decimals::Fixed(1)), "25.0 %");
        assert_eq!(percent(0.2496, Decimals::Fixed(0)), "25 %");
        assert_eq!(rate_and_limit(0.200_04, 0.2), ("20.004 %".to_owned(), "20 %".to_owned()));
        assert_eq!(rate_and_limit(0.072, 0.05), ("7.2 %".to_owned(), "5 %".to_owned()));
        assert_eq!(percent(1e300, Decimals::UpTo(2)), "more than 1000000 %");
        assert_eq!(percent(f64::INFINITY, Decimals::UpTo(2)), "more than 1000000 %");
    }

    #[test]
    fn durations_are_written_in_two_units() {
        assert_eq!(duration_words(0), "0 seconds");
        assert_eq!(duration_words(61), "1 minute 1 second");
        assert_eq!(duration_words(90_061), "1 day 1 hour");
        assert_eq!(duration_words(86_399), "23 hours 59 minutes");
        assert_eq!(duration_words(86_401), "1 day");
    }
}
