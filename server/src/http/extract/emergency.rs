//! The bodies of emergency commands: rollback, pause and the emergency switch. A slip in a side member must not refuse them,
//! so it becomes a warning in the answer.

use axum::extract::{FromRequest, Request};
use lifecycle::problem::Problem;
use policy::{
    Fault,
    json::{clip, convert, escape, parse_leniently, type_name, unknown_member},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::body::{SMALL, read_body};
use crate::error::ApiError;

/// Maximum number of unknown members that a warning of its own names.
const MAX_NAMED: usize = 20;

/// The members of a body that have not been taken yet, and what was odd so far.
#[derive(Debug, Default)]
pub struct Emergency {
    members: Map<String, Value>,
    /// Whether there was no body, or `null`.
    pub is_empty: bool,
    known: Vec<&'static str>,
    warnings: Vec<String>,
}

impl<S: Sync> FromRequest<S> for Emergency {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let bytes = read_body(request, SMALL).await?;
        Ok(Self::read(&bytes)?)
    }
}

impl Emergency {
    fn read(bytes: &[u8]) -> Result<Self, Problem> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self { is_empty: true, ..Self::default() });
        }
        let (document, repeated) = parse_leniently(bytes)?;
        let warnings = repeated.pointers.iter();
        let warnings = warnings.map(|pointer| format!("`{pointer}` appears twice; the last one was taken"));
        let more = (repeated.more > 0).then(|| format!("and {} more members appear twice", repeated.more));
        let warnings = warnings.chain(more);
        match document {
            Value::Object(members) => Ok(Self { members, warnings: warnings.collect(), ..Self::default() }),
            Value::Null => Ok(Self { is_empty: true, ..Self::default() }),
            other => {
                let detail = format!("the document must be an object, not {}", type_name(&other));
                Err(Problem::invalid_field("", detail))
            }
        }
    }

    /// The member `name`, without which the command has no meaning.
    ///
    /// # Errors
    /// 422 when the member is missing or of another type.
    pub fn required<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<T, Problem> {
        self.known.push(name);
        let value = self.members.remove(name).unwrap_or_default();
        if value.is_null() {
            return Err(Problem::invalid_field(format!("/{name}"), "is required"));
        }
        convert(value).result.map_err(|fault| Problem::invalid_fields(vec![below(name, fault)]))
    }

    /// The member `name`; a value that cannot be read is ignored.
    pub fn optional<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        self.known.push(name);
        let value = self.members.remove(name).filter(|value| !value.is_null())?;
        match convert(value).result {
            Ok(value) => Some(value),
            Err(fault) => {
                let fault = below(name, fault);
                self.warnings.push(format!("`{}` was ignored: it {}", fault.pointer, fault.detail));
                None
            }
        }
    }

    /// Reads the member `name`, a name that the contract writes in lowercase, in any case.
    pub fn ignore_case(&mut self, name: &str) {
        if let Some(Value::String(text)) = self.members.get_mut(name) {
            *text = text.trim().to_lowercase();
        }
    }

    /// What was odd; members that were not taken are unknown.
    pub fn into_warnings(self) -> Vec<String> {
        let Self { members, known, mut warnings, .. } = self;
        let named = members.keys().take(MAX_NAMED);
        warnings.extend(
            named.map(|name| format!("`/{}` was ignored: it {}", clip(&escape(name)), unknown_member(&known, name))),
        );
        if members.len() > MAX_NAMED {
            warnings.push(format!("and {} more unknown members were ignored", members.len() - MAX_NAMED));
        }
        warnings
    }
}

/// `fault`, found in the member `name`.
fn below(name: &str, fault: Fault) -> Fault {
    let detail = fault.detail.strip_prefix("the document ").map(str::to_owned).unwrap_or(fault.detail);
    Fault::new(format!("/{name}{}", fault.pointer), detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_in_side_members_become_warnings() {
        let body =
            br#"{"reason":"first","reason":"second","create_incident":"false","triggered":1,"by":null,"count":"7"}"#;
        let mut body = Emergency::read(body).unwrap();
        assert_eq!(body.required::<String>("reason").unwrap(), "second");
        assert_eq!(body.optional::<bool>("create_incident"), None);
        assert_eq!(body.optional::<String>("by"), None);
        assert_eq!(body.optional::<u32>("triggered_at"), None);
        assert_eq!(body.optional::<Vec<String>>("count"), None);
        assert_eq!(
            body.into_warnings(),
            [
                "`/reason` appears twice; the last one was taken",
                "`/create_incident` was ignored: it must be true or false, not a string",
                "`/count` was ignored: it must be a list, not a string",
                "`/triggered` was ignored: it is unknown here; did you mean `triggered_at`?",
            ]
        );
    }

    #[test]
    fn many_slips_become_few_warnings() {
        let long = "n".repeat(100_000);
        let unknown: String = (0..5_000).map(|number| format!(r#","{number}":0"#)).collect();
        let body = format!(r#"{{"reason":"r","{long}":{{{}"a":0}}{unknown}}}"#, r#""a":0,"#.repeat(50_000));
        let mut body = Emergency::read(body.as_bytes()).unwrap();
        assert_eq!(body.required::<String>("reason").unwrap(), "r");
        let warnings = body.into_warnings();
        assert_eq!(warnings.len(), 42);
        assert!(warnings.iter().map(String::len).sum::<usize>() < 20_000);
        assert_eq!(warnings[20], "and 49980 more members appear twice");
        assert_eq!(warnings[41], "and 4981 more unknown members were ignored");
    }

    #[test]
    fn what_the_command_needs_is_required() {
        for (body, pointer) in
            [(&b"{}"[..], "/reason"), (b"{\"reason\":7}", "/reason"), (b"{\"reason\":null}", "/reason")]
        {
            let problem = Emergency::read(body).unwrap().required::<String>("reason").unwrap_err();
            assert_eq!(problem.errors[0].pointer, pointer);
        }
        assert!(Emergency::read(b"[]").is_err() && Emergency::read(b"{").is_err());
        assert!(Emergency::read(b" ").unwrap().is_empty && Emergency::read(b"null").unwrap().is_empty);
    }
}
