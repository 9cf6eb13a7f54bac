//! Writing one field of a context where the evaluator reads it.

use serde_json::{Map, Value};

use crate::engine::condition::lookup;

/// Writes `value` at a dotted path: nested if nothing is in the way, otherwise under the whole path as one key, which
/// the evaluator reads when the nested path leads nowhere.
pub(crate) fn place(context: &mut Map<String, Value>, path: &str, value: Value) {
    fn nest(map: &mut Map<String, Value>, path: &str, value: Value) -> Result<(), Value> {
        match path.split_once('.') {
            None => {
                map.insert(path.to_owned(), value);
                Ok(())
            }
            Some((head, rest)) => match map.entry(head).or_insert_with(|| Value::Object(Map::new())) {
                Value::Object(inner) => nest(inner, rest, value),
                _ => Err(value),
            },
        }
    }
    if let Err(value) = nest(context, path, value) {
        context.insert(path.to_owned(), value);
    }
}

/// `context` with `value` at a dotted path, where the evaluator finds it; without a `value`, the field is removed.
/// Returns `None` when the context leaves no place for the value.
pub(crate) fn with(context: &Map<String, Value>, path: &str, value: Option<&Value>) -> Option<Map<String, Value>> {
    let mut changed = context.clone();
    match value {
        None => {
            remove(&mut changed, path);
            changed.remove(path);
        }
        Some(value) if !path.contains('.') => {
            changed.insert(path.to_owned(), value.clone());
        }
        Some(value) => {
            // A value that the evaluator falls back to stays where it is.
            let spelled_out = changed.contains_key(path) && !remove(&mut changed.clone(), path);
            if spelled_out {
                changed.insert(path.to_owned(), value.clone());
            } else {
                place(&mut changed, path, value.clone());
            }
        }
    }
    (lookup(&changed, path) == value).then_some(changed)
}

/// Removes the value at a nested path; false when there is none.
fn remove(map: &mut Map<String, Value>, path: &str) -> bool {
    match path.split_once('.') {
        None => map.remove(path).is_some_and(|value| !value.is_null()),
        Some((head, rest)) => map.get_mut(head).and_then(Value::as_object_mut).is_some_and(|inner| remove(inner, rest)),
    }
}
