//! A workspace of its own for every test.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use lifecycle::authority::{Actor, Role, Roles, Via};
use serde_json::{Value, json};
use server::{
    evaluation::Durability,
    start::{self, Settings},
    state::AppState,
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use store::{
    Store,
    tokens::{self, NewOwnToken, NewServiceToken},
};
use tower::ServiceExt;

use crate::conforming::{self, Exchange};

/// A request without an answer after this time fails the test.
const TIMEOUT: Duration = Duration::from_secs(60);

static NEXT: AtomicU32 = AtomicU32::new(0);

/// One router on one empty database.
pub struct Workspace {
    pub service: Router,
    pub state: AppState,
    pub store: Store,
    pub folder: PathBuf,
    tokens: Mutex<HashMap<String, String>>,
}

impl Drop for Workspace {
    fn drop(&mut self) {
        let _left = std::fs::remove_dir_all(&self.folder);
    }
}

/// The answer to a request.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }

    /// The body, when the status is the expected one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.json()
    }

    /// The problem, when the status and the code are the expected ones.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["code"], code, "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
        problem
    }
}

/// A temporary folder of this test.
pub fn folder() -> PathBuf {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("countersign-api-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// An administrator, for setting things up.
pub fn admin() -> Actor {
    actor(Role::Admin)
}

/// Sets settings whatever they weaken: an administrator proposes, a safety owner accepts.
pub async fn set(store: &Store, settings: store::settings::Settings) {
    let changed = store::settings::update(store, &admin(), settings).await.unwrap();
    if let Some(proposal) = changed.proposal {
        store::settings::accept(store, &actor(Role::SafetyOwner), proposal.id).await.unwrap();
    }
}

/// A person with one role.
pub fn actor(role: Role) -> Actor {
    Actor::new(format!("{role}@example.com"), [role].into(), Via::Cli)
}

/// The code with which PostgreSQL ends one of two transactions that wait for each other.
const DEADLOCK: &str = "40P01";

/// Runs statements as the role that owns the tables, which may change the schema. They are one transaction, and tried
/// again when PostgreSQL ended it in favour of one of the server's, which goes on meanwhile.
pub async fn as_owner(store: &Store, statements: &'static str) {
    let options = store::testing::as_owner(&store.pool().connect_options());
    let mut db = PgConnection::connect_with(&options).await.unwrap();
    loop {
        match sqlx::raw_sql(statements).execute(&mut db).await {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(DEADLOCK) => {}
            done => {
                done.unwrap();
                return;
            }
        }
    }
}

/// A token of a person.
pub async fn own_token(store: &Store, email: &str, name: &str, roles: Roles) -> String {
    let new = NewOwnToken { name: name.to_owned(), roles, expires_in_days: None, password: None };
    tokens::create_on_host(store, &admin(), email, new).await.unwrap().1
}

/// A token of a program for some agents.
pub async fn program(store: &Store, name: &str, agents: &[&str]) -> String {
    let new = NewServiceToken {
        name: name.to_owned(),
        agents: agents.iter().map(|agent| (*agent).to_owned()).collect(),
        reporter: false,
        expires_in_days: None,
    };
    tokens::create_service(store, &admin(), new).await.unwrap().1
}

/// Settings of a server, with a folder of its own.
fn settings(database: store::Hosts) -> Settings {
    Settings {
        database,
        keys: store::testing::keys(),
        data_dir: folder(),
        demo: false,
        demo_traffic: false,
        public_metrics: false,
        durability: Durability::Durable,
        public_url: None,
        trusted_proxies: Vec::new(),
        private_postgres: Default::default(),
        smtp: Default::default(),
        oidc: Default::default(),
    }
}

impl Workspace {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A workspace on a server with other settings.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = folder();
        let (database, keys) = (store::testing::database().await, store::testing::keys());
        let store = Store::connect(database.clone(), keys.clone()).await.unwrap();
        store::key_check::check(&store).await.unwrap();
        let mut settings = settings(database.into());
        settings.data_dir.clone_from(&folder);
        change(&mut settings);
        let address: SocketAddr = "127.0.0.1:3119".parse().unwrap();
        let state = start::state(store, &settings, address).await.unwrap();
        Self::of(state, folder)
    }

    /// Another server on the same database.
    pub async fn second_server(&self) -> Self {
        let settings = settings(PgConnectOptions::clone(&self.store.pool().connect_options()).into());
        let store = Store::connect(settings.database.clone(), settings.keys.clone()).await.unwrap();
        let address: SocketAddr = "127.0.0.1:3119".parse().unwrap();
        let state = start::state(store, &settings, address).await.unwrap();
        Self::of(state, settings.data_dir)
    }

    pub fn of(state: AppState, folder: PathBuf) -> Self {
        let (service, store) = (server::http::service(state.clone()), state.store.clone());
        Self { service, state, store, folder, tokens: Mutex::default() }
    }

    /// A token of a program, or of a person with these roles.
    pub async fn token(&self, roles: &[Role]) -> String {
        let name = roles.iter().map(|role| role.name()).collect::<Vec<_>>().join("+");
        if let Some(token) = self.tokens.lock().unwrap().get(&name) {
            return token.clone();
        }
        let set: Roles = roles.iter().copied().collect();
        let token = if roles == [Role::Service] {
            program(&self.store, &name, &["*"]).await
        } else {
            let email = format!("{name}@example.com");
            store::people::add(&self.store, &admin(), &email, &name, set.clone(), "a long password").await.unwrap();
            own_token(&self.store, &email, &name, set).await
        };
        self.tokens.lock().unwrap().insert(name, token.clone());
        token
    }

    /// A caller with this role.
    pub async fn caller(&self, role: Role) -> Caller<'_> {
        Caller { workspace: self, token: Some(self.token(&[role]).await) }
    }

    /// A caller with these roles, or the token of a person whose roles were all taken.
    pub async fn caller_or_nobody(&self, role: Option<Role>) -> Caller<'_> {
        if let Some(role) = role {
            return self.caller(role).await;
        }
        let email = "nobody@example.com";
        store::people::add(&self.store, &admin(), email, "Nobody", [Role::Viewer].into(), "a long password")
            .await
            .unwrap();
        let token = own_token(&self.store, email, "nobody", [Role::Viewer].into()).await;
        store::people::set_roles(&self.store, &admin(), email, Roles::new()).await.unwrap();
        Caller { workspace: self, token: Some(token) }
    }

    pub fn stranger(&self) -> Caller<'_> {
        Caller { workspace: self, token: None }
    }

    /// Sends a request. The answer is checked against the contract.
    pub async fn send(&self, request: Request<Body>) -> Reply {
        let (asked, body) = request.into_parts();
        let sent = body.collect().await.unwrap().to_bytes();
        let (method, uri) = (asked.method.clone(), asked.uri.clone());
        let accepted = asked.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let for_people = accepted.is_some_and(|accepted| accepted.contains("text/html"))
            && matches!(method, Method::GET | Method::HEAD);
        let request = Request::from_parts(asked, Body::from(sent.clone()));
        let answer = async {
            let (parts, body) = self.service.clone().oneshot(request).await.unwrap().into_parts();
            (parts, body.collect().await.unwrap().to_bytes())
        };
        let answer = tokio::time::timeout(TIMEOUT, answer).await;
        let (parts, bytes) = answer.unwrap_or_else(|_| panic!("{method} {uri} was never answered"));
        let checked = conforming::check(&Exchange {
            method: &method,
            path: uri.path(),
            for_people,
            sent: &sent,
            status: parts.status,
            headers: &parts.headers,
            body: &bytes,
        });
        if let Err(fault) = checked {
            panic!("{method} {uri} is not as server/openapi says: {fault}\n{}", String::from_utf8_lossy(&bytes));
        }
        Reply { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// A bundle at 100 %: drafted, signed off by reviewers, applied and promoted without waiting.
    pub async fn stable(&self, source: Value) -> Value {
        self.no_waiting().await;
        let id = self.approved(source).await;
        let owner = self.caller(Role::RuntimeOwner).await;
        self.promote(&owner, &id, &[50, 100]).await
    }

    /// A bundle that serves `percent` of the traffic.
    pub async fn canary(&self, source: Value, percent: i64) -> Value {
        self.no_waiting().await;
        let id = self.approved(source).await;
        let owner = self.caller(Role::RuntimeOwner).await;
        let steps: &[i64] = if percent == 50 { &[50] } else { &[] };
        self.promote(&owner, &id, steps).await
    }

    async fn promote(&self, owner: &Caller<'_>, approved: &(i64, String), steps: &[i64]) -> Value {
        let (id, packet) = approved;
        let mut bundle =
            owner.post(&format!("/policy/bundles/{id}/activate"), json!({"packet_id": packet})).await.expect(200);
        for step in steps {
            self.traffic().await;
            bundle =
                owner.post(&format!("/policy/bundles/{id}/promote"), json!({"target_pct": step})).await.expect(200);
        }
        bundle
    }

    /// Decisions in the stage that has just begun.
    async fn traffic(&self) {
        // Servers notice a change within a second.
        tokio::time::sleep(Duration::from_millis(1_050)).await;
        let service = self.caller(Role::Service).await;
        let requests: Vec<Value> = (0..200).map(|number| question(&format!("traffic-{number}"))).collect();
        service.post("/policy/evaluate/batch", json!({"requests": requests})).await.expect(200);
        // Where decisions are answered before they are in the database.
        self.state.live.log.drain().await;
    }

    /// Makes stages short and samples of gates small, so that tests need not wait.
    pub async fn no_waiting(&self) {
        let mut settings = store::settings::get(&self.store, &admin()).await.unwrap();
        settings.gates.min_stage_seconds = 0;
        settings.gates.min_sample_size = 1;
        settings.gates.max_deny_rate = 1.0;
        // The traffic of tests must not roll their canaries back.
        settings.watch.min_sample_size = 100_000;
        set(&self.store, settings).await;
    }

    /// A draft that an approver and a safety owner have signed: its number and its packet.
    pub async fn approved(&self, source: Value) -> (i64, String) {
        let author = self.caller(Role::Author).await;
        let bundle = author.post("/policy/bundles", source).await.expect(201);
        let id = bundle["id"].as_i64().unwrap();
        let packet = author
            .post("/policy/packets", json!({"bundle_id": id, "fallback_plan": "roll back to the version before"}))
            .await
            .expect(201);
        let packet_id = packet["packet_id"].as_str().unwrap().to_owned();
        for role in [Role::Approver, Role::SafetyOwner] {
            let signer = self.caller(role).await;
            let signed = signer
                .post(&format!("/policy/packets/{packet_id}/actions"), json!({"decision": "approve"}))
                .await
                .expect(200);
            if signed["status"] == "approved" {
                break;
            }
        }
        (id, packet_id)
    }
}

/// A caller with a token, or an anonymous one.
pub struct Caller<'a> {
    pub workspace: &'a Workspace,
    pub token: Option<String>,
}

impl Caller<'_> {
    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &[], Body::empty()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, &[], Body::from(body.to_string())).await
    }

    pub async fn put(&self, path: &str, if_match: Option<&str>, body: Value) -> Reply {
        let headers: Vec<(&str, &str)> = if_match.map(|etag| ("if-match", etag)).into_iter().collect();
        self.send(Method::PUT, path, &headers, Body::from(body.to_string())).await
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.workspace.send(request.body(body).unwrap()).await
    }
}

/// A small bundle with one rule, about `inbox.triage` / `quarantine`.
pub fn bundle(version: &str, effect: &str) -> Value {
    json!({
        "version": version,
        "notes": "for tests",
        "rules": [{
            "id": "quarantine-high-risk", "agent": "inbox.triage", "action": "quarantine",
            "conditions": {">=risk_score": 90}, "effect": effect,
            "reason": "High-risk mail is decided by this rule", "priority": 80,
            "budget": {"cost": 0.05, "compute": 1, "risk": "low"}
        }]
    })
}

/// A request that the rule of [`bundle`] decides.
pub fn question(subject: &str) -> Value {
    json!({"agent": "inbox.triage", "action": "quarantine", "context": {"risk_score": 95}, "subject": subject})
}
