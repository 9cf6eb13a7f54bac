//! The values of a list, for asking often whether one of them is there.

use std::collections::HashSet;

use serde_json::Value;

use crate::bundle::Scalar;

/// A list up to this length is searched item by item.
const FEW: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key<'a> {
    Number(u64),
    Text(&'a str),
    Bool(bool),
}

/// The values of a list.
#[derive(Debug)]
pub(super) enum Listed<'a> {
    Few(&'a [Scalar]),
    Many(HashSet<Key<'a>>, [bool; 3]),
}

impl<'a> Listed<'a> {
    pub(super) fn new(list: &'a [Scalar]) -> Self {
        if list.len() <= FEW {
            return Self::Few(list);
        }
        let keys: HashSet<Key<'a>> = list.iter().map(key).collect();
        let has = |kind: fn(&Key<'_>) -> bool| keys.iter().any(kind);
        let kinds = [
            has(|key| matches!(key, Key::Number(_))),
            has(|key| matches!(key, Key::Text(_))),
            has(|key| matches!(key, Key::Bool(_))),
        ];
        Self::Many(keys, kinds)
    }

    /// The texts of a JSON list.
    pub(super) fn texts(list: &'a [Value]) -> Self {
        Self::Many(list.iter().filter_map(Value::as_str).map(Key::Text).collect(), [false, true, false])
    }

    pub(super) fn contains(&self, value: &Scalar) -> bool {
        match self {
            Self::Few(list) => list.contains(value),
            Self::Many(keys, _) => keys.contains(&key(value)),
        }
    }

    pub(super) fn has_text(&self, text: &str) -> bool {
        match self {
            Self::Few(list) => list.iter().any(|value| matches!(value, Scalar::String(other) if other == text)),
            Self::Many(keys, _) => keys.contains(&Key::Text(text)),
        }
    }

    /// Whether a value of the type of `value` is in the list.
    pub(super) fn has_type_of(&self, value: &Scalar) -> bool {
        match self {
            Self::Few(list) => list.iter().any(|other| other.type_name() == value.type_name()),
            Self::Many(_, [number, text, flag]) => match value {
                Scalar::Number(_) => *number,
                Scalar::String(_) => *text,
                Scalar::Bool(_) => *flag,
            },
        }
    }
}

fn key(value: &Scalar) -> Key<'_> {
    match value {
        // Both zeros are one number.
        Scalar::Number(number) => Key::Number((number + 0.0).to_bits()),
        Scalar::String(text) => Key::Text(text),
        Scalar::Bool(flag) => Key::Bool(*flag),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_short_lists_answer_alike() {
        let few = vec![Scalar::Number(0.0), Scalar::Number(1.5), Scalar::String("a".into())];
        let many: Vec<Scalar> = few.iter().cloned().cycle().take(20).collect();
        for value in [
            Scalar::Number(-0.0),
            Scalar::Number(1.5),
            Scalar::Number(2.0),
            Scalar::String("a".into()),
            Scalar::String("b".into()),
            Scalar::Bool(true),
        ] {
            let (few, many) = (Listed::new(&few), Listed::new(&many));
            assert!(matches!(many, Listed::Many(..)));
            assert_eq!(few.contains(&value), many.contains(&value), "{value}");
            assert_eq!(few.has_type_of(&value), many.has_type_of(&value), "{value}");
        }
    }
}
