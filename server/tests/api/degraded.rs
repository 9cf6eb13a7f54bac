//! The database goes away and comes back: evaluation goes on, and nothing that was answered is lost.

use std::{net::SocketAddr, path::Path, time::Duration};

use lifecycle::authority::Role;
use serde_json::json;
use server::start::{self, Settings};
use store::{
    Store,
    postgres::{Options, Private},
};

use crate::support::{Workspace, folder, question};

fn postgres(folder: &Path) -> Private {
    Private::start(folder, &Options { durable: false, max_connections: 40 }).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn evaluation_goes_on_without_the_database() {
    let folder = folder();
    let place = folder.clone();
    let database = tokio::task::spawn_blocking(move || postgres(&place)).await.unwrap();
    let keys = store::testing::keys();
    let store = Store::connect(database.options(), keys.clone()).await.unwrap();
    store.migrate().await.unwrap();
    let settings =
        Settings { database: database.options(), keys, data_dir: folder.clone(), demo: false, public_metrics: false };
    let address: SocketAddr = "127.0.0.1:3118".parse().unwrap();
    let state = start::state(store.clone(), &settings, address).await.unwrap();
    let workspace = Workspace::of(server::http::router(state), store, folder.clone());
    let service = workspace.caller(Role::Service).await;
    let viewer = workspace.caller(Role::Viewer).await;
    service.post("/policy/evaluate", question("before")).await.expect(200);

    tokio::task::spawn_blocking(move || database.stop()).await.unwrap();
    let answer = service.post("/policy/evaluate", question("during")).await.expect(200);
    assert_eq!(answer["mode"], "degraded", "{answer}");
    let id = answer["decision_id"].as_str().unwrap().to_owned();
    viewer.get("/policy/bundles").await.problem(503, "unavailable");
    workspace.stranger().get("/readyz").await.problem(503, "unavailable");
    workspace.stranger().get("/healthz").await.expect(200);

    let place = folder.clone();
    let _database = tokio::task::spawn_blocking(move || postgres(&place)).await.unwrap();
    for _ in 0..100 {
        let found = viewer.get(&format!("/policy/decisions/{id}")).await;
        if found.status == 200 {
            assert_eq!(found.json()["mode"], json!("degraded"));
            let after = service.post("/policy/evaluate", question("after")).await.expect(200);
            assert_eq!(after["mode"], "normal");
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the buffered decision did not reach the database");
}
