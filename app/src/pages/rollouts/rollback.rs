//! The rollback dialog: the consequence, the reason, and one button.

use leptos::{form::ActionForm, prelude::*};
use lifecycle::{bundle::State, system::ServingBundle};

use super::{labels, state::PageState};
use crate::{
    api::rollout::Preview,
    components::{Button, ButtonKind, Checkbox, Dialog, TextArea, form_error},
};

/// A bundle that can be rolled back, and a preview of the effect.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RollbackTarget {
    /// The number of the bundle.
    pub bundle_id: i64,
    /// The version of the bundle.
    pub version: String,
    state: State,
    percent: i16,
    preview: Preview,
}

impl RollbackTarget {
    /// The rollback of a bundle.
    pub fn new((preview, bundle): (Preview, ServingBundle)) -> Self {
        Self { bundle_id: bundle.id, version: bundle.version, state: bundle.state, percent: bundle.canary_pct, preview }
    }
}

/// The dialog. Without scripts, styles show its form in the page.
#[component]
pub(super) fn RollbackDialog(
    target: RollbackTarget,
    open: RwSignal<bool>,
    id: &'static str,
    state: PageState,
) -> impl IntoView {
    let restored = target.preview.restored_version.clone();
    let refused = form_error(state.roll_back);
    let title = format!("Roll back {}", target.version);
    view! {
        <Dialog open=open id=id title=title>
            <ActionForm action=state.roll_back attr:class="stack">
                <input type="hidden" name="bundle_id" value=target.bundle_id />
                <div class="consequence">
                    <p>
                        <strong>{labels::consequence(target.state, target.percent, &restored)}</strong>
                    </p>
                    <p class="muted">{labels::flips(target.preview.decisions_last_hour, target.preview.flips)}</p>
                </div>
                <TextArea
                    label="Reason"
                    name="reason"
                    id=format!("{id}-reason")
                    value=state.reason
                    rows=3
                    required=true
                    hint="At least 10 characters. It is recorded in the audit trail and in the incident."
                    error=refused
                />
                <Checkbox label="Open an incident" name="create_incident" value=state.open_incident />
                <div class="dialog-foot">
                    <span class="needs-script">
                        <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                    </span>
                    <Button kind=ButtonKind::Danger submit=true pending=state.roll_back.pending()>
                        {format!("Roll back to {restored}")}
                    </Button>
                </div>
            </ActionForm>
        </Dialog>
    }
}
