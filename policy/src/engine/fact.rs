//! One value of an input, as far as conditions can distinguish it from others.

use serde_json::Value;

/// The value at a field, without the contents of arrays and objects, which no condition reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fact<'a> {
    /// Absent or null.
    Missing,
    /// A boolean.
    Bool(bool),
    /// A number, as the double nearest to it.
    Number(f64),
    /// A string.
    Text(&'a str),
    /// An array.
    Array,
    /// An object.
    Object,
}

impl<'a> From<&'a Value> for Fact<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Missing,
            Value::Bool(flag) => Self::Bool(*flag),
            // Every JSON number has a nearest double.
            Value::Number(number) => number.as_f64().map_or(Self::Missing, Self::Number),
            Value::String(text) => Self::Text(text),
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }
}

impl<'a> From<Option<&'a Value>> for Fact<'a> {
    fn from(value: Option<&'a Value>) -> Self {
        value.map_or(Self::Missing, Self::from)
    }
}
