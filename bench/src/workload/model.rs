//! Rules and values in a form from which every contender's own language is written.

use policy::bundle::Effect;

use super::Request;

/// One field of the context.
pub type Field = usize;

/// The values of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string, one of this many.
    Text(u16),
    Flag,
    /// A whole number from 0 to this one.
    Int(i64),
}

/// The fields of every request, with the domain that requests draw from.
pub const FIELDS: [(&str, Kind); 12] = [
    ("category", Kind::Text(40)),
    ("country", Kind::Text(60)),
    ("channel", Kind::Text(8)),
    ("tier", Kind::Text(5)),
    ("verified", Kind::Flag),
    ("internal", Kind::Flag),
    ("risk_score", Kind::Int(100)),
    ("amount", Kind::Int(100_000)),
    ("age_days", Kind::Int(3_650)),
    ("attempts", Kind::Int(50)),
    ("spent", Kind::Int(10_000)),
    ("granted", Kind::Int(10_000)),
];

/// A value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Value {
    Text(u16),
    Flag(bool),
    Int(i64),
}

/// The string with this number in a field: `country-07`.
pub fn text(field: Field, number: u16) -> String {
    format!("{}-{number:02}", FIELDS[field].0)
}

/// The agent with this number.
pub fn agent(number: u32) -> String {
    format!("desk{:02}.worker{number:05}", number % 16)
}

/// The action with this number.
pub fn action(number: u32) -> String {
    format!("action{number:02}")
}

/// A rule's test of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// One of these strings, in order, without repeats.
    OneOf(Vec<u16>),
    /// Not this string.
    Not(u16),
    Is(bool),
    /// A number at least the first and at most the second.
    Between(Option<i64>, Option<i64>),
}

impl Test {
    /// Whether the test holds.
    pub fn holds(&self, value: Value) -> bool {
        match (self, value) {
            (Self::OneOf(wanted), Value::Text(found)) => wanted.contains(&found),
            (Self::Not(unwanted), Value::Text(found)) => *unwanted != found,
            (Self::Is(wanted), Value::Flag(found)) => *wanted == found,
            (Self::Between(low, high), Value::Int(found)) => {
                low.is_none_or(|low| found >= low) && high.is_none_or(|high| found <= high)
            }
            _ => false,
        }
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The id in the bundle.
    pub id: String,
    /// The agent; `None` is `*`.
    pub agent: Option<u32>,
    /// The action; `None` is `*`.
    pub action: Option<u32>,
    /// The tests, at most one per field.
    pub tests: Vec<(Field, Test)>,
    pub effect: Effect,
    pub priority: u16,
}

impl Rule {
    /// Whether the rule matches: agent, action and all tests.
    pub fn matches(&self, request: &Request) -> bool {
        self.agent.is_none_or(|agent| agent == request.agent)
            && self.action.is_none_or(|action| action == request.action)
            && self.tests.iter().all(|(field, test)| test.holds(request.values[*field]))
    }
}
