//! Conditions as people edit them: a field, an operator from a list, and a value of a known kind.

use policy::bundle::schema::FieldType;
use serde_json::{Map, Value};

use super::rule::number;

/// What the operator list offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `>=f`
    AtLeast,
    /// `<=f`
    AtMost,
    /// `>f`
    Above,
    /// `<f`
    Below,
    /// `f` with a single value
    Equals,
    /// `!=f` with a single value
    NotEquals,
    /// `f` with a list
    OneOf,
    /// `!=f` with a list
    NoneOf,
    /// `^=f`
    StartsWith,
    /// `?f: true`
    Present,
    /// `?f: false`
    Absent,
}

impl Operator {
    /// All operators, in the order of the list.
    pub const ALL: [Self; 11] = [
        Self::AtLeast,
        Self::AtMost,
        Self::Above,
        Self::Below,
        Self::Equals,
        Self::NotEquals,
        Self::OneOf,
        Self::NoneOf,
        Self::StartsWith,
        Self::Present,
        Self::Absent,
    ];

    /// How it reads between a field and a value.
    pub const fn words(self) -> &'static str {
        match self {
            Self::AtLeast => "≥",
            Self::AtMost => "≤",
            Self::Above => ">",
            Self::Below => "<",
            Self::Equals => "=",
            Self::NotEquals => "≠",
            Self::OneOf => "in",
            Self::NoneOf => "not in",
            Self::StartsWith => "starts with",
            Self::Present => "is present",
            Self::Absent => "is absent",
        }
    }

    /// Its value in a `<select>`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AtLeast => "ge",
            Self::AtMost => "le",
            Self::Above => "gt",
            Self::Below => "lt",
            Self::Equals => "eq",
            Self::NotEquals => "ne",
            Self::OneOf => "in",
            Self::NoneOf => "nin",
            Self::StartsWith => "sw",
            Self::Present => "some",
            Self::Absent => "none",
        }
    }

    /// The operator with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operator| operator.code() == code)
    }

    /// What stands before the field in the key.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::Below => "<",
            Self::Equals | Self::OneOf => "",
            Self::NotEquals | Self::NoneOf => "!=",
            Self::StartsWith => "^=",
            Self::Present | Self::Absent => "?",
        }
    }

    /// What kind of value it takes; none for presence tests.
    pub const fn takes(self) -> Option<Takes> {
        match self {
            Self::AtLeast | Self::AtMost | Self::Above | Self::Below => Some(Takes::Number),
            Self::Equals | Self::NotEquals => Some(Takes::Scalar),
            Self::OneOf | Self::NoneOf => Some(Takes::List),
            Self::StartsWith => Some(Takes::Text),
            Self::Present | Self::Absent => None,
        }
    }

    /// The key of a condition on `field`.
    pub fn key(self, field: &str) -> String {
        format!("{}{field}", self.prefix())
    }
}

/// The kind of value an operator compares with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// A number.
    Number,
    /// Text.
    Text,
    /// One number, text or boolean.
    Scalar,
    /// Several of them.
    List,
}

/// The kind of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
}

impl Kind {
    /// The kinds, in the order of the list.
    pub const ALL: [Self; 3] = [Self::Text, Self::Number, Self::Boolean];

    /// Its name for people, and its value in a `<select>`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "true/false",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind of a value; of a list, the kind of its first.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(_) => Some(Self::Text),
            Value::Number(_) => Some(Self::Number),
            Value::Bool(_) => Some(Self::Boolean),
            Value::Array(list) => list.first().and_then(Self::of),
            Value::Null | Value::Object(_) => None,
        }
    }

    /// The kind of a declared type.
    pub const fn declared(kind: FieldType) -> Self {
        match kind {
            FieldType::Integer | FieldType::Number => Self::Number,
            FieldType::Boolean => Self::Boolean,
            FieldType::String => Self::Text,
        }
    }

    /// The kind `text` most likely has.
    pub fn guess(text: &str) -> Self {
        match text.trim() {
            "true" | "false" => Self::Boolean,
            text if text.parse::<f64>().is_ok_and(f64::is_finite) => Self::Number,
            _ => Self::Text,
        }
    }

    /// `text` as a value of this kind; none when it is not one.
    pub fn read(self, text: &str) -> Option<Value> {
        match self {
            Self::Text => Some(Value::from(text)),
            Self::Number => text.trim().parse::<f64>().ok().filter(|n| n.is_finite()).map(number),
            Self::Boolean => text.trim().parse::<bool>().ok().map(Value::from),
        }
    }

    /// `value` turned into this kind, as well as it goes.
    pub fn convert(self, value: &Value) -> Value {
        let text = plain(value);
        self.read(&text).unwrap_or_else(|| match self {
            Self::Text => Value::from(text),
            Self::Number => Value::from(0),
            Self::Boolean => Value::from(true),
        })
    }
}

/// Splits a key as written into the operator's prefix and the field.
pub fn split(key: &str) -> (&'static str, &str) {
    for prefix in [">=", "<=", "==", "!=", "^=", ">", "<", "?"] {
        if let Some(field) = key.strip_prefix(prefix) {
            return (prefix, field);
        }
    }
    ("", key)
}

/// The operator of a condition as written, and its field.
pub fn read<'a>(key: &'a str, value: &Value) -> (Operator, &'a str) {
    let (prefix, field) = split(key);
    let list = value.is_array();
    let operator = match prefix {
        ">=" => Operator::AtLeast,
        "<=" => Operator::AtMost,
        ">" => Operator::Above,
        "<" => Operator::Below,
        "!=" if list => Operator::NoneOf,
        "!=" => Operator::NotEquals,
        "^=" => Operator::StartsWith,
        "?" if *value == Value::Bool(false) => Operator::Absent,
        "?" => Operator::Present,
        _ if list => Operator::OneOf,
        _ => Operator::Equals,
    };
    (operator, field)
}

/// The value to write when a condition changes to `operator`: what it had, turned into what the operator takes.
pub fn fit(operator: Operator, value: &Value, declared: Option<Kind>) -> Value {
    let first = match value {
        Value::Array(list) => list.first().cloned().unwrap_or(Value::Null),
        other => other.clone(),
    };
    match operator.takes() {
        None => Value::Bool(operator == Operator::Present),
        Some(Takes::Number) => Kind::Number.convert(&first),
        Some(Takes::Text) => Kind::Text.convert(&first),
        Some(Takes::Scalar) => match (declared, &first) {
            (Some(kind), _) => kind.convert(&first),
            (None, Value::Null | Value::Object(_) | Value::Array(_)) => Value::from(""),
            (None, _) => first,
        },
        Some(Takes::List) => match value {
            Value::Array(list) => Value::Array(list.clone()),
            Value::String(text) if text.contains('|') => {
                Value::Array(text.split('|').map(str::trim).filter(|part| !part.is_empty()).map(Value::from).collect())
            }
            Value::Null | Value::Object(_) => Value::Array(Vec::new()),
            Value::String(text) if text.is_empty() => Value::Array(Vec::new()),
            other => Value::Array(vec![other.clone()]),
        },
    }
}

/// Splits what was typed or pasted into a list field: on commas, bars, tabs and new lines.
pub fn split_list(text: &str, declared: Option<Kind>) -> Vec<Value> {
    text.split([',', '|', '\t', '\n', ';'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            let kind = declared.unwrap_or_else(|| Kind::guess(part));
            kind.read(part).unwrap_or_else(|| Value::from(part))
        })
        .collect()
}

/// A value without quotes.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(n) => n.as_f64().map_or_else(|| n.to_string(), |n| number(n).to_string()),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The rows of the condition form. Conditions are an unordered object; the rows keep the order they were first seen
/// in and their identity while keys change under typing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows {
    rows: Vec<(u32, String)>,
    next: u32,
}

impl Rows {
    /// Takes notice of what the conditions are now: keeps known rows in place, drops gone ones, appends new ones.
    pub fn follow(&mut self, conditions: &Map<String, Value>) {
        self.rows.retain(|(_, key)| conditions.contains_key(key));
        for key in conditions.keys() {
            if !self.rows.iter().any(|(_, known)| known == key) {
                self.rows.push((self.next, key.clone()));
                self.next += 1;
            }
        }
    }

    /// A row is written under another key from now on.
    pub fn rename(&mut self, row: u32, to: &str) {
        if let Some((_, key)) = self.rows.iter_mut().find(|(number, _)| *number == row) {
            to.clone_into(key);
        }
    }

    /// The rows: a stable number and the key each is written under.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        self.rows.iter().map(|(row, key)| (*row, key.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_split_where_people_put_bars_and_commas() {
        assert_eq!(split_list("Saturday|Sunday", None), [json!("Saturday"), json!("Sunday")]);
        assert_eq!(split_list("1, 2,x", None), [json!(1), json!(2), json!("x")]);
        assert_eq!(split_list("1,2", Some(Kind::Text)), [json!("1"), json!("2")]);
        assert_eq!(fit(Operator::OneOf, &json!("a|b"), None), json!(["a", "b"]));
    }

    #[test]
    fn rows_keep_their_place_when_a_key_changes() {
        let conditions = |keys: &[&str]| keys.iter().map(|key| ((*key).to_owned(), json!(1))).collect::<Map<_, _>>();
        let mut rows = Rows::default();
        rows.follow(&conditions(&["<b", ">a", "c"]));
        rows.rename(0, "z");
        rows.follow(&conditions(&["z", ">a", "c", "a"]));
        let seen: Vec<_> = rows.iter().collect();
        assert_eq!(seen, [(0, "z"), (1, ">a"), (2, "c"), (3, "a")]);
    }

    fn scalar() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<bool>().prop_map(Value::from),
            (-1000i64..1000).prop_map(Value::from),
            "[a-z|, ]{0,6}".prop_map(Value::from),
        ]
    }

    proptest! {
        /// Whatever the operator is changed to, what is written reads back as that operator.
        #[test]
        fn a_fitted_value_reads_back_as_its_operator(
            value in prop_oneof![scalar(), prop::collection::vec(scalar(), 0..4).prop_map(Value::from), Just(Value::Null)],
            field in "[a-z][a-z_.]{0,8}",
            pick in 0usize..Operator::ALL.len(),
            declared in prop::option::of(prop::sample::select(Kind::ALL.to_vec())),
        ) {
            let operator = Operator::ALL[pick];
            let fitted = fit(operator, &value, declared);
            let key = operator.key(&field);
            prop_assert_eq!(read(&key, &fitted), (operator, field.as_str()));
        }
    }
}
