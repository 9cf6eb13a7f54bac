//! The forms of the page. They live outside the resources, so that fetching again does not reset them.

use leptos::prelude::*;
use lifecycle::approval::Status;
use wasm_bindgen::JsCast;

use crate::{
    api::approvals::{ActOnApproval, RevokeApproval},
    components::use_toasts,
    frame::live_updates::use_live,
};

/// The forms of the page, and what was typed into them.
#[derive(Clone, Copy)]
pub(super) struct PageState {
    pub approve: ServerAction<ActOnApproval>,
    pub deny: ServerAction<ActOnApproval>,
    pub revoke: ServerAction<RevokeApproval>,
    /// Whether the dialog that approves is open.
    pub approving: RwSignal<bool>,
    /// Whether the dialog that denies is open.
    pub denying: RwSignal<bool>,
    /// How much the approval covers.
    pub scope: RwSignal<String>,
    /// When it ends, in hours.
    pub hours: RwSignal<String>,
    /// How often it may be used.
    pub uses: RwSignal<String>,
    /// The reason for denying.
    pub reason: RwSignal<String>,
}

impl PageState {
    /// The forms for the request with the id `shown`; another request resets them.
    pub fn new(shown: Memo<String>) -> Self {
        let text = |text: &str| RwSignal::new(text.to_owned());
        let state = Self {
            approve: ServerAction::new(),
            deny: ServerAction::new(),
            revoke: ServerAction::new(),
            approving: RwSignal::new(false),
            denying: RwSignal::new(false),
            scope: text("once"),
            hours: text("1"),
            uses: text("100"),
            reason: text(""),
        };
        Effect::new(move |before: Option<String>| {
            let now = shown.get();
            if before.is_some_and(|before| before != now) {
                state.reset();
            }
            now
        });
        focus_when_open(state.approving, "#approve [type=submit]");
        focus_when_open(state.denying, "#deny textarea");
        state.announce();
        state
    }

    fn reset(self) {
        self.approving.set(false);
        self.denying.set(false);
        self.scope.set("once".to_owned());
        self.reason.set(String::new());
        self.approve.clear();
        self.deny.clear();
    }

    fn announce(self) {
        let (toasts, live) = (use_toasts(), use_live());
        let decided = move |action: ServerAction<ActOnApproval>| {
            Effect::new(move |_| {
                if let Some(Ok(status)) = action.value().get() {
                    self.approving.set(false);
                    self.denying.set(false);
                    self.reason.set(String::new());
                    toasts.good(match status {
                        Status::Approved => "Approved. The agent may go on.",
                        Status::Denied => "Denied. The agent gets your reason.",
                        Status::Pending | Status::Expired | Status::Cancelled => {
                            "Approved. Another approval is needed."
                        }
                    });
                    live.refresh();
                }
            });
        };
        decided(self.approve);
        decided(self.deny);
        Effect::new(move |_| {
            if let Some(Ok(())) = self.revoke.value().get() {
                toasts.good("Revoked. It allows nothing more.");
                live.refresh();
            }
        });
    }
}

/// Focuses what a dialog is opened for, rather than its first button, which closes it.
fn focus_when_open(open: RwSignal<bool>, selector: &'static str) {
    Effect::new(move |_| {
        if open.get() {
            request_animation_frame(move || {
                let found = document().query_selector(selector).ok().flatten();
                if let Some(element) = found.and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok()) {
                    let _ = element.focus();
                }
            });
        }
    });
}
