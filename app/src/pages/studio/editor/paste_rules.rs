//! Pasting rules: with Ctrl V on the page, or in a dialog.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::state::EditorState;
use crate::{
    components::{Button, ButtonKind, Checkbox, Dialog, Notice, TextArea, Tone, format},
    model::{
        Edit, RawRule,
        paste::{self, Pasted},
        rule,
        text::ParseError,
    },
};

/// Listens for Ctrl V outside fields. Rules with new ids are added at once; for other rules the dialog opens.
pub fn listen(editor: EditorState, open: RwSignal<bool>, typed: RwSignal<String>) {
    let listener = window_event_listener_untyped("paste", move |event| {
        if !editor.document.is_editable() || in_field(&event) {
            return;
        }
        let Some(text) = pasted(&event).filter(|text| paste::looks_like_rules(text)) else { return };
        event.prevent_default();
        match paste::read(&text) {
            Ok(pasted) if clashes(editor, &pasted.rules) == 0 && settings(editor, &pasted).is_empty() => {
                add(editor, pasted.rules, Vec::new());
            }
            _ => {
                typed.set(text);
                open.set(true);
            }
        }
    });
    on_cleanup(move || listener.remove());
}

/// Whether an event happened in an element where text is typed.
pub fn in_field(event: &web_sys::Event) -> bool {
    event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok()).is_some_and(|target| {
        target
            .closest("input:not([type=checkbox]):not([type=radio]), textarea, select, dialog")
            .ok()
            .flatten()
            .is_some()
    })
}

fn pasted(event: &web_sys::Event) -> Option<String> {
    let data = js_sys::Reflect::get(event, &"clipboardData".into()).ok()?;
    data.dyn_into::<web_sys::DataTransfer>().ok()?.get_data("text/plain").ok()
}

fn clashes(editor: EditorState, rules: &[RawRule]) -> usize {
    editor.document.content().with_untracked(|content| {
        let ids = content.ids();
        rules.iter().filter(|written| !rule::id(written).is_empty() && ids.contains(rule::id(written))).count()
    })
}

/// What a pasted bundle says otherwise than the draft beside its rules.
fn settings(editor: EditorState, pasted: &Pasted) -> Vec<(String, Edit)> {
    editor.document.content().with_untracked(|content| pasted.settings(content.head()))
}

fn add(editor: EditorState, rules: Vec<RawRule>, settings: Vec<Edit>) {
    let count = rules.len();
    let edits = std::iter::once(Edit::Add { rules, after: None }).chain(settings).collect();
    if editor.document.try_edit(&Edit::Together(edits)) {
        editor.toasts().good(format!("{} added · Undo takes them away", format::plural(count as u64, "rule", "rules")));
    }
}

/// The dialog: the text, how many rules it contains, the choice for ids that already exist, and whether to take over what a
/// bundle says beside its rules.
#[component]
pub fn PasteDialog(editor: EditorState, open: RwSignal<bool>, typed: RwSignal<String>) -> impl IntoView {
    let read = Memo::new(move |_| -> Option<Result<Pasted, ParseError>> {
        typed.with(|text| (!text.trim().is_empty()).then(|| paste::read(text)))
    });
    let take_settings = RwSignal::new(true);
    let error = Signal::derive(move || read.with(|read| read.as_ref()?.as_ref().err().map(ToString::to_string)));
    let count = Memo::new(move |_| {
        read.with(|read| read.as_ref().and_then(|r| r.as_ref().ok()).map_or(0, |pasted| pasted.rules.len()))
    });
    let clash = Memo::new(move |_| {
        editor.document.content().track();
        read.with(|read| read.as_ref().and_then(|r| r.as_ref().ok()).map_or(0, |pasted| clashes(editor, &pasted.rules)))
    });
    let others = Memo::new(move |_| {
        editor.document.content().track();
        let pasted = read.get().and_then(Result::ok);
        pasted.map(|pasted| settings(editor, &pasted)).unwrap_or_default()
    });
    let rules = move || {
        let pasted = read.get_untracked().and_then(Result::ok)?;
        let taken = if take_settings.get_untracked() { others.get_untracked() } else { Vec::new() };
        Some((pasted.rules, taken.into_iter().map(|(_, edit)| edit).collect::<Vec<Edit>>()))
    };
    let close = move || {
        open.set(false);
        typed.set(String::new());
    };
    let add_all = move |_| {
        if let Some((rules, settings)) = rules() {
            add(editor, rules, settings);
            close();
        }
    };
    let merge = move |_| {
        if let Some((rules, settings)) = rules() {
            let count = rules.len() as u64;
            let edits = std::iter::once(Edit::Merge { rules }).chain(settings).collect();
            editor.document.edit(&Edit::Together(edits));
            editor.toasts().good(format!("{} taken over.", format::plural(count, "rule", "rules")));
            close();
        }
    };
    view! {
        <Dialog open=open id="paste" title="Paste rules" wide=true>
            <TextArea
                label="Rules"
                name="rules"
                id="paste-text"
                value=typed
                rows=10
                mono=true
                hint="JSON (a list of rules, or a bundle), or rows of a spreadsheet with id, agent, action, effect, priority, reason and a column for each condition"
                error=error
            />
            <Show when=move || { clash.get() > 0 }>
                <Notice tone=Tone::Warn>
                    <p>
                        {move || {
                            format!(
                                "{} of them have an id that this draft already has.",
                                format::count(clash.get() as u64),
                            )
                        }}
                    </p>
                </Notice>
            </Show>
            <Show when=move || others.with(|others| !others.is_empty())>
                <Notice tone=Tone::Warn>
                    <p>"The bundle also says otherwise than this draft:"</p>
                    <ul>
                        {move || {
                            others.get().into_iter().map(|(words, _)| view! { <li>{words}</li> }).collect_view()
                        }}
                    </ul>
                    <Checkbox label="Take that over, too" name="take-settings" value=take_settings />
                </Notice>
            </Show>
            <div class="dialog-foot">
                <Show when=move || { clash.get() > 0 }>
                    <Button kind=ButtonKind::Primary on_click=merge>"Replace those, add the rest"</Button>
                </Show>
                <Button disabled=Signal::derive(move || count.get() == 0) on_click=add_all>
                    {move || match (count.get(), clash.get()) {
                        (0, _) => "Add rules".to_owned(),
                        (n, 0) => format!("Add {}", format::plural(n as u64, "rule", "rules")),
                        (n, _) => format!("Add all {n} next to them"),
                    }}
                </Button>
            </div>
        </Dialog>
    }
}
