//! Checks every exchange of every test against the contract of the API (`/openapi.json`): status, headers, media type
//! and body of the answer, and the body of a request that was accepted.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

use http::{HeaderMap, Method, StatusCode, header};
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};
use server::openapi::DOCUMENT;

/// One request and its answer.
#[derive(Debug)]
pub struct Exchange<'a> {
    pub method: &'a Method,
    pub path: &'a str,
    /// Whether the request comes from a browser, which gets pages.
    pub for_people: bool,
    pub sent: &'a [u8],
    pub status: StatusCode,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

/// The path template of the contract that `path` is an instance of, and the operations of that template.
pub fn described(path: &str) -> Option<(&'static str, &'static Value)> {
    let given: Vec<&str> = path.split('/').collect();
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    let literal = |template: &str| template.split('/').filter(|part| !part.starts_with('{')).count();
    let fits = |template: &str| {
        let parts: Vec<&str> = template.split('/').collect();
        parts.len() == given.len()
            && parts.iter().zip(&given).all(|(part, given)| part.starts_with('{') || part == given)
    };
    paths
        .filter(|(template, _)| fits(template))
        .max_by_key(|(template, _)| literal(template))
        .map(|(t, i)| (t.as_str(), i))
}

/// `value`, or the value that its `$ref` refers to.
pub fn resolved(value: &'static Value) -> &'static Value {
    value["$ref"].as_str().map_or(value, |reference| DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap())
}

/// The faults of `value` against a schema of the document, one per line; empty if it conforms.
pub fn faults(schema: &Value, value: &Value) -> Vec<String> {
    type Cache = Mutex<HashMap<String, Arc<Validator>>>;
    static VALIDATORS: LazyLock<Cache> = LazyLock::new(Mutex::default);
    let key = schema.to_string();
    let cached = VALIDATORS.lock().unwrap().get(&key).cloned();
    let validator = cached.unwrap_or_else(|| {
        let whole = json!({ "allOf": [schema], "components": &*STRICT });
        let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
        let validator = Arc::new(options.build(&whole).unwrap_or_else(|error| panic!("{error}: {key}")));
        VALIDATORS.lock().unwrap().insert(key, validator.clone());
        validator
    });
    validator.iter_errors(value).take(5).map(|error| format!("  {}: {error}", error.instance_path())).collect()
}

/// The components, with bundles closed. Members that authors add to a bundle are stored and returned, so the schema of
/// a bundle is open; here it is closed so that no member of our own is left undocumented. Tests add only members that
/// begin with `x-`.
static STRICT: LazyLock<Value> = LazyLock::new(|| {
    let mut components = DOCUMENT["components"].clone();
    for name in ["Bundle", "MovedBundle", "ImportedBundle"] {
        let schema = &mut components["schemas"][name];
        assert_eq!(schema["additionalProperties"], true, "{name}");
        schema["additionalProperties"] = json!(false);
        schema["patternProperties"] = json!({ "^x-": true });
    }
    components
});

/// Checks the exchange against the contract.
pub fn check(exchange: &Exchange<'_>) -> Result<(), String> {
    let Exchange { method, path, status, .. } = *exchange;
    let media = exchange.headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let media = media.map(|media| media.split(';').next().unwrap_or_default().trim());
    if media == Some("application/problem+json") {
        conforms("the problem", &json!({ "$ref": "#/components/schemas/Problem" }), exchange.body)?;
    }
    // Pages and the functions that they call are not part of the API.
    if path.starts_with("/api/") || exchange.for_people {
        return Ok(());
    }
    let Some((template, item)) = described(path) else {
        let answered = status.is_success() && media.is_some_and(|media| media.contains("json"));
        return if answered { Err("nothing is said about this path".to_owned()) } else { Ok(()) };
    };
    let asked = if *method == Method::HEAD { "get".to_owned() } else { method.as_str().to_lowercase() };
    let Some(operation) = item.get(&asked) else {
        let refused = [401, 403, 405].contains(&status.as_u16());
        return if refused { Ok(()) } else { Err(format!("nothing is said about this method of {template}")) };
    };
    let answers = operation["responses"].as_object().unwrap();
    let answer = answers.get(status.as_str()).ok_or_else(|| format!("nothing is said about the status {status}"))?;
    let answer = resolved(answer);
    for (name, header) in answer["headers"].as_object().into_iter().flatten() {
        let header = resolved(header);
        let sent = exchange.headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let sent = sent.ok_or_else(|| format!("the header {name} is missing"))?;
        let value =
            if header["schema"]["type"] == "integer" { sent.parse().unwrap_or(Value::Null) } else { json!(sent) };
        no_faults(&format!("the header {name}"), &faults(&header["schema"], &value))?;
    }
    if *method != Method::HEAD {
        match (answer["content"].as_object(), media) {
            (None, None) => {}
            (Some(content), Some(media)) if content.contains_key(media) => {
                if ["application/json", "application/problem+json"].contains(&media) {
                    conforms("the answer", &content[media]["schema"], exchange.body)?;
                }
            }
            (said, found) => return Err(format!("the media type is {found:?}, said is {said:?}")),
        }
    }
    let body = operation.get("requestBody").filter(|_| status.is_success() && !exchange.sent.is_empty());
    body.map_or(Ok(()), |body| {
        conforms("what was sent and accepted", &body["content"]["application/json"]["schema"], exchange.sent)
    })
}

fn conforms(what: &str, schema: &Value, bytes: &[u8]) -> Result<(), String> {
    // One byte order mark in front of a request is skipped.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("{what} is no JSON: {error}"))?;
    no_faults(what, &faults(schema, &value))
}

fn no_faults(what: &str, faults: &[String]) -> Result<(), String> {
    if faults.is_empty() { Ok(()) } else { Err(format!("{what} is not as said:\n{}", faults.join("\n"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(path: &str, status: u16, media: &'static str, body: &str) -> Result<(), String> {
        let headers = [(header::CONTENT_TYPE, media.parse().unwrap())].into_iter().collect();
        let status = StatusCode::from_u16(status).unwrap();
        let sent = b"".as_slice();
        let (method, body) = (&Method::GET, body.as_bytes());
        check(&Exchange { method, path, for_people: false, sent, status, headers: &headers, body })
    }

    #[test]
    fn deviations_from_the_contract_are_found() {
        let (json, problem) = ("application/json", "application/problem+json");
        assert_eq!(health("/healthz", 200, json, r#"{"status":"ok","loops":[]}"#), Ok(()));
        for (path, status, media, body, wrong) in [
            ("/healthz", 200, json, r#"{"status":"ok","loops":[],"more":1}"#, "more"),
            ("/healthz", 200, json, "{}", "status"),
            ("/healthz", 200, json, r#"{"status":"ill","loops":[]}"#, "ok"),
            ("/healthz", 200, "text/plain", "ok", "media type"),
            ("/healthz", 201, json, r#"{"status":"ok","loops":[]}"#, "status 201"),
            ("/policy/none", 200, json, "{}", "this path"),
            ("/policy/none", 404, problem, r#"{"status":404,"code":"not_found","title":"T"}"#, "detail"),
            ("/policy/none", 404, problem, r#"{"status":404,"code":"gone","title":"T","detail":"D"}"#, "gone"),
        ] {
            let found = health(path, status, media, body).unwrap_err();
            assert!(found.contains(wrong), "{path} {status} {body}: {found}");
        }
    }

    #[test]
    fn literal_segments_of_a_path_take_precedence() {
        assert_eq!(described("/policy/bundles/verify").unwrap().0, "/policy/bundles/verify");
        assert_eq!(described("/policy/bundles/7").unwrap().0, "/policy/bundles/{id}");
        assert!(described("/policy/bundles/7/none").is_none());
    }
}
