//! The document as JSON, in sync with the table both ways. Text that cannot be read is kept as typed.

use std::time::Duration;

use leptos::{html, leptos_dom::helpers::TimeoutHandle, prelude::*};

use super::state::EditorState;
use crate::{
    components::{Button, Notice, Tone},
    model::{Edit, Stroke, text},
};

/// Longer text is read a moment after the last keystroke instead of at once.
const LONG: usize = 200_000;

/// The *Source* tab.
#[component]
pub fn SourceTab(desk: EditorState) -> impl IntoView {
    let area = NodeRef::<html::Textarea>::new();
    let open = Memo::new(move |_| desk.main.read().as_str() == "source");
    // What is in the field: only written while the tab is open, for thousands of rules make megabytes.
    let shown =
        RwSignal::new(if open.get_untracked() { desk.content.with_untracked(text::write) } else { String::new() });
    let fault = RwSignal::new(None::<text::Unreadable>);
    let waiting = StoredValue::new(None::<TimeoutHandle>);

    let read = move |typed: String| {
        let content = desk.content.get_untracked();
        match text::read(&typed, &content) {
            Ok(source) => {
                fault.set(None);
                desk.unread.set(None);
                let _ = desk.type_into(Stroke::Source, &Edit::Replace(Box::new(source)));
                desk.forget_gone();
            }
            Err(why) => {
                fault.set(Some(why));
                desk.unread.set(Some(typed));
            }
        }
    };
    // Reads what is still waiting to be read.
    let flush = move || {
        if let Some(Some(handle)) = waiting.try_update_value(Option::take) {
            handle.clear();
            read(shown.get_untracked());
        }
    };
    let typed = move |event: leptos::ev::Event| {
        let typed = event_target_value(&event);
        shown.set(typed.clone());
        if let Some(Some(handle)) = waiting.try_update_value(Option::take) {
            handle.clear();
        }
        if typed.len() < LONG {
            read(typed);
        } else {
            let later = move || {
                waiting.set_value(None);
                read(shown.get_untracked());
            };
            waiting.set_value(set_timeout_with_handle(later, Duration::from_millis(250)).ok());
        }
    };
    desk.flush_source.set_value(Some(Callback::new(move |()| flush())));

    // Follows the document, unless what stands in the field says the same, or cannot be read yet.
    Effect::new(move |_| {
        let content = desk.content.get();
        if !open.get() {
            flush();
            return;
        }
        if let Some(unread) = desk.unread.get_untracked() {
            if shown.read_untracked().as_str() != unread {
                fault.set(text::read(&unread, &content).err());
                shown.set(unread);
            }
            return;
        }
        let same = shown.with_untracked(|shown| {
            !shown.is_empty() && text::read(shown, &content).is_ok_and(|source| source == content.to_source())
        });
        if !same {
            shown.set(text::write(&content));
        }
    });
    let discard = move |_| {
        desk.unread.set(None);
        fault.set(None);
        shown.set(desk.content.with_untracked(text::write));
    };
    let jump = move |_| {
        let Some(area) = area.get_untracked() else { return };
        let Some((line, column)) = fault.with_untracked(|f| f.as_ref().and_then(|f| Some((f.line?, f.column)))) else {
            return;
        };
        let at = shown.with_untracked(|shown| offset(shown, line, column));
        let _ = area.focus();
        let _ = area.set_selection_range(at, at.saturating_add(1));
    };
    view! {
        <div class="source">
            <Show when=move || fault.read().is_some()>
                <Notice tone=Tone::Bad>
                    <p>
                        <strong>"Not taken over yet: "</strong>
                        {move || fault.get().map(|fault| fault.to_string())}
                    </p>
                    <p class="muted">"The rules stay as they were before; what you type here is kept."</p>
                    <div class="row">
                        <Show when=move || fault.read().as_ref().is_some_and(|fault| fault.line.is_some())>
                            <Button small=true on_click=jump>"Go to it"</Button>
                        </Show>
                        <Button small=true on_click=discard>"Back to the last readable text"</Button>
                    </div>
                </Notice>
            </Show>
            <textarea
                class="input mono source-text"
                aria-label="Source"
                aria-invalid=move || fault.read().is_some().then_some("true")
                spellcheck="false"
                autocomplete="off"
                wrap="off"
                node_ref=area
                readonly=!desk.editable
                prop:value=shown
                on:input=typed
            ></textarea>
        </div>
    }
}

/// Where a line and column are in UTF-16 units, which is how text fields count.
fn offset(text: &str, line: usize, column: usize) -> u32 {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(|l| l.encode_utf16().count()).sum();
    u32::try_from(before + column.saturating_sub(1)).unwrap_or(u32::MAX)
}
