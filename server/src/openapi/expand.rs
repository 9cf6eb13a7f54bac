//! Expands the abbreviations in `openapi/`, so that roles and statuses come from the code that decides them:
//! `x-permission` becomes security, `x-roles` and the answers 401 and 403; `x-problems`, with the problems that every
//! such operation has, becomes one answer for each status; `x-examples` are placed at the bodies they illustrate.

use std::collections::{BTreeMap, BTreeSet};

use lifecycle::{authority::Permission, problem::Code};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// The members of a path that are operations.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Expands `document`.
pub(super) fn expand(document: &mut Value) {
    let examples = document.as_object_mut().and_then(|members| members.remove("x-examples")).unwrap_or_default();
    let mut responses = Map::new();
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for path in paths.into_iter().flat_map(Map::values_mut) {
        let on_path = has_query(path.get("parameters"));
        for method in METHODS {
            if let Some(operation) = path.get_mut(method).and_then(Value::as_object_mut) {
                let example = operation.get("operationId").and_then(Value::as_str).map(|id| examples[id].clone());
                add_security(operation);
                add_problems(operation, on_path, &mut responses);
                add_examples(operation, &example.unwrap_or_default());
            }
        }
    }
    if let Some(codes) = document.pointer_mut("/components/schemas/ProblemCode").and_then(Value::as_object_mut) {
        let statuses = named_list::<Code>(codes.get("enum")).map(|(name, code)| (name, code.status().into()));
        let statuses: Map<String, Value> = statuses.collect();
        codes.insert("x-statuses".to_owned(), statuses.into());
    }
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        components.insert("responses".to_owned(), responses.into());
    }
}

/// Adds the roles that may call the operation, from the permission table.
fn add_security(operation: &mut Map<String, Value>) {
    let Some(permission) = operation.get("x-permission").cloned().and_then(named::<Permission>) else { return };
    let roles: Vec<&str> = permission.roles().iter().map(|role| role.name()).collect();
    // No person has this permission, so a browser session is of no use.
    let programs_only = permission == Permission::Evaluate;
    let security = if programs_only { json!([{ "token": [] }]) } else { json!([{ "token": [] }, { "session": [] }]) };
    operation.insert("x-roles".to_owned(), json!(roles));
    operation.insert("security".to_owned(), security);
}

/// Adds the problems with which the operation may answer, one answer for each status.
fn add_problems(operation: &mut Map<String, Value>, query_on_path: bool, shared: &mut Map<String, Value>) {
    let mut codes: Vec<Code> = Vec::new();
    if operation.contains_key("x-permission") {
        codes.extend([
            Code::Unauthenticated,
            Code::Forbidden,
            Code::TooManyRequests,
            Code::Internal,
            Code::Unavailable,
        ]);
    }
    if operation.contains_key("requestBody") {
        codes.extend([
            Code::MalformedJson,
            Code::DuplicateMember,
            Code::InvalidField,
            Code::UnknownMember,
            Code::TooLarge,
        ]);
    }
    // A query parameter that the contract does not name is refused, wherever callers are known.
    if operation.contains_key("x-permission") || query_on_path || has_query(operation.get("parameters")) {
        codes.push(Code::InvalidField);
    }
    codes.extend(named_list::<Code>(operation.get("x-problems")).map(|(_, code)| code));

    let mut by_status: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
    for code in codes {
        let name = json!(code).as_str().unwrap_or_default().to_owned();
        by_status.entry(code.status()).or_default().insert(name);
    }
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (status, names) in by_status {
        let name = names.iter().map(String::as_str).collect::<Vec<_>>().join("-or-");
        responses.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }));
        shared.entry(name).or_insert_with(|| problem(status, &names));
    }
    operation.remove("x-problems");
}

/// The answer with `status` and one of the problem codes `names`.
fn problem(status: u16, names: &BTreeSet<String>) -> Value {
    let titles = names.iter().filter_map(|name| named::<Code>(json!(name))).map(Code::title);
    let mut answer = json!({
        "description": titles.collect::<Vec<_>>().join(", or: "),
        "content": { "application/problem+json": { "schema": {
            "allOf": [{ "$ref": "#/components/schemas/Problem" }],
            "properties": { "status": { "const": status }, "code": { "enum": names } },
        } } },
    });
    match status {
        401 => answer["headers"] = json!({ "WWW-Authenticate": { "$ref": "#/components/headers/WWWAuthenticate" } }),
        429 | 503 => answer["headers"] = json!({ "Retry-After": { "$ref": "#/components/headers/RetryAfter" } }),
        _ => {}
    }
    answer
}

/// Adds the examples `{request, responses: {status: body}}` to the descriptions of the bodies.
fn add_examples(operation: &mut Map<String, Value>, example: &Value) {
    let body = |of: Option<&mut Value>, example: Option<&Value>| {
        let media = of.and_then(|of| of.pointer_mut("/content/application~1json")).and_then(Value::as_object_mut);
        if let (Some(media), Some(example)) = (media, example) {
            media.insert("example".to_owned(), example.clone());
        }
    };
    body(operation.get_mut("requestBody"), example.get("request"));
    for (status, answer) in example.get("responses").and_then(Value::as_object).into_iter().flatten() {
        body(operation.get_mut("responses").and_then(|all| all.get_mut(status)), Some(answer));
    }
}

/// Whether one of these parameters is in the query.
fn has_query(parameters: Option<&Value>) -> bool {
    // Shared parameters are query parameters, except for the ids in paths.
    const IN_PATHS: [&str; 5] = ["ApprovalId", "BundleId", "PacketId", "DecisionId", "IncidentId"];
    parameters.and_then(Value::as_array).into_iter().flatten().any(|parameter| match parameter["$ref"].as_str() {
        Some(shared) => !IN_PATHS.iter().any(|name| shared.ends_with(name)),
        None => parameter["in"] == "query",
    })
}

fn named<T: DeserializeOwned>(name: Value) -> Option<T> {
    serde_json::from_value(name).ok()
}

/// The names in a list that are names of a `T`, with their values.
fn named_list<T: DeserializeOwned>(list: Option<&Value>) -> impl Iterator<Item = (String, T)> {
    let names: Vec<Value> = list.and_then(Value::as_array).cloned().unwrap_or_default();
    names.into_iter().filter_map(|name| Some((name.as_str()?.to_owned(), named(name.clone())?)))
}
