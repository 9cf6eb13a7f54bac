//! The database goes away, or fails, and comes back: evaluation goes on, and no answered decision is lost.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

use lifecycle::authority::Role;
use serde_json::{Value, json};
use server::{
    evaluation::{DecisionLog, Durability},
    start::{self, Settings},
};
use store::{
    Store,
    postgres::{Options, Private},
};

use crate::support::{Caller, Workspace, as_owner, bundle, folder, question};

fn postgres(folder: &Path) -> Private {
    Private::start(folder, &Options { durable: false, max_connections: 40 }).unwrap()
}

struct Setup {
    folder: PathBuf,
    workspace: Workspace,
    log: DecisionLog,
    database: Private,
}

/// A workspace whose database can be stopped.
async fn set_up(port: u16, durability: Durability) -> Setup {
    let folder = folder();
    let database = start_database(&folder).await;
    let keys = store::testing::keys();
    store::migrate(&database.owner_options()).await.unwrap();
    let store = Store::connect(database.options(), keys.clone()).await.unwrap();
    let settings = Settings {
        database: database.options().into(),
        keys,
        data_dir: folder.clone(),
        demo: false,
        demo_traffic: false,
        public_metrics: false,
        durability,
        public_url: None,
        trusted_proxies: Vec::new(),
        private_postgres: Default::default(),
        smtp: Default::default(),
        oidc: Default::default(),
    };
    let state = start::state(store, &settings, SocketAddr::from(([127, 0, 0, 1], port))).await.unwrap();
    let log = state.live.log.clone();
    let workspace = Workspace::of(state, folder.clone());
    Setup { folder, workspace, log, database }
}

async fn start_database(folder: &Path) -> Private {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || postgres(&folder)).await.unwrap()
}

async fn stop_database(database: Private) {
    tokio::task::spawn_blocking(move || database.stop()).await.unwrap();
}

/// The decision `id`, as soon as the database has it.
async fn recorded(viewer: &Caller<'_>, id: &str) -> Value {
    for _ in 0..100 {
        let found = viewer.get(&format!("/policy/decisions/{id}")).await;
        if found.status == 200 {
            return found.json();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{id} did not reach the database");
}

#[tokio::test(flavor = "multi_thread")]
async fn evaluation_goes_on_without_the_database() {
    let Setup { folder, workspace, database, .. } = set_up(3118, Durability::Durable).await;
    let service = workspace.caller(Role::Service).await;
    let viewer = workspace.caller(Role::Viewer).await;
    service.post("/policy/evaluate", question("before")).await.expect(200);

    stop_database(database).await;
    let answer = service.post("/policy/evaluate", question("during")).await.expect(200);
    assert_eq!(answer["mode"], "degraded", "{answer}");
    let id = answer["decision_id"].as_str().unwrap().to_owned();
    viewer.get("/policy/bundles").await.problem(503, "unavailable");
    workspace.stranger().get("/readyz").await.problem(503, "unavailable");
    // A load balancer that asks this keeps sending questions here.
    let ready = workspace.stranger().get("/readyz/evaluate").await.expect(200);
    assert!(ready["warnings"][0].as_str().unwrap().contains("buffered"), "{ready}");
    // Whoever is woken by this needs the figures of the server now.
    let metrics = workspace.stranger().get("/metrics").await;
    assert_eq!(metrics.status, 200, "{}", metrics.text);
    for line in ["policy_degraded 1\n", "policy_database_up 0\n"] {
        assert!(metrics.text.contains(line), "{line}: {}", metrics.text);
    }
    workspace.stranger().get("/healthz").await.expect(200);

    let _database = start_database(&folder).await;
    assert_eq!(recorded(&viewer, &id).await["mode"], json!("degraded"));
    let after = service.post("/policy/evaluate", question("after")).await.expect(200);
    assert_eq!(after["mode"], "normal");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buffered_log_has_everything_once_drained_and_waits_for_the_disk_without_the_database() {
    let Setup { folder, workspace, log, database } = set_up(3117, Durability::Buffered).await;
    let service = workspace.caller(Role::Service).await;
    let viewer = workspace.caller(Role::Viewer).await;
    let ask = async |subject: &str| {
        let answer = service.post("/policy/evaluate", question(subject)).await.expect(200);
        (answer["decision_id"].as_str().unwrap().to_owned(), answer["mode"].as_str().unwrap().to_owned())
    };
    let mut ids = Vec::new();
    for number in 0..50 {
        ids.push(ask(&format!("subject-{number}")).await.0);
    }
    log.drain().await;
    for id in &ids {
        viewer.get(&format!("/policy/decisions/{id}")).await.expect(200);
    }

    stop_database(database).await;
    // The first decision is answered ahead of the log. When it is written, the log finds that the database is away.
    let (first, _) = ask("first").await;
    log.drain().await;
    let (second, mode) = ask("second").await;
    assert_eq!(mode, "degraded");

    let _database = start_database(&folder).await;
    for id in [first, second] {
        assert_eq!(recorded(&viewer, &id).await["mode"], json!("degraded"));
    }
}

const BUFFER: &str = "buffered-decisions.jsonl";
const REFUSED: &str = "buffered-decisions.refused.jsonl";

/// Waits until the buffer is empty.
async fn until_buffer_is_empty(workspace: &Workspace) {
    for _ in 0..200 {
        if fs::metadata(workspace.folder.join(BUFFER)).unwrap().len() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("decisions stay in the buffer");
}

async fn count(store: &Store) -> i64 {
    sqlx::query_scalar("select count(*) from policy_decisions").fetch_one(store.pool()).await.unwrap()
}

/// Buffers `count` decisions of agent `full`, except that the one at `position` is of `agent`.
async fn buffer(service: &Caller<'_>, count: usize, position: usize, agent: &str) {
    let ask = |number: usize| {
        let agent = if number == position { agent } else { "full" };
        json!({"agent": agent, "action": "b", "decision_id": format!("{agent}-{number}")})
    };
    let numbers: Vec<usize> = (0..count).collect();
    for some in numbers.chunks(1_000) {
        let requests: Vec<Value> = some.iter().map(|number| ask(*number)).collect();
        service.post("/policy/evaluate/batch", json!({"requests": requests})).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_buffered_decisions_are_logged_while_new_ones_are_made() {
    let workspace = Workspace::new().await;
    let (service, viewer) = (workspace.caller(Role::Service).await, workspace.caller(Role::Viewer).await);
    refuse(&workspace.store).await;
    buffer(&service, 4_500, 0, "full").await;
    assert_eq!(count(&workspace.store).await, 0);

    as_owner(&workspace.store, "drop trigger refuse on policy_decisions").await;
    for number in 0..100 {
        service.post("/policy/evaluate", question(&format!("new-{number}"))).await.expect(200);
    }
    until_buffer_is_empty(&workspace).await;
    assert_eq!(service.post("/policy/evaluate", request_of("newest")).await.expect(200)["mode"], "normal");
    assert_eq!(count(&workspace.store).await, 4_601);
    assert_eq!(recorded(&viewer, "full-4499").await["mode"], "degraded");
    assert!(!workspace.folder.join(REFUSED).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn buffered_decisions_that_the_log_does_not_take_are_set_aside_and_the_rest_is_logged() {
    let workspace = Workspace::new().await;
    let (service, viewer) = (workspace.caller(Role::Service).await, workspace.caller(Role::Viewer).await);
    service.post("/policy/evaluate", json!({"agent": "a", "action": "b", "decision_id": "full-7"})).await.expect(200);
    as_owner(
        &workspace.store,
        "create sequence attempts;
         grant usage, select on sequence attempts to public;
         create function full_disk() returns trigger language plpgsql as $$ begin
             perform nextval('attempts');
             raise exception 'no space left' using errcode = '53100';
         end $$;
         create trigger full_disk before insert on policy_decisions execute function full_disk();",
    )
    .await;
    buffer(&service, 1_500, 700, "poison").await;
    let file = fs::OpenOptions::new().write(true).open(workspace.folder.join(BUFFER)).unwrap();
    file.write_all_at(b"[", 0).unwrap();
    // The attempt under way may have read the line before; the one after the next begins later.
    let attempts = async || -> i64 {
        sqlx::query_scalar("select last_value from attempts").fetch_one(workspace.store.pool()).await.unwrap()
    };
    let before = attempts().await;
    while attempts().await < before + 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    as_owner(
        &workspace.store,
        "drop trigger full_disk on policy_decisions;
         alter table policy_decisions add constraint no_poison check (agent <> 'poison')",
    )
    .await;
    until_buffer_is_empty(&workspace).await;
    // The decision made before, and all buffered ones but three.
    assert_eq!(count(&workspace.store).await, 1_498);
    recorded(&viewer, "full-1499").await;
    let refused = fs::read_to_string(workspace.folder.join(REFUSED)).unwrap();
    let mut lines: Vec<&str> = refused.lines().collect();
    lines.sort_unstable();
    let [broken, poison, other] = lines[..] else { panic!("{refused}") };
    assert!(broken.starts_with("[\"decision_id\""), "{broken}");
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["decision_id"].clone();
    let mut ids = [id(poison), id(other)].map(|id| id.as_str().unwrap().to_owned());
    ids.sort();
    assert_eq!(ids, ["full-7", "poison-700"], "an id that stands for another question, and a row that is refused");
    assert_eq!(service.post("/policy/evaluate", request_of("after")).await.expect(200)["mode"], "normal");
}

/// Makes the database refuse the decisions of agent `poison` for their content, and those of agent `full` for want of
/// room.
async fn refuse(store: &Store) {
    as_owner(
        store,
        "create function refuse() returns trigger language plpgsql as $$ begin
             if new.agent = 'poison' then raise exception 'poison' using errcode = '23514'; end if;
             if new.agent = 'full' then raise exception 'no space left' using errcode = '53100'; end if;
             return new;
         end $$;
         create trigger refuse before insert on policy_decisions for each row execute function refuse();",
    )
    .await;
}

/// A request of `agent`, with the agent's name as its id.
fn request_of(agent: &str) -> Value {
    json!({"agent": agent, "action": "b", "decision_id": agent})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_room_counts_as_away_and_one_that_refuses_a_row_does_not() {
    let workspace = Workspace::new().await;
    let (service, viewer) = (workspace.caller(Role::Service).await, workspace.caller(Role::Viewer).await);
    refuse(&workspace.store).await;
    let answer = service.post("/policy/evaluate", request_of("full")).await.expect(200);
    assert_eq!(answer["mode"], "degraded");
    viewer.get("/policy/decisions/full").await.problem(404, "not_found");
    as_owner(&workspace.store, "drop trigger refuse on policy_decisions").await;
    assert_eq!(recorded(&viewer, "full").await["mode"], "degraded");

    as_owner(
        &workspace.store,
        "create trigger refuse before insert on policy_decisions for each row execute function refuse()",
    )
    .await;
    service.post("/policy/evaluate", request_of("poison")).await.problem(500, "internal");
    assert_eq!(service.post("/policy/evaluate", request_of("a")).await.expect(200)["mode"], "normal");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_database_goes_away_among_decisions_tried_one_by_one_the_rest_is_buffered() {
    let workspace = Workspace::new().await;
    let (service, viewer) = (workspace.caller(Role::Service).await, workspace.caller(Role::Viewer).await);
    refuse(&workspace.store).await;
    let requests = ["a", "poison", "b", "full", "c", "d"].map(request_of);
    service.post("/policy/evaluate/batch", json!({"requests": requests})).await.problem(500, "internal");
    as_owner(&workspace.store, "drop trigger refuse on policy_decisions").await;
    for id in ["a", "b", "full", "c", "d"] {
        recorded(&viewer, id).await;
    }
    viewer.get("/policy/decisions/poison").await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_token_works_while_the_database_fails_and_a_revoked_one_is_forgotten() {
    let workspace = Workspace::new().await;
    as_owner(
        &workspace.store,
        "create function read_only() returns trigger language plpgsql as $$ begin
             raise exception 'read only' using errcode = '25006';
         end $$;
         create trigger read_only before update of last_used_at on api_tokens execute function read_only();",
    )
    .await;
    let service = workspace.caller(Role::Service).await;
    let ask = async || service.post("/policy/evaluate", question("s")).await;
    ask().await.expect(200);

    let other = Caller { workspace: &workspace, token: Some(workspace.token(&[Role::Service, Role::Viewer]).await) };
    let stale = || tokio::time::sleep(Duration::from_millis(1_100));
    stale().await;
    as_owner(&workspace.store, "alter table api_tokens rename to elsewhere").await;
    ask().await.expect(200);
    other.post("/policy/evaluate", question("s")).await.problem(500, "internal");

    as_owner(&workspace.store, "alter table elsewhere rename to api_tokens; update api_tokens set revoked_at = now()")
        .await;
    stale().await;
    ask().await.problem(401, "unauthenticated");
    as_owner(&workspace.store, "alter table api_tokens rename to elsewhere").await;
    ask().await.problem(500, "internal");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_holds_up_no_caller_whose_token_is_known() {
    let workspace = Workspace::new().await;
    let service = workspace.caller(Role::Service).await;
    let ask = async || service.post("/policy/evaluate", question("s")).await;
    ask().await.expect(200);

    let mut hanging = workspace.store.pool().begin().await.unwrap();
    sqlx::query("lock table api_tokens in access exclusive mode").execute(&mut *hanging).await.unwrap();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(600)).await;
        futures::future::join_all((0..50).map(|_| ask())).await.into_iter().for_each(|reply| drop(reply.expect(200)));
    }
    let stranger = Caller { workspace: &workspace, token: Some(format!("csn_{}", "x".repeat(32))) };
    stranger.post("/policy/evaluate", question("s")).await.problem(503, "unavailable");

    sqlx::query("update api_tokens set revoked_at = now()").execute(&mut *hanging).await.unwrap();
    hanging.commit().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    ask().await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_no_approval_is_used_and_afterwards_it_still_is() {
    let Setup { folder, workspace, database, .. } = set_up(3119, Durability::Durable).await;
    workspace.stable(bundle("1.0.0", "needs_approval")).await;
    let service = workspace.caller(Role::Service).await;
    let approver = workspace.caller(Role::Approver).await;
    let with = |member: &str, value: Value| {
        let mut question = question("mailbox");
        question[member] = value;
        question
    };
    let asked = service.post("/policy/evaluate", with("request_approval", json!(true))).await.expect(200);
    let id = asked["approval"]["id"].clone();
    let path = format!("/policy/approvals/{}/actions", id.as_str().unwrap());
    approver.post(&path, json!({"decision": "approve"})).await.expect(200);

    stop_database(database).await;
    for _ in 0..2 {
        let answer = service.post("/policy/evaluate", with("approval", id.clone())).await.expect(200);
        assert_eq!((&answer["effect"], &answer["mode"]), (&json!("deny"), &json!("degraded")), "{answer}");
        assert_eq!(answer["approval"]["refused"]["code"], "approval_unavailable", "{answer}");
        let answer = service.post("/policy/evaluate", with("request_approval", json!(true))).await.expect(200);
        assert_eq!(answer["effect"], "needs_approval", "{answer}");
        assert_eq!(answer["approval"]["refused"]["code"], "approval_unavailable", "{answer}");
    }
    let _database = start_database(&folder).await;
    for _ in 0..100 {
        let answer = service.post("/policy/evaluate", with("approval", id.clone())).await.expect(200);
        if answer["effect"] == "allow" {
            assert_eq!(answer["mode"], "approved");
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the approval was not used once the database was back");
}
