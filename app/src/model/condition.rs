//! Conditions as people edit them: a field, an operator from a list, and a value of a known kind.

use policy::bundle::{condition::Operator, schema::FieldType};
use serde_json::{Map, Value};

use super::rule::{number, typed_number};

/// An entry of the operator list. It is finer than [`Operator`]: lists and single values, and present and absent, are
/// entries of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperatorOption {
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

impl OperatorOption {
    /// All entries, in the order of the list.
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

    /// The visible text, between a field and a value.
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

    /// The value of the `<option>`.
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

    /// The entry with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operator| operator.code() == code)
    }

    /// The operator of the policy language.
    pub const fn operator(self) -> Operator {
        match self {
            Self::AtLeast => Operator::AtLeast,
            Self::AtMost => Operator::AtMost,
            Self::Above => Operator::Above,
            Self::Below => Operator::Below,
            Self::Equals | Self::OneOf => Operator::Equals,
            Self::NotEquals | Self::NoneOf => Operator::Differs,
            Self::StartsWith => Operator::StartsWith,
            Self::Present | Self::Absent => Operator::Present,
        }
    }

    /// The shape of the value; `None` for presence tests.
    pub const fn takes(self) -> Option<ValueShape> {
        match self {
            Self::AtLeast | Self::AtMost | Self::Above | Self::Below => Some(ValueShape::Number),
            Self::Equals | Self::NotEquals => Some(ValueShape::Scalar),
            Self::OneOf | Self::NoneOf => Some(ValueShape::List),
            Self::StartsWith => Some(ValueShape::Text),
            Self::Present | Self::Absent => None,
        }
    }

    /// The key of a condition on `field`. Equality is written without a prefix.
    pub fn key(self, field: &str) -> String {
        match self.operator() {
            Operator::Equals => field.to_owned(),
            operator => format!("{}{field}", operator.prefix()),
        }
    }
}

/// The shape of the value an operator compares with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueShape {
    /// A number.
    Number,
    /// Text.
    Text,
    /// One number, text or boolean.
    Scalar,
    /// A list of numbers, texts or booleans.
    List,
}

/// The type of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueKind {
    /// Text.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
}

impl ValueKind {
    /// The kinds, in the order of the list.
    pub const ALL: [Self; 3] = [Self::Text, Self::Number, Self::Boolean];

    /// The visible name, and the value of the `<option>`.
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

    /// The kind of a value; for a list, that of its first item.
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

    /// The most likely kind of `text`.
    pub fn guess(text: &str) -> Self {
        match text.trim() {
            "true" | "false" => Self::Boolean,
            text if text.parse::<f64>().is_ok_and(f64::is_finite) => Self::Number,
            _ => Self::Text,
        }
    }

    /// `text` as a value of this kind; `None` if it cannot be parsed as one.
    pub fn read(self, text: &str) -> Option<Value> {
        match self {
            Self::Text => Some(Value::from(text)),
            Self::Number => typed_number(text.trim()),
            Self::Boolean => text.trim().parse::<bool>().ok().map(Value::from),
        }
    }

    /// `value` converted to this kind, or the kind's default when it cannot be converted.
    pub fn convert(self, value: &Value) -> Value {
        let text = plain_text(value);
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
pub fn read<'a>(key: &'a str, value: &Value) -> (OperatorOption, &'a str) {
    let (prefix, field) = split(key);
    let list = value.is_array();
    let operator = match prefix {
        ">=" => OperatorOption::AtLeast,
        "<=" => OperatorOption::AtMost,
        ">" => OperatorOption::Above,
        "<" => OperatorOption::Below,
        "!=" if list => OperatorOption::NoneOf,
        "!=" => OperatorOption::NotEquals,
        "^=" => OperatorOption::StartsWith,
        "?" if *value == Value::Bool(false) => OperatorOption::Absent,
        "?" => OperatorOption::Present,
        _ if list => OperatorOption::OneOf,
        _ => OperatorOption::Equals,
    };
    (operator, field)
}

/// The value to write when a condition changes to `operator`: the old value, converted to the shape the operator takes.
pub fn convert_value(operator: OperatorOption, value: &Value, declared: Option<ValueKind>) -> Value {
    let first = match value {
        Value::Array(list) => list.first().cloned().unwrap_or(Value::Null),
        other => other.clone(),
    };
    match operator.takes() {
        None => Value::Bool(operator == OperatorOption::Present),
        Some(ValueShape::Number) => ValueKind::Number.convert(&first),
        Some(ValueShape::Text) => ValueKind::Text.convert(&first),
        Some(ValueShape::Scalar) => match (declared, &first) {
            (Some(kind), _) => kind.convert(&first),
            (None, Value::Null | Value::Object(_) | Value::Array(_)) => Value::from(""),
            (None, _) => first,
        },
        Some(ValueShape::List) => match value {
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

/// Splits the text of a list field on commas, semicolons, bars, tabs and new lines.
pub fn split_list(text: &str, declared: Option<ValueKind>) -> Vec<Value> {
    text.split([',', '|', '\t', '\n', ';'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            let kind = declared.unwrap_or_else(|| ValueKind::guess(part));
            kind.read(part).unwrap_or_else(|| Value::from(part))
        })
        .collect()
}

/// A value as text, without quotes.
pub fn plain_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(n) if n.is_i64() || n.is_u64() => n.to_string(),
        Value::Number(n) => n.as_f64().map_or_else(|| n.to_string(), |n| number(n).to_string()),
        Value::Array(list) => list.iter().map(plain_text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The rows of the condition form. Conditions are an unordered object: the rows keep the order in which they first
/// appeared, and their identity while typing changes their keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowKeys {
    rows: Vec<(u32, String)>,
    next: u32,
}

impl RowKeys {
    /// Follows the conditions of the document: keeps known rows in place, drops removed ones, appends new ones.
    pub fn follow(&mut self, conditions: &Map<String, Value>) {
        self.rows.retain(|(_, key)| conditions.contains_key(key));
        for key in conditions.keys() {
            if !self.rows.iter().any(|(_, known)| known == key) {
                self.rows.push((self.next, key.clone()));
                self.next += 1;
            }
        }
    }

    /// Records that a row is now written under another key.
    pub fn rename(&mut self, row: u32, to: &str) {
        if let Some((_, key)) = self.rows.iter_mut().find(|(number, _)| *number == row) {
            to.clone_into(key);
        }
    }

    /// The rows: the stable number and the key of each.
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
        assert_eq!(split_list("1,2", Some(ValueKind::Text)), [json!("1"), json!("2")]);
        assert_eq!(convert_value(OperatorOption::OneOf, &json!("a|b"), None), json!(["a", "b"]));
    }

    #[test]
    fn rows_keep_their_place_when_a_key_changes() {
        let conditions = |keys: &[&str]| keys.iter().map(|key| ((*key).to_owned(), json!(1))).collect::<Map<_, _>>();
        let mut rows = RowKeys::default();
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
        /// A value converted for an operator reads back as that operator.
        #[test]
        fn a_converted_value_reads_back_as_its_operator(
            value in prop_oneof![scalar(), prop::collection::vec(scalar(), 0..4).prop_map(Value::from), Just(Value::Null)],
            field in "[a-z][a-z_.]{0,8}",
            pick in 0usize..OperatorOption::ALL.len(),
            declared in prop::option::of(prop::sample::select(ValueKind::ALL.to_vec())),
        ) {
            let operator = OperatorOption::ALL[pick];
            let converted = convert_value(operator, &value, declared);
            let key = operator.key(&field);
            prop_assert_eq!(read(&key, &converted), (operator, field.as_str()));
        }
    }
}
