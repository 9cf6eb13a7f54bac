//! *Import*: a draft from a signed file, or from a bare document. The server verifies the file and previews the changes
//! before anything is saved.

mod file;
mod preview;

use std::time::Duration;

use leptos::{html, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use lifecycle::transfer::Preview;

use crate::{
    api::bundles,
    components::{Button, ButtonKind, Dialog, Field, Notice, Spinner, TextArea, TextInput, Tone},
    error::AppError,
    model::{paste, text},
    pages::studio::debounce::Debounce,
};

/// How long typing must pause before the server previews the document.
const PAUSE: Duration = Duration::from_millis(350);

/// The state of the dialog. The page puts dropped files into it.
#[derive(Debug, Clone, Copy)]
pub struct Import {
    /// Whether the dialog is open.
    pub open: RwSignal<bool>,
    document: RwSignal<String>,
    version: RwSignal<String>,
    unreadable: RwSignal<Option<String>>,
    preview: RwSignal<Option<Result<Preview, AppError>>>,
}

impl Import {
    /// A closed, empty dialog.
    pub fn new() -> Self {
        Self {
            open: RwSignal::new(false),
            document: RwSignal::new(String::new()),
            version: RwSignal::new(String::new()),
            unreadable: RwSignal::new(None),
            preview: RwSignal::new(None),
        }
    }

    /// Opens the dialog with a file that was dropped.
    pub fn take_drop(self, event: &web_sys::DragEvent) {
        if let Some(dropped) = file::dropped(event) {
            event.prevent_default();
            self.open.set(true);
            file::read(&dropped, self.document, self.unreadable);
        }
    }

    /// The version to import under; `None` keeps the version of the file.
    fn version(self) -> Option<String> {
        self.version.with(|version| Some(version.trim().to_owned()).filter(|version| !version.is_empty()))
    }
}

/// The dialog.
#[component]
pub fn ImportDialog(import: Import) -> impl IntoView {
    let Import { open, document, version, unreadable, preview } = import;
    let pending = RwSignal::new(false);
    let refused = RwSignal::new(None::<AppError>);
    let input = NodeRef::<html::Input>::new();
    let navigate = use_navigate();

    // The text as a JSON document, into which rows of a spreadsheet are converted.
    let parsed = Memo::new(move |_| -> Option<Result<String, String>> {
        document.with(|typed| {
            let typed = text::without_mark(typed);
            if typed.trim().is_empty() {
                return None;
            }
            if typed.trim_start().starts_with(['{', '[']) {
                return Some(text::parse(typed).map(|_| typed.to_owned()).map_err(|e| e.to_string()));
            }
            let rules = paste::rules(typed).map_err(|e| e.to_string());
            Some(rules.map(|rules| serde_json::to_string(&rules).unwrap_or_default()))
        })
    });
    let error = Signal::derive(move || {
        unreadable.get().or_else(|| parsed.with(|parsed| parsed.as_ref()?.as_ref().err().cloned()))
    });
    let checking = follow_preview(import, parsed);

    let take_chosen = move |_| {
        let chosen = input.get_untracked().and_then(|input| input.files()).and_then(|files| files.get(0));
        if let Some(chosen) = chosen {
            file::read(&chosen, document, unreadable);
        }
    };
    let importable = Memo::new(move |_| {
        preview.with(|preview| match preview {
            Some(Ok(Preview { draft: Some(draft), verification })) if !draft.version_taken => {
                Some(verification.unsigned)
            }
            _ => None,
        })
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let (Some(Ok(document)), Some(unsigned)) = (parsed.get_untracked(), importable.get_untracked()) else { return };
        let import_as = untrack(|| import.version());
        let navigate = navigate.clone();
        pending.set(true);
        refused.set(None);
        spawn_local(async move {
            match bundles::import_draft(document, import_as, unsigned).await {
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
                <p class="muted">
                    "A signed file of another instance, or a bundle as JSON. It becomes a draft; nothing goes live without review."
                </p>
                <div
                    class="drop-zone"
                    on:dragover=|event| event.prevent_default()
                    on:drop=move |event| {
                        event.stop_propagation();
                        import.take_drop(&event);
                    }
                >
                    <Field label="File" id="import-file" hint="Choose a file, or drop it here">
                        <input
                            class="input"
                            id="import-file"
                            type="file"
                            accept=".json,.tsv,.txt,application/json"
                            aria-describedby="import-file-hint"
                            node_ref=input
                            on:change=take_chosen
                        />
                    </Field>
                </div>
                <TextArea
                    label="Document"
                    name="document"
                    id="import-document"
                    value=document
                    rows=8
                    mono=true
                    hint="A signed bundle, a bare bundle, a list of rules, or rows of a spreadsheet"
                    error=error
                />
                <TextInput
                    label="Import as version"
                    name="import_as_version"
                    id="import-version"
                    value=version
                    hint="Leave empty to keep the version of the file"
                    autocomplete="off"
                />
                <div aria-live="polite" class="stack">
                    {move || checking.get().then(|| view! { <p class="muted"><Spinner /> " Checking the file…"</p> })}
                    {move || {
                        preview
                            .get()
                            .map(|preview| match preview {
                                Ok(preview) => view! { <preview::ImportPreview preview=preview version=version /> }.into_any(),
                                Err(error) => view! { <Refused error=error /> }.into_any(),
                            })
                    }}
                    {move || refused.get().map(|error| view! { <Refused error=error /> })}
                </div>
                <div class="dialog-foot">
                    <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                    <Button
                        kind=ButtonKind::Primary
                        submit=true
                        pending=pending
                        disabled=Signal::derive(move || importable.read().is_none())
                    >
                        {move || match importable.get() {
                            Some(true) => "Import as unsigned draft",
                            _ => "Import as a draft",
                        }}
                    </Button>
                </div>
            </form>
        </Dialog>
    }
}

/// Previews the document on the server, a moment after it last changed. The signal is true while a preview is awaited.
fn follow_preview(import: Import, parsed: Memo<Option<Result<String, String>>>) -> RwSignal<bool> {
    let checking = RwSignal::new(false);
    let asking = Debounce::new();
    let latest = StoredValue::new(0_u32);
    Effect::new(move |_| {
        let document = parsed.get().and_then(Result::ok);
        let import_as = import.version();
        asking.cancel();
        // Distinguishes the answer for this document from answers for earlier ones.
        latest.update_value(|latest| *latest += 1);
        let number = latest.get_value();
        import.preview.set(None);
        checking.set(document.is_some());
        let Some(document) = document else { return };
        let ask = move || {
            spawn_local(async move {
                let answer = bundles::preview_import(document, import_as).await;
                if latest.try_get_value() == Some(number) {
                    import.preview.set(Some(answer));
                    checking.set(false);
                }
            });
        };
        asking.schedule(PAUSE, ask);
    });
    checking
}

#[component]
fn Refused(error: AppError) -> impl IntoView {
    view! {
        <Notice tone=Tone::Bad>
            <p role="alert">{error.detail().to_owned()}</p>
        </Notice>
    }
}
