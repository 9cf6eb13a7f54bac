//! Numbers, read to the nearest double.

/// The double nearest to the JSON number at the start of `text`, and the length of the number in bytes. Returns `None`
/// for text that is not a number, and for a number out of the range of doubles.
#[inline]
pub(super) fn read_number(text: &str) -> Option<(f64, usize)> {
    let bytes = text.as_bytes();
    let negative = bytes.first() == Some(&b'-');
    let mut at = usize::from(negative);
    let (mut number, first) = (0, bytes.get(at));
    let whole = read_digits(bytes, at, &mut number);
    if whole == 0 || (whole > 1 && first == Some(&b'0')) {
        return None;
    }
    at += whole;
    let mut fraction = 0;
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        fraction = read_digits(bytes, at, &mut number);
        if fraction == 0 {
            return None;
        }
        at += fraction;
    }
    let exponent = matches!(bytes.get(at), Some(b'e' | b'E'));
    if exponent {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        let digits = read_digits(bytes, at, &mut 0);
        if digits == 0 {
            return None;
        }
        at += digits;
    }
    if exponent || whole + fraction > EXACT_DIGITS {
        let number: f64 = text.get(..at)?.parse().ok()?;
        return number.is_finite().then_some((number, at));
    }
    // Both operands are exact doubles, so the quotient is the double nearest to the written number.
    let positive = if fraction == 0 { number as f64 } else { number as f64 / POWERS_OF_TEN.get(fraction)? };
    Some((if negative { -positive } else { positive }, at))
}

/// Counts the digits at `at` and appends them to `number`. With more than nineteen digits, `number` is meaningless.
#[inline]
fn read_digits(bytes: &[u8], at: usize, number: &mut u64) -> usize {
    // Eight digits are read at once when possible.
    if let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let word = u64::from_le_bytes(*word) ^ (ONES * b'0' as u64);
        let other = (word.wrapping_add(ONES * 0x76) | word) & HIGH;
        let count = (other.trailing_zeros() / 8) as usize;
        if let (1.., Some(power)) = (count, WHOLE_POWERS_OF_TEN.get(count)) {
            *number = number.wrapping_mul(*power).wrapping_add(eight_digits(word << (64 - 8 * count)));
            return count;
        }
    }
    let mut end = at;
    while let Some(digit) = bytes.get(end).map(|byte| byte.wrapping_sub(b'0'))
        && digit < 10
    {
        *number = number.wrapping_mul(10).wrapping_add(digit.into());
        end += 1;
    }
    end - at
}

/// Every number with this many digits is an exact double.
const EXACT_DIGITS: usize = 15;
const POWERS_OF_TEN: [f64; EXACT_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

const WHOLE_POWERS_OF_TEN: [u64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// The number written by eight digits, one per byte, the first digit in the lowest byte.
const fn eight_digits(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(1 + (10 << 8)) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(1 + (100 << 16)) >> 16 & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(1 + (10_000 << 32)) >> 32
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;
