//! Reads the text of a file that was chosen or dropped.

use leptos::prelude::*;
use policy::limits::MAX_BUNDLE_BYTES;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{DragEvent, File};

/// Maximum bytes of a file: the largest bundle with its envelope.
const MAX_FILE_BYTES: f64 = (MAX_BUNDLE_BYTES + 1024 * 1024) as f64;

/// Puts the text of `file` into `into`, or the reason why it cannot be read into `refused`.
pub fn read(file: &File, into: RwSignal<String>, refused: RwSignal<Option<String>>) {
    if file.size() > MAX_FILE_BYTES {
        refused.set(Some(format!("The file is larger than the limit of {} MiB.", MAX_BUNDLE_BYTES / (1024 * 1024))));
        return;
    }
    refused.set(None);
    let text: JsValue = file.text().into();
    let loaded = Closure::once_into_js(move |content: JsValue| into.set(content.as_string().unwrap_or_default()));
    // The promise keeps the callback alive until the file has been read.
    let started = js_sys::Reflect::get(&text, &"then".into())
        .ok()
        .and_then(|then| then.dyn_into::<js_sys::Function>().ok())
        .and_then(|then| then.call1(&text, &loaded).ok());
    if started.is_none() {
        refused.set(Some("The file cannot be read.".to_owned()));
    }
}

/// The first file of a drop.
pub fn dropped(event: &DragEvent) -> Option<File> {
    event.data_transfer().and_then(|data| data.files()).and_then(|files| files.get(0))
}
