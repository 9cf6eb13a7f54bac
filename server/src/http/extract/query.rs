//! The query string against the contract: each operation takes the parameters that the contract names, each at most once
//! and with a value. A misspelt filter would otherwise answer everything, which looks like an answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use app::context::Caller;
use axum::{
    extract::{MatchedPath, Query, Request},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{Method, Uri};
use lifecycle::problem::Problem;
use policy::{Fault, spelling::nearest};
use serde_json::Value;

use crate::{
    error::{ApiError, ApiResult},
    openapi::DOCUMENT,
};

/// What the contract says about the query of an operation.
struct Operation {
    parameters: BTreeSet<&'static str>,
    /// Whether only known callers are answered.
    needs_caller: bool,
}

/// The operations of the contract, by path and method.
static OPERATIONS: LazyLock<BTreeMap<&'static str, BTreeMap<&'static str, Operation>>> = LazyLock::new(|| {
    let paths = DOCUMENT["paths"].as_object().into_iter().flatten();
    paths
        .map(|(path, item)| {
            let operations =
                item.as_object().into_iter().flatten().filter(|(_, operation)| operation["responses"].is_object());
            let operations = operations.map(|(method, operation)| {
                let parameters = [&item["parameters"], &operation["parameters"]].into_iter().flat_map(query_parameters);
                // An empty requirement stands for callers without a token.
                let anonymous = operation["security"]
                    .as_array()
                    .is_none_or(|any| any.is_empty() || any.contains(&Value::Object(Default::default())));
                (method.as_str(), Operation { parameters: parameters.collect(), needs_caller: !anonymous })
            });
            (path.as_str(), operations.collect())
        })
        .collect()
});

/// The names of the query parameters in `parameters`.
fn query_parameters(parameters: &'static Value) -> impl Iterator<Item = &'static str> {
    let resolved =
        parameters.as_array().into_iter().flatten().filter_map(|parameter| match parameter["$ref"].as_str() {
            Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')),
            None => Some(parameter),
        });
    resolved.filter(|parameter| parameter["in"] == "query").filter_map(|parameter| parameter["name"].as_str())
}

/// Middleware behind the router: refuses a query string that the contract of the operation does not allow. Callers who
/// are not known, but have to be, are left to the handler, which refuses them.
pub async fn check_query(request: Request, next: Next) -> Response {
    if request.uri().query().is_some_and(|query| !query.is_empty()) {
        let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let known = request.extensions().get::<Caller>().is_some_and(|caller| caller.actor.is_some());
        let method = request.method().as_str().to_lowercase();
        // The contract does not repeat what it says about GET for HEAD.
        let method = if *request.method() == Method::HEAD { "get" } else { method.as_str() };
        let operation = OPERATIONS.get(path).and_then(|methods| methods.get(method));
        if let Some(operation) = operation.filter(|operation| known || !operation.needs_caller)
            && let Err(error) = check(request.uri(), &operation.parameters)
        {
            return error.into_response();
        }
    }
    next.run(request).await
}

/// Refuses any query string, on a path whose operations take none.
///
/// # Errors
/// 422 with the name of the first parameter.
pub fn require_known_query(uri: &Uri) -> ApiResult<()> {
    match uri.query() {
        None | Some("") => Ok(()),
        Some(_) => check(uri, &BTreeSet::new()),
    }
}

fn check(uri: &Uri, known: &BTreeSet<&str>) -> ApiResult<()> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|_| ApiError(Problem::invalid_field("", "the query string cannot be decoded")))?;
    let mut seen = BTreeSet::new();
    for (name, value) in &pairs {
        let wrong = if !known.contains(name.as_str()) {
            Some(match (nearest(name, known.iter().copied()), known.is_empty()) {
                (Some(near), _) => format!("is unknown here; did you mean `{near}`?"),
                (None, true) => "is unknown here; this path takes no parameters".to_owned(),
                (None, false) => {
                    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
                    format!("is unknown here; known are {}", names.join(", "))
                }
            })
        } else if !seen.insert(name) {
            Some("is given twice; keep the one that is meant".to_owned())
        } else if value.is_empty() {
            Some("has no value; give one, or leave the parameter out".to_owned())
        } else {
            None
        };
        if let Some(detail) = wrong {
            let problem = Problem::invalid_fields(vec![Fault::new(format!("?{name}"), detail)]);
            return Err(ApiError(problem.with("parameter", name.as_str())));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_contract_does_not_allow_is_named() {
        let known: BTreeSet<&str> = OPERATIONS["/policy/decisions"]["get"].parameters.clone();
        let refused =
            |query: &str| check(&format!("/policy/decisions?{query}").parse().unwrap(), &known).unwrap_err().0;
        for (query, parameter, detail) in [
            ("sicne=5m", "sicne", "did you mean `since`?"),
            ("since=", "since", "has no value"),
            ("limit", "limit", "has no value"),
            ("limit=1&limit=2", "limit", "is given twice"),
            ("zzz=1", "zzz", "known are `action`, `agent`, "),
        ] {
            let problem = refused(query);
            assert_eq!((problem.status, problem.extra["parameter"].as_str()), (422, Some(parameter)), "{query}");
            assert!(problem.detail.contains(detail), "{problem}");
        }
        let good = "/policy/decisions?agent=a&since=2026-01-01T00:00:00Z".parse().unwrap();
        assert!(check(&good, &known).is_ok());
        assert!(require_known_query(&"/policy/evaluate".parse().unwrap()).is_ok());
        assert!(require_known_query(&"/policy/evaluate?dry_run=true".parse().unwrap()).is_err());
    }

    #[test]
    fn the_contract_says_who_needs_to_be_known() {
        assert!(OPERATIONS["/policy/decisions"]["get"].needs_caller);
        assert!(!OPERATIONS["/metrics/errors"]["get"].needs_caller && !OPERATIONS["/healthz"]["get"].needs_caller);
    }
}
