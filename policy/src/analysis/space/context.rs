//! Writing one field of a context where the evaluator reads it.

use serde_json::{Map, Value};

use crate::engine::condition::lookup;

/// Writes `value` at a dotted path as nested objects. Does nothing when a value that is no object is in the way: the
/// context then has no place for the field.
pub(crate) fn place(context: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            context.insert(path.to_owned(), value);
        }
        Some((head, rest)) => {
            if let Value::Object(inner) = context.entry(head).or_insert_with(|| Value::Object(Map::new())) {
                place(inner, rest, value);
            }
        }
    }
}

/// [`place`], replacing whatever is in the way.
pub(crate) fn force(context: &mut Map<String, Value>, path: &str, value: Value) {
    let Some((head, rest)) = path.split_once('.') else {
        context.insert(path.to_owned(), value);
        return;
    };
    let member = context.entry(head).or_insert(Value::Null);
    if !member.is_object() {
        *member = Value::Object(Map::new());
    }
    if let Value::Object(inner) = member {
        force(inner, rest, value);
    }
}

/// `context` with `value` at a dotted path, where the evaluator finds it; without a `value`, the field is removed.
/// Returns `None` when the context leaves no place for the value.
pub(crate) fn with(context: &Map<String, Value>, path: &str, value: Option<&Value>) -> Option<Map<String, Value>> {
    let mut changed = context.clone();
    // Only without a member named by the first segment does the evaluator look at a key spelled like the whole path.
    let flat =
        path.split_once('.').is_some_and(|(first, _)| !context.contains_key(first) && context.contains_key(path));
    match value {
        None if flat => drop(changed.remove(path)),
        None => remove(&mut changed, path),
        Some(value) if flat => drop(changed.insert(path.to_owned(), value.clone())),
        Some(value) => place(&mut changed, path, value.clone()),
    }
    (lookup(&changed, path) == value).then_some(changed)
}

/// Removes the value at a nested path.
pub(crate) fn remove(map: &mut Map<String, Value>, path: &str) {
    match path.split_once('.') {
        None => drop(map.remove(path)),
        Some((head, rest)) => {
            if let Some(Value::Object(inner)) = map.get_mut(head) {
                remove(inner, rest);
            }
        }
    }
}
