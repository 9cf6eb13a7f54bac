//! Parses the draft on the page while a tab that evaluates single inputs is open.

use std::time::Duration;

use leptos::prelude::*;

use super::state::{
    DockTab, EditorState, MainTab,
    parsed_draft::{ParsedDraft, SharedDraft},
};
use crate::pages::studio::debounce::Debounce;

/// How long the draft must be unchanged before it is parsed.
const PAUSE: Duration = Duration::from_millis(60);

/// Parses the draft in pauses of typing, while a tab that evaluates single inputs is open.
pub fn parse_while_needed(editor: EditorState) {
    let parsing = Debounce::new();
    let needed =
        Memo::new(move |_| editor.panes.main().get() == MainTab::Map || editor.panes.dock().get() != DockTab::Simulate);
    Effect::new(move |_| {
        let content = editor.document.content().get();
        parsing.cancel();
        let draft = editor.results.draft();
        if !needed.get() || draft.with_untracked(|draft| draft.as_ref().is_some_and(|d| d.content == content)) {
            return;
        }
        let parse = move || editor.results.record_draft(SharedDraft::from(ParsedDraft::new(content)));
        let first = draft.with_untracked(Option::is_none);
        parsing.schedule(if first { Duration::ZERO } else { PAUSE }, parse);
    });
    on_cleanup(move || {
        parsing.cancel();
    });
}
