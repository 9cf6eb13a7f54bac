//! The contract of the API is complete, valid and true. Every answer that any test receives is checked against it too
//! (see `conforming`).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use axum::body::Body;
use http::{Method, StatusCode};
use lifecycle::{approval, audit, authority, bundle::State, decision, incident, kpi, problem, review, rollout, transfer};
use policy::{
    bundle,
    engine::{self, Arm},
    lint,
    replay::{self, OutcomeStatus},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use server::openapi::DOCUMENT;
use syn::{
    Expr, ExprLit, ExprMethodCall, Lit,
    visit::{self, Visit},
};

use crate::{
    conforming::{described, faults, resolved},
    support::{Workspace, admin, bundle},
};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Path, method and content of every operation.
fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        METHODS.iter().filter_map(move |method| item.get(method).map(|operation| (path.as_str(), *method, operation)))
    })
}

/// Routes and query parameters as they are written in the sources of the routes.
#[derive(Default)]
struct Written {
    routes: BTreeSet<(String, String)>,
    parameters: BTreeSet<String>,
}

impl<'a> Visit<'a> for Written {
    fn visit_expr_method_call(&mut self, call: &'a ExprMethodCall) {
        assert!(call.method != "nest" && call.method != "route_service", "this test does not understand such routes");
        if call.method == "route" {
            let mut arguments = call.args.iter();
            let path = literal(arguments.next().unwrap());
            let mut methods = Vec::new();
            methods_of(arguments.next().unwrap(), &mut methods);
            assert!(!methods.is_empty(), "{path} has no method that this test understands");
            self.routes.extend(methods.into_iter().map(|method| (path.clone(), method)));
        }
        if matches!(&*call.receiver, Expr::Path(of) if of.path.is_ident("params")) {
            // `limit()` is the only reader that names no parameter.
            self.parameters.insert(call.args.first().map_or_else(|| call.method.to_string(), literal));
        }
        visit::visit_expr_method_call(self, call);
    }

    // Parameters in tests are not part of the routes.
    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        if module.ident != "tests" {
            visit::visit_item_mod(self, module);
        }
    }
}

/// The text of an argument.
fn literal(expression: &Expr) -> String {
    match expression {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text.value(),
        _ => panic!("the path of a route, or the name of a parameter, is not written out"),
    }
}

/// `get(list).post(create)` → get, post
fn methods_of(expression: &Expr, found: &mut Vec<String>) {
    let name = match expression {
        Expr::MethodCall(call) => {
            methods_of(&call.receiver, found);
            call.method.to_string()
        }
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => path.path.segments.last().unwrap().ident.to_string(),
            _ => return,
        },
        _ => return,
    };
    if METHODS.contains(&name.as_str()) {
        found.push(name);
    }
}

#[test]
fn every_route_and_parameter_is_described_and_nothing_else() {
    // Routes for people rather than programs are not part of the contract.
    let for_people = ["assets.rs", "oidc.rs", "pages.rs", "server_functions.rs"];
    let mut written = Written::default();
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/routes")).unwrap() {
        let file = file.unwrap().path();
        assert!(file.is_file(), "{}: this test does not look into folders", file.display());
        if for_people.iter().any(|name| file.ends_with(name)) {
            continue;
        }
        written.visit_file(&syn::parse_file(&fs::read_to_string(&file).unwrap()).unwrap());
    }
    // The pages about the contract are for people.
    for path in ["/docs", "/docs/{page}"] {
        assert!(written.routes.remove(&(path.to_owned(), "get".to_owned())));
    }
    let described = operations().map(|(path, method, _)| (path.to_owned(), method.to_owned())).collect();
    assert_eq!(written.routes, described, "left: what is served; right: what server/openapi/paths describes");

    let items = operations()
        .flat_map(|(path, _, operation)| [&DOCUMENT["paths"][path]["parameters"], &operation["parameters"]]);
    let parameters =
        items.filter_map(Value::as_array).flatten().map(resolved).filter(|parameter| parameter["in"] == "query");
    let described = parameters.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(written.parameters, described, "left: parameters that handlers read; right: those described");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_served_and_asks_for_a_token_where_it_says_so() {
    let workspace = Workspace::new().await;
    for (path, method, operation) in operations() {
        let method: Method = method.to_uppercase().parse().unwrap();
        let address = address(path);
        let reply = workspace.stranger().send(method.clone(), &address, &[], Body::empty()).await;
        let expected = if operation.get("x-permission").is_some() { 401 } else { 200 };
        assert_eq!(reply.status, expected, "{method} {address}: {}", reply.text);
    }
}

/// `path` with a number for each parameter.
fn address(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "1" } else { part }).collect::<Vec<_>>().join("/")
}

/// The tests in `access` show that exactly these roles pass.
#[test]
fn the_permissions_are_those_that_are_tested() {
    let mut tested = BTreeSet::new();
    for (method, path, _, permission) in crate::access::routes() {
        let (template, item) = described(path).unwrap_or_else(|| panic!("{path} is not described"));
        let operation = &item[method.to_lowercase()];
        assert_eq!(operation["x-permission"], permission.name(), "{method} {path}");
        let roles: Vec<&str> = permission.roles().iter().map(|role| role.name()).collect();
        assert_eq!(operation["x-roles"], json!(roles), "{method} {path}");
        tested.insert((template, method.to_lowercase()));
    }
    for (path, method, operation) in operations() {
        let tested = tested.contains(&(path, method.to_owned()));
        assert_eq!(tested, operation.get("x-permission").is_some(), "{method} {path} in the table of `access`");
    }
}

#[test]
fn the_document_is_openapi_3_1() {
    let meta: Value = serde_json::from_str(include_str!("openapi-3.1.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&meta).unwrap();
    let faults: Vec<_> =
        validator.iter_errors(&*DOCUMENT).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let mut broken = DOCUMENT.clone();
    broken["paths"]["/healthz"]["get"]["responses"]["200"]["descriptoin"] = json!("a slip of the pen");
    assert!(!validator.is_valid(&broken), "the check would not notice a member that does not exist");

    let mut ids = BTreeSet::new();
    let tags: Vec<&Value> = DOCUMENT["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    for (path, method, operation) in operations() {
        assert!(
            ids.insert(operation["operationId"].as_str().unwrap()),
            "{method} {path}: its operationId is used twice"
        );
        assert!(operation["summary"].as_str().is_some_and(|summary| !summary.ends_with('.')), "{method} {path}");
        let [tag] = operation["tags"].as_array().unwrap().as_slice() else {
            panic!("{method} {path}: one tag, please")
        };
        assert!(tags.contains(&tag), "{method} {path}: there is no tag {tag}");
        let places: BTreeSet<&str> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let item = &DOCUMENT["paths"][path];
        let parameters =
            [&item["parameters"], &operation["parameters"]].into_iter().filter_map(Value::as_array).flatten();
        let parameters = parameters.map(resolved).filter(|parameter| parameter["in"] == "path");
        assert_eq!(parameters.map(|parameter| parameter["name"].as_str().unwrap()).collect::<BTreeSet<_>>(), places);
    }
    each(&DOCUMENT, "", &mut |value, at| {
        if let Some(reference) = value["$ref"].as_str() {
            assert!(DOCUMENT.pointer(reference.trim_start_matches('#')).is_some(), "{at}: there is no {reference}");
        }
    });
}

/// Calls `visit` with every value below `value` and its JSON Pointer.
fn each(value: &'static Value, at: &str, visit: &mut dyn FnMut(&'static Value, &str)) {
    visit(value, at);
    match value {
        Value::Object(members) => members.iter().for_each(|(name, below)| each(below, &format!("{at}/{name}"), visit)),
        Value::Array(items) => items.iter().enumerate().for_each(|(n, below)| each(below, &format!("{at}/{n}"), visit)),
        _ => {}
    }
}

/// A schema left open by oversight would let a forgotten member pass.
#[test]
fn every_object_says_whether_it_may_have_more_members() {
    each(&DOCUMENT, "", &mut |value, at| {
        let is_object = value["type"] == "object" && value["properties"].is_object() && !at.contains("/example");
        if is_object && value.get("allOf").is_none() {
            assert!(value.get("additionalProperties").is_some(), "{at}");
        }
    });
}

#[test]
fn every_schema_is_used() {
    let mut used = BTreeSet::new();
    each(&DOCUMENT, "", &mut |value, _| {
        let reference = value["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/components/schemas/"));
        // A reference may lead to a property of a schema.
        used.extend(reference.and_then(|reference| reference.split('/').next()));
    });
    let unused: Vec<_> = DOCUMENT["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| !used.contains(name.as_str()))
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn every_body_has_an_example_that_is_as_described() {
    let mut lacking = Vec::new();
    for (path, method, operation) in operations() {
        let answers = operation["responses"].as_object().unwrap().iter().filter(|(status, _)| status.starts_with('2'));
        let bodies = answers.map(|(status, answer)| (status.as_str(), answer));
        for (which, body) in bodies.chain(operation.get("requestBody").map(|body| ("request", body))) {
            let Some(media) = resolved(body)["content"].get("application/json") else { continue };
            match media.get("example") {
                Some(example) => {
                    let faults = faults(&media["schema"], example);
                    assert!(faults.is_empty(), "{method} {path} {which}:\n{}", faults.join("\n"));
                }
                // The document is not an example of itself.
                None if path == "/openapi.json" => {}
                None => lacking.push(format!("{} {which}", operation["operationId"])),
            }
        }
    }
    assert!(lacking.is_empty(), "no example in server/openapi/examples: {lacking:#?}");
}

type Names = fn() -> BTreeSet<String>;

/// The names of a type's variants, taken from serde's error message.
fn variants<T: DeserializeOwned>() -> BTreeSet<String> {
    let Err(error) = serde_json::from_value::<T>(json!("no such name")) else { panic!("it takes any name") };
    error.to_string().split('`').skip(3).step_by(2).map(str::to_owned).collect()
}

#[test]
fn enumerations_have_the_values_of_their_types() {
    let named: &[(&str, Names)] = &[
        ("ApprovalStatus", variants::<approval::Status>),
        ("ApprovalVerdict", variants::<approval::Verdict>),
        ("Arm", variants::<Arm>),
        ("AuditEventType", variants::<audit::EventType>),
        ("BundleState", variants::<State>),
        ("Dataset", variants::<replay::Dataset>),
        ("DecisionStatus", variants::<engine::Status>),
        ("Effect", variants::<bundle::Effect>),
        ("EntryFlaw", variants::<audit::Flaw>),
        ("EvaluationErrorCode", variants::<engine::evaluation::ErrorCode>),
        ("EvaluationMode", variants::<decision::Mode>),
        ("EvidenceGap", variants::<review::content::EvidenceGap>),
        ("FindingCode", variants::<lint::Code>),
        ("FindingSeverity", variants::<lint::Severity>),
        ("GateName", variants::<rollout::GateName>),
        ("GateVerdict", variants::<rollout::GateVerdict>),
        ("GuardrailName", variants::<review::guardrails::GuardrailName>),
        ("GuardrailVerdict", variants::<review::GuardrailVerdict>),
        ("GuardKind", variants::<review::GuardKind>),
        ("IncidentSeverity", variants::<incident::Severity>),
        ("IncidentStatus", variants::<incident::Status>),
        ("InvariantVerdict", variants::<review::content::InvariantVerdict>),
        ("KpiAlert", variants::<kpi::Alert>),
        ("OutcomeStatus", variants::<OutcomeStatus>),
        ("PacketStatus", variants::<review::PacketStatus>),
        ("PartnerKeyStatus", variants::<transfer::PartnerKeyStatus>),
        ("Permission", variants::<authority::Permission>),
        ("ProblemCode", variants::<problem::Code>),
        ("ProposalStatus", variants::<lifecycle::settings::ProposalStatus>),
        ("QuorumReason", variants::<review::QuorumReason>),
        ("ReviewDecision", variants::<review::Verdict>),
        ("Risk", variants::<bundle::Risk>),
        ("Role", variants::<authority::Role>),
        ("ScopeKind", variants::<approval::ScopeKind>),
        ("ScenarioName", variants::<review::red_team::ScenarioName>),
        ("ScenarioVerdict", variants::<review::ScenarioVerdict>),
        ("SignatureVerdict", variants::<transfer::Verdict>),
        ("TriggerMetric", variants::<lifecycle::system::TriggerMetric>),
        ("ValueType", variants::<engine::ValueType>),
        ("WhoHasPasswords", variants::<lifecycle::settings::Passwords>),
    ];
    for (name, variants) in named {
        let schema = &DOCUMENT["components"]["schemas"][name];
        let listed: BTreeSet<String> = serde_json::from_value(schema["enum"].clone()).unwrap();
        let explained: BTreeSet<String> = schema["x-enum-descriptions"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(listed, variants(), "{name}");
        assert_eq!(listed, explained, "{name}");
    }
    let schemas = DOCUMENT["components"]["schemas"].as_object().unwrap();
    let with_values = schemas.iter().filter(|(_, schema)| schema.get("enum").is_some()).map(|(name, _)| name.as_str());
    let compared: BTreeSet<&str> = named.iter().map(|(name, _)| *name).collect();
    assert_eq!(with_values.collect::<BTreeSet<_>>(), compared);
}

/// Every example request is accepted or refused for its content, never as malformed.
#[tokio::test(flavor = "multi_thread")]
async fn every_example_is_well_formed() {
    let workspace = Workspace::new().await;
    workspace.stable(bundle("1.0.0", "allow")).await;
    // An example exempts her from a freeze.
    let rita = "rita@example.com";
    let roles = [authority::Role::RuntimeOwner].into();
    store::people::add(&workspace.store, &admin(), rita, "Rita", roles, "a good password").await.unwrap();
    // What ends the token that asks comes last.
    let ends_token = |path: &str, method: &str| path == "/me/sessions" && method == "delete";
    let mut operations: Vec<_> = operations().collect();
    operations.sort_by_key(|(path, method, _)| ends_token(path, method));
    for (path, method, operation) in operations {
        let roles: Vec<authority::Role> = serde_json::from_value(operation["x-roles"].clone()).unwrap_or_default();
        let Some(role) = roles.into_iter().next_back().filter(|_| path != "/events") else { continue };
        let caller = workspace.caller(role).await;
        let example = operation["requestBody"].pointer("/content/application~1json/example");
        let body = example.map_or_else(Body::empty, |example| Body::from(example.to_string()));
        let headers = [("if-match", "\"1\""), ("x-emergency-override", "true")];
        let method: Method = method.to_uppercase().parse().unwrap();
        let reply = caller.send(method.clone(), &address(path), &headers, body).await;
        let fine = [200, 201, 404, 409, 412, 423].contains(&reply.status.as_u16());
        assert!(fine, "{role}: {method} {path}: {} {}", reply.status, reply.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_public_and_cacheable() {
    let workspace = Workspace::new().await;
    let stranger = workspace.stranger();
    let reply = stranger.get("/openapi.json").await;
    assert_eq!(reply.json(), *DOCUMENT);
    let etag = reply.headers["etag"].to_str().unwrap().to_owned();
    let again = stranger.send(Method::GET, "/openapi.json", &[("if-none-match", &etag)], Body::empty()).await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    let other = stranger.send(Method::GET, "/openapi.json", &[("if-none-match", "\"x\"")], Body::empty()).await;
    assert_eq!(other.status, StatusCode::OK);
    stranger.post("/openapi.json", json!({})).await.problem(405, "method_not_allowed");
    stranger.get("/docs/none").await.problem(404, "not_found");
    stranger.get("/policy/evaluate/none").await.problem(404, "not_found");
}

/// The values of an attribute on a page.
fn values_of<'p>(page: &'p str, attribute: &str) -> Vec<&'p str> {
    page.split(&format!(" {attribute}=\"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_show_every_operation_and_run_nothing() {
    let workspace = Workspace::new().await;
    let (mut pages, mut found) = (BTreeMap::new(), vec!["/docs".to_owned()]);
    while let Some(path) = found.pop() {
        if pages.contains_key(&path) {
            continue;
        }
        let headers = [("accept", "text/html"), ("cookie", "theme=dark")];
        let reply = workspace.stranger().send(Method::GET, &path, &headers, Body::empty()).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
        let policy = reply.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe") && !policy.contains("script-src")
        );
        let page = reply.text;
        assert!(page.contains("data-theme=\"dark\""));
        assert_eq!(page.matches("<h1").count(), 1);
        // Nothing is fetched and no link leads away.
        for forbidden in ["<script", "style=", "onclick", "=\"http:", "=\"https:", "url("] {
            assert!(!page.contains(forbidden), "{path}: {forbidden}");
        }
        let ids = values_of(&page, "id");
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "{path}: an id is used twice");
        let links = values_of(&page, "href").into_iter().filter_map(|href| href.split('#').next());
        found.extend(links.filter(|path| path.starts_with("/docs")).map(str::to_owned));
        pages.insert(path, page);
    }
    for (path, page) in &pages {
        for (to, target) in values_of(page, "href").iter().filter_map(|href| href.split_once('#')) {
            let on = if to.is_empty() { path } else { to };
            let is_there = pages.get(on).is_some_and(|page| values_of(page, "id").contains(&target));
            assert!(is_there, "{path}: a link leads to {to}#{target}, which is not there");
        }
    }
    let ids: BTreeSet<&str> = pages.values().flat_map(|page| values_of(page, "id")).collect();
    for (path, method, operation) in operations() {
        assert!(ids.contains(operation["operationId"].as_str().unwrap()), "{method} {path}");
    }
}
