//! The notation of conditions, and the recognition of other notations.
//!
//! The language has one notation: the operator is a prefix of the key. Authors use other notations (operators after the
//! field or inside the value, `a|b` in one string), which other tools read as odd field names or as values that
//! silently never match. Each of these notations is recognised here, with a repair when there is exactly one right
//! answer.

mod fault;

pub use fault::NotationFault;
use serde_json::{Map, Value};

use super::{
    Code, Scalar, Test,
    condition::{Condition, Operator, check_field, key_of, number_value},
};
/// Reads one member of a rule's `conditions`.
///
/// # Errors
/// The fault of the member, with a repair when there is exactly one right answer.
pub fn parse(key: &str, value: &Value) -> Result<Condition, NotationFault> {
    let written = read_key(key)?;
    let reading = read_value(&written, value);
    match (written.odd.clone(), reading) {
        (None, Ok(test)) => Ok(Condition { key: key.to_owned(), field: written.field, test }),
        (None, Err(fault)) => Err(fault),
        (Some(odd), Ok(_)) => {
            Err(NotationFault::repaired(Code::BadOperator, odd, vec![(written.usual_key(), value.clone())]))
        }
        // Both the key and the value are odd, and one repair corrects both.
        (Some(odd), Err(fault)) => Err(match fault.repair {
            Some(repair) => NotationFault::repaired(Code::BadOperator, format!("{odd} {}", fault.message), repair),
            None => NotationFault { code: Code::BadOperator, message: format!("{odd} {}", fault.message), ..fault },
        }),
    }
}

impl Condition {
    /// Reads one member of a rule's `conditions`.
    ///
    /// # Errors
    /// The fault of the member, with a repair when there is exactly one right answer.
    pub fn parse(key: &str, value: &Value) -> Result<Self, NotationFault> {
        parse(key, value)
    }

    /// The member of `conditions` that states this condition: its key and value.
    pub fn entry(&self) -> (String, Value) {
        let value = self.test.to_value();
        // In a list a text stands for itself; on its own, `>=5` or `a|b` would be taken for another notation.
        let misread =
            matches!(&value, Value::String(text) if text.contains(SIGNS)) && parse(&self.key, &value).is_err();
        (self.key.clone(), if misread { Value::Array(vec![value]) } else { value })
    }
}

/// Characters that a text in another notation would contain.
const SIGNS: [char; 16] = ['<', '>', '=', '!', '^', '?', '|', '≥', '⩾', '≤', '⩽', '≠', '≔', '＞', '＜', '＝'];

/// The conditions that a member means: as written, or as they will be once repaired; empty when only the author knows.
pub fn intended_conditions(key: &str, value: &Value) -> Vec<Condition> {
    match parse(key, value) {
        Ok(condition) => vec![condition],
        Err(NotationFault { repair: Some(repair), .. }) => {
            repair.iter().filter_map(|(key, value)| parse(key, value).ok()).collect()
        }
        Err(_) => Vec::new(),
    }
}

/// A key split into operator and field.
struct Key {
    operator: Operator,
    /// Whether the operator was written out; the operator of an equality need not be.
    explicit: bool,
    field: String,
    /// The oddity of the key's notation.
    odd: Option<String>,
}

impl Key {
    /// The key in the usual notation; a written-out `==` is kept.
    fn usual_key(&self) -> String {
        if self.explicit {
            format!("{}{}", self.operator.prefix(), self.field)
        } else {
            key_of(self.operator, &self.field)
        }
    }
}

/// Notations of operators, longest first. Operators of other languages are marked.
const OPERATORS: [(&str, Operator, bool); 23] = [
    ("===", Operator::Equals, true),
    ("!==", Operator::Differs, true),
    (">=", Operator::AtLeast, false),
    ("<=", Operator::AtMost, false),
    ("==", Operator::Equals, false),
    ("!=", Operator::Differs, false),
    ("^=", Operator::StartsWith, false),
    ("=>", Operator::AtLeast, true),
    ("=<", Operator::AtMost, true),
    ("<>", Operator::Differs, true),
    (">", Operator::Above, false),
    ("<", Operator::Below, false),
    ("?", Operator::Present, false),
    ("=", Operator::Equals, true),
    ("≥", Operator::AtLeast, true),
    ("⩾", Operator::AtLeast, true),
    ("≤", Operator::AtMost, true),
    ("⩽", Operator::AtMost, true),
    ("≠", Operator::Differs, true),
    ("≔", Operator::Equals, true),
    ("＞", Operator::Above, true),
    ("＜", Operator::Below, true),
    ("＝", Operator::Equals, true),
];

fn leading(text: &str) -> Option<(&'static str, Operator, bool, &str)> {
    OPERATORS
        .iter()
        .find_map(|(written, operator, foreign)| Some((*written, *operator, *foreign, text.strip_prefix(written)?)))
}

fn trailing(text: &str) -> Option<(&'static str, Operator, &str)> {
    OPERATORS.iter().find_map(|(written, operator, _)| Some((*written, *operator, text.strip_suffix(written)?)))
}

fn read_key(key: &str) -> Result<Key, NotationFault> {
    let front = leading(key.trim());
    let rest = front.map_or_else(|| key.trim(), |(_, _, _, rest)| rest);
    let behind = trailing(rest.trim());
    let field = behind.map_or(rest, |(_, _, field)| field).trim();
    if let Err(reason) = check_field(field) {
        let code =
            if front.is_some() || field.contains(['<', '>', '=', '!']) { Code::BadOperator } else { Code::Schema };
        return Err(NotationFault::new(
            code,
            format!("The condition key `{key}` cannot be read: {reason}."),
            "Write the operator first, then the field, for example `\">=risk_score\": 85`.",
        ));
    }
    let (operator, explicit, odd) = match (front, behind) {
        (None, None) => (Operator::Equals, false, None),
        (None, Some((written, operator, _))) => {
            let odd = format!(
                "The operator `{written}` stands behind the field in `{key}`, so this would look for a field of that \
                 odd name and never match."
            );
            (operator, true, Some(odd))
        }
        (Some((_, operator, false, _)), None) => (operator, true, None),
        (Some((written, operator, true, _)), None) => {
            (operator, true, Some(format!("`{written}` in `{key}` is not an operator of this language.")))
        }
        (Some((_, operator, _, _)), Some((_, same, _))) if operator == same => {
            (operator, true, Some(format!("`{key}` has its operator twice.")))
        }
        (Some(_), Some(_)) => {
            return Err(NotationFault::new(
                Code::BadOperator,
                format!("`{key}` has two different operators."),
                "Write two conditions, each with its operator first.",
            ));
        }
    };
    let usual = Key { operator, explicit, field: field.to_owned(), odd };
    if usual.odd.is_none() && usual.usual_key() != key {
        let odd = format!("`{key}` has a blank that would become part of the field's name.");
        return Ok(Key { odd: Some(odd), ..usual });
    }
    Ok(usual)
}

fn read_value(key: &Key, value: &Value) -> Result<Test, NotationFault> {
    match key.operator {
        Operator::AtLeast => bound(key, value).map(Test::AtLeast),
        Operator::AtMost => bound(key, value).map(Test::AtMost),
        Operator::Above => bound(key, value).map(Test::Above),
        Operator::Below => bound(key, value).map(Test::Below),
        Operator::Equals => equality(key, value).map(Test::In),
        Operator::Differs => equality(key, value).map(Test::NotIn),
        Operator::StartsWith => match value {
            Value::String(prefix) => Ok(Test::StartsWith(prefix.clone())),
            other => Err(NotationFault::new(
                Code::Schema,
                format!("`{}` compares the start of a text, but {} is given.", key.usual_key(), kind(other)),
                "Give a string, for example `\"mail.\"`.",
            )),
        },
        Operator::Present => match value {
            Value::Bool(present) => Ok(Test::Present(*present)),
            Value::String(text) if text == "true" || text == "false" => Err(NotationFault::repaired(
                Code::Schema,
                format!("`{}` needs true or false, not the text {}.", key.usual_key(), quoted(text)),
                vec![(key.usual_key(), Value::Bool(text == "true"))],
            )),
            other => Err(NotationFault::new(
                Code::Schema,
                format!("`{}` asks whether the field is there, but {} is given.", key.usual_key(), kind(other)),
                "Give true (present) or false (absent).",
            )),
        },
    }
}

/// The number in a `>=`, `<=`, `>` or `<` condition.
fn bound(key: &Key, value: &Value) -> Result<f64, NotationFault> {
    if let Some(number) = value.as_f64() {
        return Ok(number);
    }
    let usual = key.usual_key();
    if let Value::String(text) = value {
        if let Some(number) = number_in(text) {
            let message = format!("`{usual}` compares numbers, but {} is text.", quoted(text));
            return Err(NotationFault::repaired(Code::Schema, message, vec![(usual, number_value(number))]));
        }
        if let Some((written, operator, _, rest)) = leading(text.trim())
            && operator == key.operator
            && let Some(number) = number_in(rest)
        {
            let message = format!("`{usual}` has its operator again inside the value: {} (`{written}`).", quoted(text));
            return Err(NotationFault::repaired(Code::BadOperator, message, vec![(usual, number_value(number))]));
        }
    }
    let suggestion = format!("Give a number, for example `{}: 10`.", quoted(&usual));
    Err(NotationFault::new(
        Code::Schema,
        format!("`{usual}` compares numbers, but {} is given.", kind(value)),
        suggestion,
    ))
}

/// The values of an equality: one value, or a list.
fn equality(key: &Key, value: &Value) -> Result<Vec<Scalar>, NotationFault> {
    let usual = key.usual_key();
    match value {
        Value::String(text) => match odd_text(key, text) {
            Some(fault) => Err(fault),
            None => Ok(vec![Scalar::String(text.clone())]),
        },
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                Scalar::read(item).ok_or_else(|| {
                    NotationFault::new(
                        Code::Schema,
                        format!("Item {} of `{usual}` is {}, which nothing can equal.", index + 1, kind(item)),
                        "List numbers, strings and booleans only.",
                    )
                })
            })
            .collect(),
        Value::Null => {
            let present = key.operator == Operator::Differs;
            Err(NotationFault::repaired(
                Code::Schema,
                format!("`{usual}` compares with null, which never matches."),
                vec![(key_of(Operator::Present, &key.field), Value::Bool(present))],
            ))
        }
        Value::Object(object) => Err(nested(key, object)),
        Value::Number(_) | Value::Bool(_) => Ok(Scalar::read(value).into_iter().collect()),
    }
}

/// The fault of a string that is not meant literally: an operator inside the value, or alternatives written as `a|b`.
fn odd_text(key: &Key, text: &str) -> Option<NotationFault> {
    let usual = key.usual_key();
    let trimmed = text.trim();
    if let Some((written, operator, _, rest)) = leading(trimmed)
        && operator != Operator::Present
    {
        let rest = rest.trim();
        let number = number_in(rest);
        let value = match operator {
            _ if rest.is_empty() => None,
            Operator::StartsWith => Some(quoted(rest)),
            Operator::Equals | Operator::Differs => Some(match (number, rest) {
                (Some(number), _) => number_value(number),
                (None, "true") => Value::Bool(true),
                (None, "false") => Value::Bool(false),
                _ => quoted(rest),
            }),
            _ => number.map(number_value),
        };
        // `<b>` or `> quoted` may be meant literally; `>=` hardly ever is.
        if value.is_none() && written.len() < 2 {
            return None;
        }
        let message = format!(
            "The operator `{written}` stands inside the value of `{usual}`, so the field would have to be the text {} \
             itself.",
            quoted(text)
        );
        let Some(value) = value.filter(|_| key.operator == Operator::Equals) else {
            return Some(NotationFault::new(
                Code::BadOperator,
                message,
                format!("Put the operator before the field and one value behind it: `\"{written}{}\": …`.", key.field),
            ));
        };
        let (operator, value) = alternatives(&value).map_or((operator, value), |list| (operator, list));
        return Some(NotationFault::repaired(Code::BadOperator, message, vec![(key_of(operator, &key.field), value)]));
    }
    let list = alternatives(&quoted(text))?;
    let message = format!(
        "{} in `{usual}` is one text with a `|` in it, not several values, so it would match only that text.",
        quoted(text)
    );
    Some(NotationFault::repaired(Code::BadOperator, message, vec![(usual, list)]))
}

/// `a|b` as a list, when no part is empty.
fn alternatives(value: &Value) -> Option<Value> {
    let text = value.as_str().filter(|text| text.contains('|'))?.replace("||", "|");
    let parts: Vec<_> = text.split('|').map(str::trim).collect();
    if parts.iter().any(|part| part.is_empty()) {
        return None;
    }
    Some(Value::Array(parts.into_iter().map(quoted).collect()))
}

/// The fault of an object as a value: `{"gte": 85}` as in other rule languages, or a nested field.
fn nested(key: &Key, object: &Map<String, Value>) -> NotationFault {
    let usual = key.usual_key();
    let message = format!("`{usual}` compares with an object, which nothing can equal.");
    let repair: Option<Vec<_>> = object
        .iter()
        .map(|(name, value)| {
            let operator = match name.trim_start_matches('$') {
                "gte" | ">=" => Operator::AtLeast,
                "lte" | "<=" => Operator::AtMost,
                "gt" | ">" => Operator::Above,
                "lt" | "<" => Operator::Below,
                "eq" | "==" | "in" => Operator::Equals,
                "ne" | "neq" | "!=" | "nin" | "not_in" => Operator::Differs,
                "exists" => Operator::Present,
                _ => return None,
            };
            let entry = (key_of(operator, &key.field), value.clone());
            parse(&entry.0, &entry.1).ok().map(|_| entry)
        })
        .collect();
    let repair = repair.filter(|entries| {
        let mut keys: Vec<_> = entries.iter().map(|(key, _)| key).collect();
        keys.sort_unstable();
        keys.dedup();
        key.operator == Operator::Equals && !entries.is_empty() && keys.len() == entries.len()
    });
    match repair {
        Some(repair) => NotationFault::repaired(Code::BadOperator, message, repair),
        None => NotationFault::new(
            Code::Schema,
            message,
            format!("Name the inner field by a dotted path, for example `\"{}.name\": \"value\"`.", key.field),
        ),
    }
}

/// The finite number that `text` spells, in JSON's notation of numbers.
fn number_in(text: &str) -> Option<f64> {
    let text = text.trim();
    match serde_json::from_str(text).ok()? {
        Value::Number(number) => number.as_f64(),
        _ => None,
    }
}

fn quoted(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// The kind of a value, for people.
const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
