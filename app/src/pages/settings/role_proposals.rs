//! New roles of people that wait for a safety owner.

use leptos::prelude::*;
use lifecycle::authority::{Actor, Permission, RoleProposal};

use super::state::PageState;
use crate::{
    components::{ActionButton, ButtonKind, FormError, Panel},
    labels,
};

/// The proposals, with the buttons of those who may decide; nothing without proposals.
#[component]
pub(super) fn RoleProposals(proposals: Vec<RoleProposal>, me: Actor, state: PageState) -> impl IntoView {
    (!proposals.is_empty()).then(|| {
        view! {
            <Panel title="Waiting for a safety owner">
                <FormError action=state.accept_roles />
                <FormError action=state.reject_roles />
                <ul class="stack-tight">
                    {proposals
                        .into_iter()
                        .map(|proposal| view! { <Waiting proposal=proposal me=me.clone() state=state /> })
                        .collect_view()}
                </ul>
            </Panel>
        }
    })
}

#[component]
fn Waiting(proposal: RoleProposal, me: Actor, state: PageState) -> impl IntoView {
    let accepts = me.may(Permission::Countersign) && proposal.may_accept(&me.name).is_ok();
    let rejects = proposal.may_reject(&me);
    let RoleProposal { id, name, roles, proposed_by, .. } = proposal;
    let what = format!("{} for {}", labels::roles(&roles), labels::outside(&name));
    let accept_label = format!("Accept {what}");
    let reject_label = format!("Reject {what}");
    view! {
        <li class="spread">
            <span>
                <strong>{what}</strong>
                <span class="faint">" proposed by " {labels::outside(&proposed_by)}</span>
            </span>
            <span class="row">
                {accepts
                    .then(|| {
                        view! {
                            <ActionButton action=state.accept_roles id=id text="Accept" label=accept_label kind=ButtonKind::Primary />
                        }
                    })}
                {rejects
                    .then(|| {
                        view! {
                            <ActionButton action=state.reject_roles id=id text="Reject" label=reject_label />
                        }
                    })}
            </span>
        </li>
    }
}
