//! Numbers with their units, for people.

use crate::measure::Spread;

/// Nanoseconds with a unit that fits.
pub fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{} µs", three(ns / 1e3)),
        ns if ns < 1e9 => format!("{} ms", three(ns / 1e6)),
        ns => format!("{} s", three(ns / 1e9)),
    }
}

/// Bytes with a unit that fits.
pub fn bytes(bytes: usize) -> String {
    let bytes = bytes as f64;
    if bytes < 1024.0 * 1024.0 {
        format!("{} KiB", three(bytes / 1024.0))
    } else {
        format!("{} MiB", three(bytes / 1024.0 / 1024.0))
    }
}

/// A ratio with its quartiles: `1,230× (1,100–1,310)`.
pub fn times(spread: &Spread) -> String {
    format!("{}× ({}–{})", three(spread.median), three(spread.lower_quartile), three(spread.upper_quartile))
}

/// A number with three significant digits.
pub fn three(number: f64) -> String {
    match number.abs() {
        size if size >= 1000.0 => {
            let digits = number.log10().floor() as i32 - 2;
            let unit = 10_f64.powi(digits);
            thousands((number / unit).round() * unit)
        }
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

/// A whole number with commas.
pub fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut written = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(three(1_234_567.0), "1,230,000");
        assert_eq!(three(0.456), "0.46");
        assert_eq!(time(1_534.0), "1.53 µs");
        assert_eq!(bytes(3 * 1024 * 1024), "3.00 MiB");
        assert_eq!(thousands(100_000.0), "100,000");
    }
}
