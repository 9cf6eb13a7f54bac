//! Conditions: one test of one field of the input. The operator is a prefix of the key. The module [`super::notation`]
//! reads conditions from JSON and repairs them.

use std::fmt;

use serde_json::{Number, Value};

use crate::characters;

/// A value that a condition compares with.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// A finite number. Numbers compare by value as IEEE doubles (RFC 8785's number model), so `1` equals `1.0`.
    Number(f64),
    /// A string, compared byte for byte.
    String(String),
    /// A boolean.
    Bool(bool),
}

impl Scalar {
    /// `value` when it is a number, string or boolean.
    pub fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_f64().map(Self::Number),
            Value::String(text) => Some(Self::String(text.clone())),
            Value::Bool(flag) => Some(Self::Bool(*flag)),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// The JSON value.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Number(number) => number_value(*number),
            Self::String(text) => Value::String(text.clone()),
            Self::Bool(flag) => Value::Bool(*flag),
        }
    }

    /// The name of the value's JSON type.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Bool(_) => "boolean",
        }
    }
}

impl fmt::Display for Scalar {
    /// Writes the value in words. A text that could be read as something else is quoted, and its odd characters are
    /// [written out](crate::characters).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::String(text) => {
                let text = &*characters::write_out(text);
                let plain = !text.is_empty()
                    && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',' || c == '"')
                    && text.parse::<f64>().is_err()
                    && text != "true"
                    && text != "false";
                if plain { f.write_str(text) } else { write!(f, "{}", Value::from(text)) }
            }
        }
    }
}

/// A double as a JSON number; a whole double is written without a fraction.
pub fn number_value(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        // Whole and below 2^53, so the cast is exact.
        let whole = number as i64;
        Value::from(whole)
    } else {
        Number::from_f64(number).map_or(Value::Null, Value::Number)
    }
}

/// The test of a condition.
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
    /// `f`, `==f`: equal to one of these values (a single value is a list of one). An empty list never holds.
    In(Vec<Scalar>),
    /// `!=f`: equal to none of these values.
    NotIn(Vec<Scalar>),
    /// `^=f`: a string that starts with this prefix.
    StartsWith(String),
    /// `?f`: present and not null (true), or absent or null (false).
    Present(bool),
}

/// The operator of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `<`
    Below,
    /// `==`, or no prefix.
    Equals,
    /// `!=`
    Differs,
    /// `^=`
    StartsWith,
    /// `?`
    Present,
}

impl Operator {
    /// All operators, in the order in which an editor offers them.
    pub const ALL: [Self; 8] = [
        Self::Equals,
        Self::Differs,
        Self::AtLeast,
        Self::AtMost,
        Self::Above,
        Self::Below,
        Self::StartsWith,
        Self::Present,
    ];

    /// The prefix of the field in the key.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::Below => "<",
            Self::Equals => "==",
            Self::Differs => "!=",
            Self::StartsWith => "^=",
            Self::Present => "?",
        }
    }

    /// The words between the field and the value.
    pub const fn words(self) -> &'static str {
        match self {
            Self::AtLeast => "≥",
            Self::AtMost => "≤",
            Self::Above => ">",
            Self::Below => "<",
            Self::Equals => "is",
            Self::Differs => "is not",
            Self::StartsWith => "starts with",
            Self::Present => "is present",
        }
    }

    /// Whether the operator compares with one number.
    pub const fn is_bound(self) -> bool {
        matches!(self, Self::AtLeast | Self::AtMost | Self::Above | Self::Below)
    }
}

impl Test {
    /// The operator of the test.
    pub const fn operator(&self) -> Operator {
        match self {
            Self::AtLeast(_) => Operator::AtLeast,
            Self::AtMost(_) => Operator::AtMost,
            Self::Above(_) => Operator::Above,
            Self::Below(_) => Operator::Below,
            Self::In(_) => Operator::Equals,
            Self::NotIn(_) => Operator::Differs,
            Self::StartsWith(_) => Operator::StartsWith,
            Self::Present(_) => Operator::Present,
        }
    }

    /// The JSON value under the condition's key. A list of one value is written as that value.
    pub fn to_value(&self) -> Value {
        match self {
            Self::AtLeast(bound) | Self::AtMost(bound) | Self::Above(bound) | Self::Below(bound) => {
                number_value(*bound)
            }
            Self::In(values) | Self::NotIn(values) => match values.as_slice() {
                [one] => one.to_value(),
                many => Value::Array(many.iter().map(Scalar::to_value).collect()),
            },
            Self::StartsWith(prefix) => Value::String(prefix.clone()),
            Self::Present(present) => Value::Bool(*present),
        }
    }
}

/// One condition of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The key as written, operator included. Together with the rule, the key identifies the condition.
    pub key: String,
    /// The field, as a dotted path into the context.
    pub field: String,
    /// The test the field must pass.
    pub test: Test,
}

impl Condition {
    /// The condition with this `test` of `field` and the usual key: equality has no prefix.
    pub fn new(field: impl Into<String>, test: Test) -> Self {
        let field = field.into();
        let key = key_of(test.operator(), &field);
        Self { key, field, test }
    }
}

/// The usual key of `operator` on `field`: equality has no prefix.
pub fn key_of(operator: Operator, field: &str) -> String {
    if operator == Operator::Equals { field.to_owned() } else { format!("{}{field}", operator.prefix()) }
}

impl fmt::Display for Condition {
    /// Writes the condition in words: `risk_score ≥ 85`, `category in phishing, malware`, `sender_vip is true`, `ticket
    /// is present`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", characters::write_out(&self.field), self.test)
    }
}

impl fmt::Display for Test {
    /// Writes the words that follow the field: `≥ 85`, `in phishing, malware`, `is present`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = self.operator().words();
        match self {
            Self::AtLeast(bound) | Self::AtMost(bound) | Self::Above(bound) | Self::Below(bound) => {
                write!(f, "{operator} {bound}")
            }
            Self::In(values) => list(f, "is", "in", values),
            Self::NotIn(values) => list(f, "is not", "not in", values),
            Self::StartsWith(prefix) => write!(f, "{operator} {}", Scalar::String(prefix.clone())),
            Self::Present(true) => f.write_str("is present"),
            Self::Present(false) => f.write_str("is absent"),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, one: &str, many: &str, values: &[Scalar]) -> fmt::Result {
    match values {
        [] => write!(f, "{many} an empty list"),
        [value] => write!(f, "{one} {value}"),
        [first, rest @ ..] => {
            write!(f, "{many} {first}")?;
            rest.iter().try_for_each(|value| write!(f, ", {value}"))
        }
    }
}

/// Whether `field` can be read from a context.
///
/// # Errors
/// A sentence that says why the field cannot be read.
pub fn check_field(field: &str) -> Result<(), String> {
    if field.is_empty() {
        return Err("it names no field".to_owned());
    }
    if field.split('.').any(str::is_empty) {
        return Err(format!("`{field}` has an empty part: write dotted paths like `sender.domain`"));
    }
    if field.trim() != field {
        return Err(format!("`{field}` starts or ends with a blank"));
    }
    if let Some(odd) = field.chars().find(|c| c.is_control() || "<>=!^?|&".contains(*c)) {
        return Err(format!("`{field}` contains `{}`, which no field name may", odd.escape_default()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_read_as_words() {
        let cases = [
            (">=risk_score", json!(85), "risk_score ≥ 85"),
            ("<=cost", json!(0.5), "cost ≤ 0.5"),
            (">n", json!(-1), "n > -1"),
            ("<n", json!(1000), "n < 1000"),
            ("category", json!(["phishing", "malware"]), "category in phishing, malware"),
            ("==category", json!("phishing"), "category is phishing"),
            ("!=category", json!("a b"), "category is not \"a b\""),
            ("!=code", json!(["7", 7]), "code not in \"7\", 7"),
            ("sender_vip", json!(true), "sender_vip is true"),
            ("^=sender.domain", json!("mail."), "sender.domain starts with mail."),
            ("?ticket", json!(true), "ticket is present"),
            ("?ticket", json!(false), "ticket is absent"),
            ("tags", json!([]), "tags in an empty list"),
        ];
        for (key, value, words) in cases {
            let condition = Condition::parse(key, &value).unwrap();
            assert_eq!(condition.to_string(), words);
            assert_eq!(condition.entry(), (key.to_owned(), value), "{words}");
        }
    }

    #[test]
    fn a_new_condition_has_the_usual_key() {
        let condition = Condition::new("a.b", Test::Below(2.0));
        assert_eq!(condition.entry(), ("<a.b".to_owned(), json!(2)));
        assert_eq!(Condition::new("a", Test::In(vec![Scalar::Bool(true)])).key, "a");
    }
}
