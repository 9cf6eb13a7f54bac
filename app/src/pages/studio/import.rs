//! *Import*: a draft from a pasted or uploaded document.

use leptos::{html, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::{JsCast, closure::Closure};

use crate::{
    api::bundles,
    components::{Button, ButtonKind, Dialog, Field, Notice, TextArea, Tone, format},
    editor::{paste, text},
    error::AppError,
};

/// The dialog.
#[component]
pub fn ImportDialog(open: RwSignal<bool>) -> impl IntoView {
    let document = RwSignal::new(String::new());
    let pending = RwSignal::new(false);
    let refused = RwSignal::new(None::<AppError>);
    let file = NodeRef::<html::Input>::new();
    let navigate = use_navigate();

    // The text as a JSON document: rows of a spreadsheet become one here.
    let read = Memo::new(move |_| -> Option<Result<(String, usize), String>> {
        document.with(|typed| {
            if typed.trim().is_empty() {
                return None;
            }
            if !typed.trim_start().starts_with(['{', '[']) {
                return Some(
                    paste::rules(typed)
                        .map_err(|e| e.to_string())
                        .map(|rules| (serde_json::to_string(&rules).unwrap_or_default(), rules.len())),
                );
            }
            let source = text::parse(typed).and_then(text::source);
            Some(source.map(|source| (typed.clone(), source.rules.len())).map_err(|e| e.to_string()))
        })
    });
    let error = Signal::derive(move || read.with(|read| read.as_ref()?.as_ref().err().cloned()));
    let rules = Memo::new(move |_| read.with(|read| read.as_ref().and_then(|r| r.as_ref().ok()).map(|(_, n)| *n)));
    let take_file = move |_| {
        let chosen = file.get_untracked().and_then(|input| input.files()).and_then(|files| files.get(0));
        if let Some(chosen) = chosen {
            let loaded = Closure::once_into_js(move |content: wasm_bindgen::JsValue| {
                document.set(content.as_string().unwrap_or_default());
            });
            // The promise keeps the callback alive until the file has been read.
            let callback: js_sys::Function = loaded.unchecked_into();
            let _ = js_sys::Reflect::get(&chosen.text(), &"then".into())
                .ok()
                .and_then(|then| then.dyn_into::<js_sys::Function>().ok())
                .and_then(|then| then.call1(&chosen.text(), &callback).ok());
        }
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(Ok((document, _))) = read.get_untracked() else { return };
        let navigate = navigate.clone();
        pending.set(true);
        refused.set(None);
        spawn_local(async move {
            match bundles::import_draft(document).await {
                Ok(id) => navigate(&format!("/studio/{id}"), NavigateOptions::default()),
                Err(error) => {
                    refused.set(Some(error));
                    pending.set(false);
                }
            }
        });
    };
    view! {
        <Dialog open=open id="import" title="Import" wide=true>
            <form class="stack" on:submit=submit>
                <p class="muted">"What you import becomes a draft. It is checked, and nothing goes live without review."</p>
                <Field label="File" id="import-file">
                    <input class="input" id="import-file" type="file" accept=".json,.tsv,.txt,application/json" node_ref=file on:change=take_file />
                </Field>
                <TextArea
                    label="Document"
                    name="document"
                    id="import-document"
                    value=document
                    rows=12
                    mono=true
                    hint="A bundle, a list of rules, or rows of a spreadsheet"
                    error=error
                />
                {move || {
                    refused
                        .get()
                        .map(|error| {
                            view! {
                                <Notice tone=Tone::Bad>
                                    <p role="alert">{error.detail().to_owned()}</p>
                                </Notice>
                            }
                        })
                }}
                <div class="dialog-foot">
                    <Button on:click=move |_| open.set(false)>"Cancel"</Button>
                    <Button
                        kind=ButtonKind::Primary
                        submit=true
                        pending=pending
                        disabled=Signal::derive(move || rules.read().is_none())
                    >
                        {move || match rules.get() {
                            Some(count) => format!("Import {}", format::plural(count as u64, "rule", "rules")),
                            None => "Import as a draft".to_owned(),
                        }}
                    </Button>
                </div>
            </form>
        </Dialog>
    }
}
