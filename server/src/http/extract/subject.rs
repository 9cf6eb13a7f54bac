//! The bundle that a request is about: its rules, the whole bundle, or the number of a stored one.

use lifecycle::{authority::Actor, problem::Problem};
use policy::{
    Fault,
    bundle::Source,
    json::{Literals, unknown_members},
    spelling::is_near,
};
use serde_json::Value;
use store::Store;

use crate::error::{ApiError, ApiResult};

/// The members that name a bundle.
const FORMS: [&str; 3] = ["rules", "bundle", "bundle_id"];

/// `{rules}`, `{bundle}` or `{bundle_id}`; a bare array means `{rules}`. Members next to `rules` (`schema`,
/// `default_effect`, …) belong to the bundle with these rules.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A document, and its JSON Pointer in the body.
    Document(Value, &'static str),
    /// A stored bundle.
    Stored(i64),
}

impl Subject {
    /// Reads the subject out of a request body, or out of the part of a body whose JSON Pointer is `at`. `options` are
    /// the other members of the request.
    ///
    /// # Errors
    /// 422 when the body names no bundle or more than one, or has a member that the request does not know.
    pub fn take(body: Value, at: &str, options: &[&str]) -> Result<Self, Problem> {
        let wrong = |below: &str, detail: &str| Problem::invalid_field(format!("{at}{below}"), detail);
        let mut members = match body {
            Value::Array(_) => return Ok(Self::Document(body, "")),
            Value::Object(members) => members,
            _ => {
                let detail = "expected an object with `rules`, `bundle` or `bundle_id`, or a list of rules";
                return Err(wrong("", detail));
            }
        };
        let given = FORMS.map(|name| members.get(name).is_some_and(|value| !value.is_null()));
        let subject = match given {
            [true, false, false] => {
                // Whatever is not a member of the request belongs to the bundle, which keeps what it does not know; but a
                // near miss of an option is a misspelt option.
                let unknown = members.keys().filter(|name| {
                    !options.contains(&name.as_str()) && options.iter().any(|option| is_near(name, option))
                });
                refuse_unknown(unknown, at, options)?;
                members.retain(|name, _| {
                    name == "rules" || !options.contains(&name.as_str()) && !FORMS.contains(&name.as_str())
                });
                return Ok(Self::Document(members.into(), ""));
            }
            [false, true, false] => {
                Self::Document(members.get_mut("bundle").map(Value::take).unwrap_or_default(), "/bundle")
            }
            [false, false, true] => {
                let id = members.get("bundle_id").and_then(Value::as_i64);
                Self::Stored(id.ok_or_else(|| wrong("/bundle_id", "must be the number of a bundle"))?)
            }
            [false, false, false] => return Err(wrong("", "one of `rules`, `bundle` and `bundle_id` is required")),
            _ => return Err(wrong("", "only one of `rules`, `bundle` and `bundle_id` may be given")),
        };
        let known: Vec<&str> = FORMS.iter().chain(options).copied().collect();
        refuse_unknown(members.keys().filter(|name| !known.contains(&name.as_str())), at, &known)?;
        Ok(subject)
    }

    /// The bundle as its author wrote it. `at` is the JSON Pointer of this subject in the body, and `literals` are those of
    /// the body.
    ///
    /// # Errors
    /// 422 when the document has members of a wrong type, 404 when no bundle has the number.
    pub async fn source(self, store: &Store, actor: &Actor, (at, literals): (&str, Literals)) -> ApiResult<Source> {
        match self {
            Self::Document(document, below) => Source::read_with(document, literals.below(below)).map_err(|faults| {
                let place = |fault: Fault| Fault::new(format!("{at}{below}{}", fault.pointer), fault.detail);
                ApiError(Problem::invalid_fields(faults.into_iter().map(place).collect()))
            }),
            Self::Stored(id) => Ok(store::bundles::get(store, actor, id).await?.into()),
        }
    }
}

/// Refuses the members `unknown` of the object at `at`, whose members are `known`.
fn refuse_unknown<'m>(unknown: impl Iterator<Item = &'m String>, at: &str, known: &[&str]) -> Result<(), Problem> {
    let faults = unknown_members(unknown, at, known);
    if faults.is_empty() { Ok(()) } else { Err(Problem::unknown_members(faults)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OPTIONS: [&str; 2] = ["dataset", "seed"];

    fn take(body: Value) -> Result<Subject, Problem> {
        Subject::take(body, "/a", &OPTIONS)
    }

    #[test]
    fn a_request_names_exactly_one_bundle() {
        assert!(matches!(take(json!([])), Ok(Subject::Document(_, ""))));
        assert!(matches!(take(json!({"bundle_id": 3, "seed": 1})), Ok(Subject::Stored(3))));
        assert!(matches!(take(json!({"bundle": {"rules": []}})), Ok(Subject::Document(_, "/bundle"))));
        assert!(take(json!({"rules": [], "bundle_id": 3})).is_err());
        assert_eq!(take(json!({"bundle_id": "3"})).unwrap_err().errors[0].pointer, "/a/bundle_id");
        assert!(take(json!({})).is_err());
        assert!(take(json!(1)).is_err());
    }

    #[test]
    fn options_of_the_request_are_no_members_of_the_bundle() {
        let taken = take(json!({"rules": [], "default_effect": "allow", "seed": 1, "bundle": null, "x": 2}));
        let Ok(Subject::Document(document, _)) = taken else { panic!("{taken:?}") };
        assert_eq!(document, json!({"rules": [], "default_effect": "allow", "x": 2}));
    }

    #[test]
    fn an_unknown_member_of_the_request_is_refused() {
        for (body, pointer, detail) in [
            (json!({"bundle_id": 3, "seeed": 1}), "/a/seeed", "is unknown here; did you mean `seed`?"),
            (json!({"bundle": {"rules": []}, "sed": 1}), "/a/sed", "is unknown here; did you mean `seed`?"),
            (json!({"rules": [], "datset": "fixtures"}), "/a/datset", "is unknown here; did you mean `dataset`?"),
        ] {
            let problem = take(body).unwrap_err();
            assert_eq!(problem.errors, vec![Fault::new(pointer, detail)]);
        }
    }
}
