//! The forms of the rollouts page. They live outside the resource, so that fetching again does not reset them.

use leptos::prelude::*;

use crate::{
    api::rollout::{ApplyBundle, PromoteBundle, RollBackBundle},
    components::use_toasts,
    frame::live_updates::use_live,
};

/// The forms of the page, and what was typed into them.
#[derive(Clone, Copy)]
pub(super) struct PageState {
    pub apply: ServerAction<ApplyBundle>,
    pub promote: ServerAction<PromoteBundle>,
    pub roll_back: ServerAction<RollBackBundle>,
    /// The reason for rolling back.
    pub reason: RwSignal<String>,
    /// Whether the rollback also opens an incident.
    pub open_incident: RwSignal<bool>,
    /// Whether the rollback dialog of the bundle beside stable is open.
    pub canary_dialog: RwSignal<bool>,
    /// Whether the rollback dialog of the stable bundle is open.
    pub stable_dialog: RwSignal<bool>,
}

impl PageState {
    /// Forms that announce their success and then refresh the page.
    pub fn new() -> Self {
        let state = Self {
            apply: ServerAction::new(),
            promote: ServerAction::new(),
            roll_back: ServerAction::new(),
            reason: RwSignal::new(String::new()),
            open_incident: RwSignal::new(true),
            canary_dialog: RwSignal::new(false),
            stable_dialog: RwSignal::new(false),
        };
        state.announce();
        state
    }

    fn announce(self) {
        let (toasts, live) = (use_toasts(), use_live());
        Effect::new(move |_| {
            if let Some(Ok(())) = self.apply.value().get() {
                toasts.good("Applied. Every server serves it within a second.");
                live.refresh();
            }
        });
        Effect::new(move |_| {
            if let Some(Ok(())) = self.promote.value().get() {
                toasts.good("Promoted.");
                live.refresh();
            }
        });
        Effect::new(move |_| {
            if let Some(Ok(response)) = self.roll_back.value().get() {
                self.close_rollback();
                toasts.good(match response.incident_id {
                    Some(incident) => format!("{} Incident {incident} is open.", response.message),
                    None => response.message,
                });
                live.refresh();
            }
        });
    }

    fn close_rollback(self) {
        self.canary_dialog.set(false);
        self.stable_dialog.set(false);
        self.reason.set(String::new());
    }
}
