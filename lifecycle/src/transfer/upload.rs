//! The body of a request to verify or import a file: a signed file as it is, or wrapped with options.

use policy::{Fault, json::unknown_members};
use serde_json::{Map, Value};

use crate::problem::Problem;

/// The body of `POST /policy/bundles/import` and `/verify`.
#[derive(Debug, Clone, PartialEq)]
pub struct Upload {
    /// The file.
    pub document: Value,
    /// The version for the draft, instead of the file's.
    pub import_as_version: Option<String>,
    /// Whether a file without a verifiable signature may still become a draft.
    pub unsigned: bool,
}

impl Upload {
    /// Reads a body in any accepted form: the file itself, `{"export": file, …}`, `{"signed_bundle": file, …}` or
    /// `{"bundle": bare bundle, "unsigned": true}`, each with an optional `import_as_version`.
    ///
    /// # Errors
    /// `invalid_field` when an option has the wrong type.
    pub fn parse(body: Value) -> Result<Self, Problem> {
        let Value::Object(mut members) = body else {
            return Ok(Self { document: body, import_as_version: None, unsigned: false });
        };
        // Neither name is a member of a signed file, so removing both removes nothing that is signed.
        let import_as_version = match members.remove("import_as_version") {
            None | Some(Value::Null) => None,
            Some(Value::String(version)) => Some(version),
            Some(_) => return Err(Problem::invalid_field("/import_as_version", "is a version such as \"2.4.1\"")),
        };
        let unsigned = match members.remove("unsigned") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(unsigned)) => unsigned,
            Some(_) => return Err(Problem::invalid_field("/unsigned", "is true or false")),
        };
        Ok(Self { document: unwrap_file(members)?, import_as_version, unsigned })
    }

    /// The bare bundle of a file without a verifiable signature.
    pub fn bundle(self) -> Value {
        match self.document {
            Value::Object(mut members) => match members.remove("bundle") {
                Some(bundle) => bundle,
                None => Value::Object(members),
            },
            other => other,
        }
    }
}

/// The members of a signed file.
const FILE: [&str; 8] =
    ["format_version", "algorithm", "key_id", "bundle", "digest", "exported_at", "expires_at", "signature"];

/// Those that nothing else has.
const ONLY_IN_A_FILE: [&str; 5] = ["format_version", "algorithm", "key_id", "exported_at", "expires_at"];

fn unwrap_file(mut members: Map<String, Value>) -> Result<Value, Problem> {
    if !members.contains_key("signature") {
        for name in ["export", "signed_bundle"] {
            if members.get(name).is_some_and(Value::is_object) {
                let file = members.remove(name).unwrap_or_default();
                return refuse_unknown(&members, name).map(|()| file);
            }
        }
        let wraps = members.get("bundle").is_some_and(|bundle| bundle.get("signature").is_some());
        if wraps && let Some(file) = members.remove("bundle") {
            return refuse_unknown(&members, "bundle").map(|()| file);
        }
        // Without a signature nothing beside the bundle is read; what a file has there may stay. A file that lost its
        // signature, or has it under another name, is for the verification to judge.
        let is_file = members.keys().any(|name| ONLY_IN_A_FILE.contains(&name.as_str()));
        if members.contains_key("bundle") && !members.contains_key("rules") && !is_file {
            let beside = members.keys().filter(|name| !FILE.contains(&name.as_str()));
            refuse(unknown_members(beside, "", &["bundle", "import_as_version", "unsigned"]))?;
        }
    }
    Ok(Value::Object(members))
}

/// Refuses members beside a wrapped file, which are options that nobody knows.
fn refuse_unknown(members: &Map<String, Value>, wrapper: &str) -> Result<(), Problem> {
    let known = [wrapper, "import_as_version", "unsigned"];
    refuse(unknown_members(members.keys(), "", &known))
}

fn refuse(faults: Vec<Fault>) -> Result<(), Problem> {
    if faults.is_empty() { Ok(()) } else { Err(Problem::unknown_members(faults)) }
}

#[cfg(test)]
mod tests {
    use policy::Fault;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_unknown_option_beside_a_wrapped_file_is_refused() {
        let file = json!({"signature": "00", "x": 1});
        for wrapper in ["export", "signed_bundle", "bundle"] {
            assert_eq!(Upload::parse(json!({wrapper: file, "unsigned": true})).unwrap().document, file);
            let problem = Upload::parse(json!({wrapper: file, "unsinged": true})).unwrap_err();
            assert_eq!(problem.errors, vec![Fault::new("/unsinged", "is unknown here; did you mean `unsigned`?")]);
        }
    }

    #[test]
    fn an_unknown_option_beside_an_unsigned_bundle_is_refused() {
        let bundle = json!({"rules": [], "x": 1});
        let upload = Upload::parse(json!({"bundle": bundle, "digest": "sha256:0", "unsigned": true})).unwrap();
        assert!(upload.unsigned && upload.bundle() == bundle);
        let problem = Upload::parse(json!({"bundle": bundle, "unsigned": true, "import_as": "1.0.0"})).unwrap_err();
        assert_eq!(problem.errors.len(), 1);
        assert_eq!(problem.errors[0].pointer, "/import_as");
        // A bare bundle keeps what it has.
        let bare = json!({"rules": [], "x": 1});
        assert_eq!(Upload::parse(bare.clone()).unwrap().bundle(), bare);
    }
}
