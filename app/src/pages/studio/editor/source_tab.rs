//! The *Source* tab: the document as JSON, in sync with the table both ways. Text that cannot be parsed is kept as
//! typed.

use std::time::Duration;

use leptos::{html, prelude::*};

use super::state::{EditorState, MainTab};
use crate::{
    components::{Button, Notice, Tone},
    model::{Edit, TypingTarget, text},
    pages::studio::debounce::Debounce,
};

/// The length in bytes above which text is parsed after a pause instead of at every keystroke.
const LONG: usize = 200_000;

/// How long typing must pause before long text is parsed.
const PAUSE: Duration = Duration::from_millis(250);

/// The *Source* tab.
#[component]
pub fn SourceTab(editor: EditorState) -> impl IntoView {
    let area = NodeRef::<html::Textarea>::new();
    let open = Memo::new(move |_| editor.panes.main().get() == MainTab::Source);
    // The text in the field. Written only while the tab is open, because thousands of rules make megabytes of text.
    let shown = RwSignal::new(if open.get_untracked() {
        editor.document.content().with_untracked(text::write)
    } else {
        String::new()
    });
    let fault = RwSignal::new(None::<text::ParseError>);
    let parsing = Debounce::new();

    let parse = move |typed: String| {
        let content = editor.document.content().get_untracked();
        match text::read(&typed, &content) {
            Ok(source) => {
                fault.set(None);
                editor.document.clear_unparsed_source();
                let _ = editor.document.type_into(TypingTarget::Source, &Edit::Replace(Box::new(source)));
                editor.drop_deleted_rules();
            }
            Err(why) => {
                fault.set(Some(why));
                editor.document.keep_unparsed_source(typed);
            }
        }
    };
    // Parses text whose parsing was put off.
    let flush = move || {
        if parsing.cancel() {
            parse(shown.get_untracked());
        }
    };
    let typed = move |event: leptos::ev::Event| {
        let typed = event_target_value(&event);
        shown.set(typed.clone());
        parsing.cancel();
        if typed.len() < LONG {
            parse(typed);
        } else {
            parsing.schedule(PAUSE, move || parse(shown.get_untracked()));
        }
    };
    editor.document.on_flush_source(Callback::new(move |()| flush()));

    // Follows the document, unless the text means the same document or cannot be parsed yet.
    Effect::new(move |_| {
        let content = editor.document.content().get();
        if !open.get() {
            flush();
            return;
        }
        if let Some(unread) = editor.document.unparsed_source().get_untracked() {
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
        editor.document.clear_unparsed_source();
        fault.set(None);
        shown.set(editor.document.content().with_untracked(text::write));
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
                readonly=!editor.document.is_editable()
                prop:value=shown
                on:input=typed
            ></textarea>
        </div>
    }
}

/// The offset of a line and column in UTF-16 units, which text fields count in.
fn offset(text: &str, line: usize, column: usize) -> u32 {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(|l| l.encode_utf16().count()).sum();
    u32::try_from(before + column.saturating_sub(1)).unwrap_or(u32::MAX)
}
