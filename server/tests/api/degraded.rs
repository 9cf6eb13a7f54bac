//! The database goes away and comes back: evaluation goes on, and nothing that was answered is lost.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use lifecycle::authority::Role;
use serde_json::{Value, json};
use server::{
    live::{DecisionLog, Durability},
    start::{self, Settings},
};
use store::{
    Store,
    postgres::{Options, Private},
};

use crate::support::{Caller, Workspace, folder, question};

fn postgres(folder: &Path) -> Private {
    Private::start(folder, &Options { durable: false, max_connections: 40 }).unwrap()
}

struct Place {
    folder: PathBuf,
    workspace: Workspace,
    log: DecisionLog,
    database: Private,
}

/// A workspace whose database can be stopped.
async fn place(port: u16, durability: Durability) -> Place {
    let folder = folder();
    let database = begin(&folder).await;
    let keys = store::testing::keys();
    let store = Store::connect(database.options(), keys.clone()).await.unwrap();
    store.migrate().await.unwrap();
    let settings = Settings {
        database: database.options(),
        keys,
        data_dir: folder.clone(),
        demo: false,
        public_metrics: false,
        durability,
    };
    let state = start::state(store, &settings, SocketAddr::from(([127, 0, 0, 1], port))).await.unwrap();
    let log = state.live.log.clone();
    let workspace = Workspace::of(state, folder.clone());
    Place { folder, workspace, log, database }
}

async fn begin(folder: &Path) -> Private {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || postgres(&folder)).await.unwrap()
}

async fn stop(database: Private) {
    tokio::task::spawn_blocking(move || database.stop()).await.unwrap();
}

/// The decision, as soon as the database has it.
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
    let Place { folder, workspace, database, .. } = place(3118, Durability::Durable).await;
    let service = workspace.caller(Role::Service).await;
    let viewer = workspace.caller(Role::Viewer).await;
    service.post("/policy/evaluate", question("before")).await.expect(200);

    stop(database).await;
    let answer = service.post("/policy/evaluate", question("during")).await.expect(200);
    assert_eq!(answer["mode"], "degraded", "{answer}");
    let id = answer["decision_id"].as_str().unwrap().to_owned();
    viewer.get("/policy/bundles").await.problem(503, "unavailable");
    workspace.stranger().get("/readyz").await.problem(503, "unavailable");
    workspace.stranger().get("/healthz").await.expect(200);

    let _database = begin(&folder).await;
    assert_eq!(recorded(&viewer, &id).await["mode"], json!("degraded"));
    let after = service.post("/policy/evaluate", question("after")).await.expect(200);
    assert_eq!(after["mode"], "normal");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buffered_log_has_everything_once_drained_and_waits_for_the_disk_without_the_database() {
    let Place { folder, workspace, log, database } = place(3117, Durability::Buffered).await;
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

    stop(database).await;
    // The first is answered ahead of the log, which finds out by it that the database is away.
    let (first, _) = ask("first").await;
    log.drain().await;
    let (second, mode) = ask("second").await;
    assert_eq!(mode, "degraded");

    let _database = begin(&folder).await;
    for id in [first, second] {
        assert_eq!(recorded(&viewer, &id).await["mode"], json!("degraded"));
    }
}
