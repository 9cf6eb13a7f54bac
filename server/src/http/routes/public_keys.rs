//! `/.well-known/countersign-keys`: the public keys with which exports of this workspace are verified.

use axum::{Json, Router, extract::State, routing::get};
use serde_json::{Value, json};

use crate::state::AppState;

/// The routes of public keys. No token is needed: the keys are meant for everybody.
pub fn router() -> Router<AppState> {
    Router::new().route("/.well-known/countersign-keys", get(show))
}

async fn show(State(state): State<AppState>) -> Json<Value> {
    let ring = state.store.keys();
    let mut keys: Vec<Value> = Vec::new();
    // With a public key one can try secrets without asking anybody: nothing is published of one that can be guessed,
    // nor of one that is not the workspace's own.
    for (place, key) in ring.all().enumerate().filter(|(_, key)| key.may_be_published()) {
        let public = key.public();
        // One secret may stand under two names.
        if keys.iter().all(|known| known["key_id"] != public.key_id) {
            keys.push(json!({
                "key_id": public.key_id, "algorithm": public.algorithm, "public_key": public.public_key,
                "signs": place == 0,
            }));
        }
    }
    Json(json!({ "keys": keys }))
}
