//! The forms of an incident's page. They live outside the resource, so that fetching again does not reset them.

use leptos::prelude::*;
use lifecycle::incident::Status;

use crate::{
    api::incidents::{AdvanceIncident, SavePostMortem},
    components::use_toasts,
    frame::live_updates::use_live,
};

/// A post-mortem that was edited but not saved yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PostMortemDraft {
    /// The saved revision that was edited.
    pub revision: i64,
    /// The edited text.
    pub markdown: String,
}

/// The forms of the page, and what was typed into them.
#[derive(Clone, Copy)]
pub(super) struct PageState {
    pub advance: ServerAction<AdvanceIncident>,
    /// The note of the next step.
    pub note: RwSignal<String>,
    pub save: ServerAction<SavePostMortem>,
    /// The edited post-mortem; `None` before the first edit and after saving.
    draft: RwSignal<Option<PostMortemDraft>>,
}

impl PageState {
    /// Forms that announce their success and then refresh the page.
    pub fn new() -> Self {
        let state = Self {
            advance: ServerAction::new(),
            note: RwSignal::new(String::new()),
            save: ServerAction::new(),
            draft: RwSignal::new(None),
        };
        state.announce();
        state
    }

    /// The edited post-mortem.
    pub fn draft(self) -> Option<PostMortemDraft> {
        self.draft.get_untracked()
    }

    /// Keeps an edited post-mortem until it is saved.
    pub fn edit(self, draft: PostMortemDraft) {
        self.draft.set(Some(draft));
    }

    fn announce(self) {
        let (toasts, live) = (use_toasts(), use_live());
        Effect::new(move |_| {
            if let Some(Ok(status)) = self.advance.value().get() {
                self.note.set(String::new());
                toasts.good(match status {
                    Status::Open | Status::Acknowledged => "Acknowledged. It is yours.",
                    Status::Mitigated => "Mitigated: the damage has stopped.",
                    Status::Resolved => "Resolved: the cause is gone.",
                    Status::Closed => "Closed.",
                });
                live.refresh();
            }
        });
        Effect::new(move |_| {
            if let Some(Ok(())) = self.save.value().get() {
                toasts.good("The post-mortem is saved.");
                self.draft.set(None);
                live.refresh();
            }
        });
    }
}
