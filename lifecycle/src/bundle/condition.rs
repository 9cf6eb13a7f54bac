//! Conditions: one test of one field of the input. The operator is a prefix of the key.

/// A value a condition compares with.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// A finite number. Numbers compare by value as IEEE doubles (RFC 8785's number model), so `1` equals `1.0`.
    Number(f64),
    /// A string, compared byte for byte.
    String(String),
    /// A boolean.
    Bool(bool),
}

/// What a condition asks of its field.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `>=f`: a number at least this.
    AtLeast(f64),
    /// `<=f`: a number at most this.
    AtMost(f64),
    /// `>f`: a number greater than this.
    Above(f64),
    /// `<f`: a number less than this.
    Below(f64),
    /// `f`, `==f`: equal to one of these (a single value is a list of one). An empty list never holds.
    In(Vec<Scalar>),
    /// `!=f`: equal to none of these.
    NotIn(Vec<Scalar>),
    /// `^=f`: a string starting with this.
    StartsWith(String),
    /// `?f`: present and not null (true), or absent or null (false).
    Present(bool),
}

/// One condition of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The key as written, operator included: with the rule it names the condition.
    pub key: String,
    /// The field, as a dotted path into the context.
    pub field: String,
    /// The test the field must pass.
    pub test: Test,
}
