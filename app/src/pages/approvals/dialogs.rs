//! The dialogs that approve and deny. Without scripts, styles show their forms in the page.

use leptos::{form::ActionForm, prelude::*};

use super::{labels, state::PageState};
use crate::{
    api::approval_view::ApprovalDetail,
    components::{Button, ButtonKind, Dialog, FormError, Select, TextArea, TextInput, form_error},
};

/// Says exactly what will be allowed, and how much of it.
#[component]
pub(super) fn ApproveDialog(detail: ApprovalDetail, state: PageState) -> impl IntoView {
    let choices = labels::choices(&detail);
    let why_once = labels::why_once(&detail);
    let (id, headline, gist) = (detail.row.id.clone(), labels::headline(&detail.row), detail.row.gist.clone());
    let missing = usize::from(detail.row.quorum).saturating_sub(detail.row.approved_by.len() + 1);
    let has_limits = choices.iter().any(|(choice, _)| *choice == "until");
    let options = choices.into_iter().map(|(choice, words)| (choice.to_owned(), words)).collect::<Vec<_>>();
    let allowed = move || labels::allowed(&detail, &state.scope.read(), &state.hours.read(), &state.uses.read());
    view! {
        <Dialog open=state.approving id="approve" title="Approve this call?">
            <ActionForm action=state.approve attr:class="stack">
                <input type="hidden" name="id" value=id />
                <input type="hidden" name="decision" value="approve" />
                <div class="approval-covers stack-tight">
                    <p>
                        <strong>{headline}</strong>
                    </p>
                    <p class="mono breaks">{gist}</p>
                    <p>{allowed}</p>
                </div>
                {(options.len() > 1)
                    .then(|| view! { <Select label="It covers" name="scope" id="approve-scope" options=options value=state.scope /> })}
                {has_limits.then(|| view! { <Limits state=state /> })}
                {why_once.map(|why| view! { <p class="muted">{why}</p> })}
                {(missing > 0)
                    .then(|| {
                        view! {
                            <p class="muted">
                                {crate::format::plural(missing as u64, "more person has", "more people have")} " to approve it, too."
                            </p>
                        }
                    })}
                <FormError action=state.approve />
                <Foot open=state.approving>
                    <Button kind=ButtonKind::Primary submit=true pending=state.approve.pending()>
                        "Approve"
                    </Button>
                </Foot>
            </ActionForm>
        </Dialog>
    }
}

/// The end and the number of uses of what is more than this once.
#[component]
fn Limits(state: PageState) -> impl IntoView {
    let hours = [("1", "1 hour"), ("4", "4 hours"), ("24", "24 hours")];
    let hours = hours.map(|(hours, words)| (hours.to_owned(), words.to_owned())).to_vec();
    view! {
        <div class="grid-2 scope-limits" class:scope-once=move || *state.scope.read() == "once">
            <Select label="It ends in" name="hours" id="approve-hours" options=hours value=state.hours />
            <TextInput label="At most so many calls" name="uses" id="approve-uses" kind="number" min="1" value=state.uses />
        </div>
    }
}

/// Asks for the reason, which the agent gets.
#[component]
pub(super) fn DenyDialog(detail: ApprovalDetail, state: PageState) -> impl IntoView {
    let headline = labels::headline(&detail.row);
    view! {
        <Dialog open=state.denying id="deny" title="Deny this call?">
            <ActionForm action=state.deny attr:class="stack">
                <input type="hidden" name="id" value=detail.row.id />
                <input type="hidden" name="decision" value="deny" />
                <div class="consequence">
                    <p>
                        <strong>{headline}</strong>
                    </p>
                    <p class="mono breaks">{detail.row.gist}</p>
                    <p>"It will not be done, and nobody else is asked about it."</p>
                </div>
                <TextArea
                    label="Reason"
                    name="reason"
                    id="deny-reason"
                    value=state.reason
                    rows=3
                    required=true
                    hint="The agent and its owner read it."
                    error=form_error(state.deny)
                />
                <Foot open=state.denying>
                    <Button kind=ButtonKind::Danger submit=true pending=state.deny.pending()>
                        "Deny"
                    </Button>
                </Foot>
            </ActionForm>
        </Dialog>
    }
}

#[component]
fn Foot(open: RwSignal<bool>, children: Children) -> impl IntoView {
    view! {
        <div class="dialog-foot">
            <span class="needs-script">
                <Button on_click=move |_| open.set(false)>"Cancel"</Button>
            </span>
            {children()}
        </div>
    }
}
