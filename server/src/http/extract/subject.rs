//! The bundle that a request is about: its rules, the whole bundle, or the number of a stored one.

use lifecycle::{authority::Actor, problem::Problem};
use policy::{Fault, bundle::Source};
use serde::Deserialize;
use serde_json::{Map, Value};
use store::Store;

use crate::error::{ApiError, ApiResult};

/// `{rules}`, `{bundle}` or `{bundle_id}`; a bare array means `{rules}`. Members next to `rules` (`schema`,
/// `default_effect`, …) belong to the bundle with these rules.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A document, and its JSON Pointer in the body.
    Document(Value, &'static str),
    /// A stored bundle.
    Stored(i64),
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::take(Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Subject {
    /// Reads the subject out of a request body.
    ///
    /// # Errors
    /// A sentence, when the body names no bundle or more than one.
    pub fn take(body: Value) -> Result<Self, String> {
        let mut members = match body {
            Value::Array(_) => return Ok(Self::Document(body, "")),
            Value::Object(members) => members,
            _ => {
                return Err("expected an object with `rules`, `bundle` or `bundle_id`, or an array of rules".to_owned());
            }
        };
        let given =
            ["rules", "bundle", "bundle_id"].map(|name| members.get(name).is_some_and(|value| !value.is_null()));
        match given {
            [true, false, false] => Ok(Self::Document(bundle_members(members).into(), "")),
            [false, true, false] => Ok(Self::Document(members.remove("bundle").unwrap_or_default(), "/bundle")),
            [false, false, true] => {
                let id = members.get("bundle_id").and_then(Value::as_i64);
                id.map(Self::Stored).ok_or_else(|| "`bundle_id` is the number of a bundle".to_owned())
            }
            [false, false, false] => Err("one of `rules`, `bundle` and `bundle_id` is required".to_owned()),
            _ => Err("only one of `rules`, `bundle` and `bundle_id` may be given".to_owned()),
        }
    }

    /// The bundle as its author wrote it. `at` is the JSON Pointer of this subject in the body.
    ///
    /// # Errors
    /// 422 when the document has members of a wrong type, 404 when no bundle has the number.
    pub async fn source(self, store: &Store, actor: &Actor, at: &str) -> ApiResult<Source> {
        match self {
            Self::Document(document, below) => Source::read(document).map_err(|faults| {
                let place = |fault: Fault| Fault::new(format!("{at}{below}{}", fault.pointer), fault.detail);
                ApiError(Problem::invalid_fields(faults.into_iter().map(place).collect()))
            }),
            Self::Stored(id) => Ok(store::bundles::get(store, actor, id).await?.into()),
        }
    }
}

/// Members of a request that are not members of a bundle.
fn bundle_members(mut members: Map<String, Value>) -> Map<String, Value> {
    for name in ["dataset", "count", "seed", "cases", "bundle", "bundle_id"] {
        members.remove(name);
    }
    members
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_names_exactly_one_bundle() {
        assert!(matches!(Subject::take(json!([])), Ok(Subject::Document(_, ""))));
        assert!(matches!(Subject::take(json!({"bundle_id": 3, "seed": 1})), Ok(Subject::Stored(3))));
        assert!(matches!(Subject::take(json!({"bundle": {"rules": []}})), Ok(Subject::Document(_, "/bundle"))));
        assert!(Subject::take(json!({"rules": [], "bundle_id": 3})).is_err());
        assert!(Subject::take(json!({"bundle_id": "3"})).is_err());
        assert!(Subject::take(json!({})).is_err());
        assert!(Subject::take(json!(1)).is_err());
    }

    #[test]
    fn options_of_the_request_are_no_members_of_the_bundle() {
        let taken = Subject::take(json!({"rules": [], "default_effect": "allow", "seed": 1, "dataset": "fixtures"}));
        let Ok(Subject::Document(document, _)) = taken else { panic!("{taken:?}") };
        assert_eq!(document, json!({"rules": [], "default_effect": "allow"}));
    }
}
