//! Reads the text of a file that was chosen or dropped.

use leptos::prelude::*;
use policy::{json, limits::MAX_BUNDLE_BYTES};
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
    // The bytes themselves: a browser replaces what is not UTF-8 without a word when it is asked for text.
    let content: JsValue = file.array_buffer().into();
    let loaded =
        Closure::once_into_js(move |content: JsValue| match text_of(js_sys::Uint8Array::new(&content).to_vec()) {
            Ok(text) => into.set(text),
            Err(reason) => refused.set(Some(reason)),
        });
    // The promise keeps the callback alive until the file has been read.
    let started = js_sys::Reflect::get(&content, &"then".into())
        .ok()
        .and_then(|then| then.dyn_into::<js_sys::Function>().ok())
        .and_then(|then| then.call1(&content, &loaded).ok());
    if started.is_none() {
        refused.set(Some("The file cannot be read.".to_owned()));
    }
}

/// The text of a file, without a byte order mark; a file that is not UTF-8 is refused with the name of its encoding.
fn text_of(bytes: Vec<u8>) -> Result<String, String> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(error) => {
            let reason = json::parse(error.as_bytes()).err().map(|malformed| malformed.to_string());
            Err(format!("The file cannot be read: {}.", reason.unwrap_or_else(|| "it is not UTF-8".to_owned())))
        }
    }
}

/// The first file of a drop.
pub fn dropped(event: &DragEvent) -> Option<File> {
    event.data_transfer().and_then(|data| data.files()).and_then(|files| files.get(0))
}
