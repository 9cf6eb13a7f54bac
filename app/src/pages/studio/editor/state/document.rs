//! The document under edit: its content with the history of edits, and source text that cannot be parsed yet.

use std::sync::Arc;

use leptos::prelude::*;
use policy::bundle::{Format, schema::Schema};

use super::read_only::ReadOnly;
use crate::{
    components::toast::Toasts,
    model::{Content, Edit, EditHistory, EditRefused, RuleKey, SharedRule, TypingTarget},
};

/// The document under edit. Copies are handles to the same document.
#[derive(Debug, Clone, Copy)]
pub struct Document {
    editable: bool,
    may_edit: bool,
    history: RwSignal<EditHistory>,
    content: Memo<Content>,
    dirty: Memo<bool>,
    schema: Memo<Option<Arc<Schema>>>,
    format: Memo<Format>,
    unparsed_source: RwSignal<Option<String>>,
    flush_source: StoredValue<Option<Callback<()>>>,
    toasts: Toasts,
}

impl Document {
    /// Opens `saved`, the content on the server. `may_edit` is about the person, `editable` about this bundle as well.
    pub(super) fn open(saved: Content, editable: bool, may_edit: bool, toasts: Toasts) -> Self {
        let history = RwSignal::new(EditHistory::new(saved));
        let content = Memo::new(move |_| history.with(|history| history.content().clone()));
        let dirty = Memo::new(move |_| history.with(EditHistory::dirty));
        let schema = Memo::new(move |_| {
            content.with(|content| {
                content.head().schema.as_ref().and_then(|schema| Schema::parse(schema).ok()).map(Arc::new)
            })
        });
        let format = Memo::new(move |_| content.with(Content::format));
        let unparsed_source = RwSignal::new(None);
        Self {
            editable,
            may_edit,
            history,
            content,
            dirty,
            schema,
            format,
            unparsed_source,
            flush_source: StoredValue::new(None),
            toasts,
        }
    }

    /// Whether this person can edit this bundle in its current state.
    pub fn is_editable(self) -> bool {
        self.editable
    }

    /// Whether this person may edit drafts and test cases.
    pub fn may_edit(self) -> bool {
        self.may_edit
    }

    /// The handler of messages about edits.
    pub(super) fn toasts(self) -> Toasts {
        self.toasts
    }

    /// The current content.
    pub fn content(self) -> Memo<Content> {
        self.content
    }

    /// Whether the content differs from that on the server.
    pub fn dirty(self) -> Memo<bool> {
        self.dirty
    }

    /// The declared schema, if it is valid.
    pub fn schema(self) -> Memo<Option<Arc<Schema>>> {
        self.schema
    }

    /// The format of the bundle.
    pub fn format(self) -> Memo<Format> {
        self.format
    }

    /// Source text that was typed but cannot be parsed yet.
    pub fn unparsed_source(self) -> ReadOnly<Option<String>> {
        self.unparsed_source.into()
    }

    /// Whether leaving the page now would lose something.
    pub fn has_unsaved_changes(self) -> bool {
        self.editable && (self.dirty.get_untracked() || self.unparsed_source.read_untracked().is_some())
    }

    /// Whether there is an edit to undo.
    pub fn can_undo(self) -> bool {
        self.history.with(EditHistory::can_undo)
    }

    /// Whether there is an edit to redo.
    pub fn can_redo(self) -> bool {
        self.history.with(EditHistory::can_redo)
    }

    /// The content on the server. Not tracked.
    pub fn saved(self) -> Content {
        self.history.with_untracked(|history| history.saved().clone())
    }

    /// The rule with this key.
    pub fn rule(self, key: RuleKey) -> Option<SharedRule> {
        self.content.with(|content| content.rule(key).cloned()).map(SharedRule)
    }

    /// Makes `edit` as one step of the history; true if the document changed. A toast explains a refusal.
    pub fn try_edit(self, edit: &Edit) -> bool {
        if !self.editable {
            return false;
        }
        match self.history.try_update(|history| history.apply(edit)) {
            Some(Ok(())) => true,
            Some(Err(EditRefused::Nothing)) | None => false,
            Some(Err(refused)) => {
                self.toasts.note(format!("Could not {}: {refused}.", edit.label()));
                false
            }
        }
    }

    /// Makes `edit` as one step of the history. A toast explains a refusal.
    pub fn edit(self, edit: &Edit) {
        let _ = self.try_edit(edit);
    }

    /// Makes `edit` as part of typing into `target`: keystrokes close together become one step of the history.
    ///
    /// # Errors
    /// Why the edit was refused, for the field to show.
    pub fn type_into(self, target: TypingTarget, edit: &Edit) -> Result<(), EditRefused> {
        if !self.editable {
            return Err(EditRefused::Nothing);
        }
        self.history.try_update(|history| history.type_into(target, js_sys::Date::now(), edit)).unwrap_or(Ok(()))
    }

    /// Ends the current run of typing, when its field loses the focus.
    pub fn end_typing(self) {
        self.history.update_untracked(EditHistory::end_typing);
    }

    /// Replaces the content by `next` as one step of the history.
    pub(super) fn replace(self, next: Content, label: &str) {
        self.history.update(|history| history.replace(next, label));
    }

    /// Undoes the last step and returns its label.
    pub(super) fn undo(self) -> Option<String> {
        self.history.try_update(EditHistory::undo).flatten()
    }

    /// Redoes the step that was undone last and returns its label.
    pub(super) fn redo(self) -> Option<String> {
        self.history.try_update(EditHistory::redo).flatten()
    }

    /// Records that the server has `content`.
    pub fn mark_saved(self, content: Content) {
        self.history.update(|history| history.mark_saved(content));
    }

    /// Records that the server has `sent` under `version`, which it may have chosen itself: the version then becomes
    /// part of the document.
    pub fn mark_saved_as(self, sent: Content, version: &str) {
        self.history.update(|history| {
            let mut saved = sent;
            if saved.head().version.as_deref() != Some(version) {
                let mut now = history.content().clone();
                now.edit_head(|head| head.version = Some(version.to_owned()));
                saved.edit_head(|head| head.version = Some(version.to_owned()));
                history.replace(now, "version");
            }
            history.mark_saved(saved);
        });
    }

    /// Keeps source text that cannot be parsed, so that it is neither lost nor saved.
    pub fn keep_unparsed_source(self, text: String) {
        self.unparsed_source.set(Some(text));
    }

    /// Forgets source text that could not be parsed.
    pub fn clear_unparsed_source(self) {
        self.unparsed_source.set(None);
    }

    /// Sets the callback that parses source text whose parsing was put off.
    pub fn on_flush_source(self, flush: Callback<()>) {
        self.flush_source.set_value(Some(flush));
    }

    /// Parses source text whose parsing was put off.
    pub fn flush_source(self) {
        if let Some(flush) = self.flush_source.get_value() {
            flush.run(());
        }
    }
}
