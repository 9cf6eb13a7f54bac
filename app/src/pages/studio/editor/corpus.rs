//! Recorded decisions from the server, as columns.

use js_sys::Uint8Array;
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// The newest `limit` recorded decisions, in the format of `Columnar::encode`.
///
/// # Errors
/// A sentence for a person: the server cannot be reached, or refuses.
pub async fn fetch(limit: usize) -> Result<Uint8Array, String> {
    let away = |_: JsValue| "The server cannot be reached.".to_owned();
    let answer =
        JsFuture::from(window().fetch_with_str(&format!("/policy/corpus?limit={limit}"))).await.map_err(away)?;
    let response: web_sys::Response = answer.dyn_into().map_err(away)?;
    if !response.ok() {
        return Err(format!("The server answered with status {}.", response.status()));
    }
    let body = JsFuture::from(response.array_buffer().map_err(away)?).await.map_err(away)?;
    Ok(Uint8Array::new(&body))
}
