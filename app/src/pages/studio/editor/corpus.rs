//! Recorded decisions from the server, as columns.

use leptos::prelude::window;
use lifecycle::replay::Columnar;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// The newest `limit` recorded decisions.
///
/// # Errors
/// A sentence for a person: the server cannot be reached, or refuses, or sends something else.
pub async fn fetch(limit: u32) -> Result<Columnar, String> {
    let away = |_: JsValue| "The server cannot be reached.".to_owned();
    let answer =
        JsFuture::from(window().fetch_with_str(&format!("/policy/corpus?limit={limit}"))).await.map_err(away)?;
    let response: web_sys::Response = answer.dyn_into().map_err(away)?;
    if !response.ok() {
        return Err(format!("The server answered with status {}.", response.status()));
    }
    let body = JsFuture::from(response.array_buffer().map_err(away)?).await.map_err(away)?;
    Columnar::decode(&js_sys::Uint8Array::new(&body).to_vec()).map_err(|error| format!("{error}."))
}
