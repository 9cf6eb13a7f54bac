//! The way back: what it does to whom, why, and one button.

use leptos::{form::ActionForm, prelude::*};
use lifecycle::{bundle::State, system::ServingBundle};

use super::{Desk, labels, refusal};
use crate::{
    api::rollout::Preview,
    components::{Button, ButtonKind, Checkbox, Dialog, TextArea},
};

/// A bundle that can be taken out of service, and what that does.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Taking {
    /// Its number.
    pub bundle_id: i64,
    /// Its version.
    pub version: String,
    state: State,
    percent: i16,
    preview: Preview,
}

impl Taking {
    /// What rolling `bundle` back does.
    pub fn new((preview, bundle): (Preview, ServingBundle)) -> Self {
        Self { bundle_id: bundle.id, version: bundle.version, state: bundle.state, percent: bundle.canary_pct, preview }
    }
}

/// The dialog. Where scripts are off, styles show its form in the page.
#[component]
pub(super) fn RollbackDialog(taking: Taking, open: RwSignal<bool>, id: &'static str, desk: Desk) -> impl IntoView {
    let restored = taking.preview.restored_version.clone();
    let refused = refusal(move || desk.roll_back.value().get());
    let title = format!("Roll back {}", taking.version);
    view! {
        <Dialog open=open id=id title=title>
            <ActionForm action=desk.roll_back attr:class="stack">
                <input type="hidden" name="bundle_id" value=taking.bundle_id />
                <div class="consequence">
                    <p>
                        <strong>{labels::consequence(taking.state, taking.percent, &restored)}</strong>
                    </p>
                    <p class="muted">{labels::flips(taking.preview.decisions_last_hour, taking.preview.flips)}</p>
                </div>
                <TextArea
                    label="Reason"
                    name="reason"
                    id=format!("{id}-reason")
                    value=desk.reason
                    rows=3
                    required=true
                    hint="At least 10 characters. It stands in the audit trail and in the incident."
                    error=refused
                />
                <Checkbox label="Open an incident" name="create_incident" value=desk.incident />
                <div class="dialog-foot">
                    <span class="needs-script">
                        <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                    </span>
                    <Button kind=ButtonKind::Danger submit=true pending=desk.roll_back.pending()>
                        {format!("Roll back to {restored}")}
                    </Button>
                </div>
            </ActionForm>
        </Dialog>
    }
}
