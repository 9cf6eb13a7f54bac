//! Random JSON texts, including unusual and broken ones. For tests only.

use serde_json::Value;

use crate::random::Random;

/// Ways to write a value, some of which are not JSON.
pub const ODD: [&str; 24] = [
    "1e400",
    "-1e400",
    "-0",
    "-0.0",
    "0e999",
    "1E+2",
    "1e-400",
    "5e-324",
    "0.1",
    "100e-2",
    "9007199254740993",
    "0.30000000000000004",
    "123456789012345678901234567890",
    "1.7976931348623157e308",
    "01",
    "1.",
    ".5",
    "-",
    "1e",
    "+1",
    "nul",
    "true",
    "[[],{\"a\":\"\\n\"}]",
    "\"\\ud83d\\ude00\"",
];

/// Appends `value` as JSON text, sometimes with variations: whitespace, escapes, repeated keys, or another value in its
/// place.
pub fn write_value(value: &Value, random: &mut Random, out: &mut String) {
    if random.chance(2) {
        return out.push_str(ODD[random.below(ODD.len())]);
    }
    if random.chance(5) {
        out.push_str([" ", "\n", "\t\r ", "  "][random.below(4)]);
    }
    match value {
        Value::Object(members) => {
            out.push('{');
            let mut first = true;
            for (key, value) in members {
                // Rarely, the key appears twice, the first time with another value.
                for last in [false, true] {
                    if !last && !random.chance(1) {
                        continue;
                    }
                    out.push_str(if first { "" } else { ", " });
                    first = false;
                    out.push_str(&write_string(key, random));
                    out.push(':');
                    match (last, random.below(3)) {
                        (true, _) => write_value(value, random, out),
                        (false, 0) => out.push_str("{\"domain\":\"ab\", \"x\":[1,{}]}"),
                        (false, 1) => out.push_str("1e2"),
                        (false, _) => out.push_str("\"a\""),
                    }
                }
            }
            out.push('}');
        }
        Value::String(text) => out.push_str(&write_string(text, random)),
        other => out.push_str(&other.to_string()),
    }
}

/// `text` as a JSON string in which some characters are escaped.
pub fn write_string(text: &str, random: &mut Random) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        if random.chance(20) { out.push_str(&format!("\\u{:04x}", u32::from(c))) } else { out.push(c) }
    }
    out + "\""
}

/// `text` with one byte removed, replaced or added.
pub fn broken(text: &str, random: &mut Random) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let at = random.below(bytes.len());
    match random.below(3) {
        0 => bytes.truncate(at),
        1 => bytes[at] = random.bits().to_le_bytes()[0],
        _ => bytes.insert(at, b"\"{}[],:0-e\\\x00"[random.below(12)]),
    }
    bytes
}
