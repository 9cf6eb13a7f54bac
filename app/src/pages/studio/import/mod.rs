//! *Import*: a draft from a signed file, or from a bare document. The server judges it and says what it would change
//! before anything is saved.

mod file;
mod judged;

use std::time::Duration;

use leptos::{html, leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use lifecycle::transfer::Preview;

use crate::{
    api::bundles,
    components::{Button, ButtonKind, Dialog, Field, Notice, Spinner, TextArea, TextInput, Tone},
    error::AppError,
    model::{paste, text},
};

/// How long typing rests before the server is asked.
const REST: Duration = Duration::from_millis(350);

/// What the dialog keeps. A dropped file is put into it from outside.
#[derive(Debug, Clone, Copy)]
pub struct Import {
    /// Whether the dialog shows.
    pub open: RwSignal<bool>,
    document: RwSignal<String>,
    version: RwSignal<String>,
    unreadable: RwSignal<Option<String>>,
    judged: RwSignal<Option<Result<Preview, AppError>>>,
}

impl Import {
    /// A closed, empty dialog.
    pub fn new() -> Self {
        Self {
            open: RwSignal::new(false),
            document: RwSignal::new(String::new()),
            version: RwSignal::new(String::new()),
            unreadable: RwSignal::new(None),
            judged: RwSignal::new(None),
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

    /// What the version field asks for.
    fn wished(self) -> Option<String> {
        self.version.with(|version| Some(version.trim().to_owned()).filter(|version| !version.is_empty()))
    }
}

/// The dialog.
#[component]
pub fn ImportDialog(import: Import) -> impl IntoView {
    let Import { open, document, version, unreadable, judged } = import;
    let pending = RwSignal::new(false);
    let refused = RwSignal::new(None::<AppError>);
    let input = NodeRef::<html::Input>::new();
    let navigate = use_navigate();

    // The text as a JSON document: rows of a spreadsheet become one here.
    let read = Memo::new(move |_| -> Option<Result<String, String>> {
        document.with(|typed| {
            if typed.trim().is_empty() {
                return None;
            }
            if typed.trim_start().starts_with(['{', '[']) {
                return Some(text::parse(typed).map(|_| typed.clone()).map_err(|e| e.to_string()));
            }
            let rules = paste::rules(typed).map_err(|e| e.to_string());
            Some(rules.map(|rules| serde_json::to_string(&rules).unwrap_or_default()))
        })
    });
    let error =
        Signal::derive(move || unreadable.get().or_else(|| read.with(|read| read.as_ref()?.as_ref().err().cloned())));
    let judging = judge(import, read);

    let take_chosen = move |_| {
        let chosen = input.get_untracked().and_then(|input| input.files()).and_then(|files| files.get(0));
        if let Some(chosen) = chosen {
            file::read(&chosen, document, unreadable);
        }
    };
    let importable = Memo::new(move |_| {
        judged.with(|judged| match judged {
            Some(Ok(Preview { draft: Some(draft), verification })) if !draft.version_taken => {
                Some(verification.unsigned)
            }
            _ => None,
        })
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let (Some(Ok(document)), Some(unsigned)) = (read.get_untracked(), importable.get_untracked()) else { return };
        let wished = untrack(|| import.wished());
        let navigate = navigate.clone();
        pending.set(true);
        refused.set(None);
        spawn_local(async move {
            match bundles::import_draft(document, wished, unsigned).await {
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
                    {move || judging.get().then(|| view! { <p class="muted"><Spinner /> " Checking the file…"</p> })}
                    {move || {
                        judged
                            .get()
                            .map(|judged| match judged {
                                Ok(preview) => view! { <judged::Judged preview=preview version=version /> }.into_any(),
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

/// Asks the server about what is read, a moment after it last changed; answers whether it is being asked.
fn judge(import: Import, read: Memo<Option<Result<String, String>>>) -> RwSignal<bool> {
    let judging = RwSignal::new(false);
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    let asked = StoredValue::new(0_u32);
    Effect::new(move |_| {
        let document = read.get().and_then(Result::ok);
        let wished = import.wished();
        if let Some(waiting) = waiting.get_value() {
            waiting.clear();
        }
        // An answer about what stood there before is not looked at any more.
        asked.update_value(|asked| *asked += 1);
        let number = asked.get_value();
        import.judged.set(None);
        judging.set(document.is_some());
        let Some(document) = document else { return };
        let ask = move || {
            spawn_local(async move {
                let answer = bundles::preview_import(document, wished).await;
                if asked.try_get_value() == Some(number) {
                    import.judged.set(Some(answer));
                    judging.set(false);
                }
            });
        };
        waiting.set_value(set_timeout_with_handle(ask, REST).ok());
    });
    judging
}

#[component]
fn Refused(error: AppError) -> impl IntoView {
    view! {
        <Notice tone=Tone::Bad>
            <p role="alert">{error.detail().to_owned()}</p>
        </Notice>
    }
}
