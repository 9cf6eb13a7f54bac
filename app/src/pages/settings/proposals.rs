//! Proposals to weaken a safeguard, which wait for a safety owner.

use leptos::prelude::*;
use lifecycle::{
    authority::{Actor, Permission, same_person},
    settings::{Change, Proposal},
};
use policy::Timestamp;
use serde_json::Value;

use crate::{
    api::safeguards::{AcceptProposal, RejectProposal},
    components::{ActionButton, ButtonKind, FormError, Notice, RelativeTime, Tone},
    labels,
};

/// The proposals that wait, with the decision for those who may take it.
#[component]
pub(super) fn Proposals(
    proposals: Vec<Proposal>,
    me: Actor,
    as_of: Timestamp,
    accept: ServerAction<AcceptProposal>,
    reject: ServerAction<RejectProposal>,
) -> impl IntoView {
    (!proposals.is_empty()).then(|| {
        view! {
            <Notice tone=Tone::Warn>
                <strong>"Waiting for a safety owner"</strong>
                <p>"These changes weaken a safeguard. Until a safety owner accepts them, the present values stay in force."</p>
                <FormError action=accept />
                <FormError action=reject />
                <ul class="reasons">
                    {proposals
                        .into_iter()
                        .map(|proposal| view! { <Row proposal=proposal me=me.clone() as_of=as_of accept=accept reject=reject /> })
                        .collect_view()}
                </ul>
            </Notice>
        }
    })
}

#[component]
fn Row(
    proposal: Proposal,
    me: Actor,
    as_of: Timestamp,
    accept: ServerAction<AcceptProposal>,
    reject: ServerAction<RejectProposal>,
) -> impl IntoView {
    let Proposal { id, changes, proposed_by, proposed_at, .. } = proposal;
    let decides = me.may(Permission::Countersign) && !same_person(&proposed_by, &me.name);
    view! {
        <li class="stack-tight">
            {changes.iter().map(|change| view! { <p>{sentence(change)}</p> }).collect_view()}
            <p class="muted">"Proposed by " {labels::outside(&proposed_by)} ", " <RelativeTime at=proposed_at as_of=as_of /></p>
            {decides
                .then(|| {
                    view! {
                        <div class="row">
                            <ActionButton action=accept id=id text="Accept" kind=ButtonKind::Danger />
                            <ActionButton action=reject id=id text="Reject" />
                        </div>
                    }
                })}
        </li>
    }
}

/// A change in a sentence.
pub(super) fn sentence(change: &Change) -> String {
    let what = labels::capital(&change.words());
    if change.is_invariant() {
        return match &change.to {
            Value::Null => format!("{what}: removed."),
            _ => format!("{what}: says less."),
        };
    }
    format!("{what}: {} → {}.", plain(&change.from), plain(&change.to))
}

fn plain(value: &Value) -> String {
    if let Value::Array(list) = value {
        return if list.is_empty() { "none".to_owned() } else { list.iter().map(plain).collect::<Vec<_>>().join(", ") };
    }
    value.as_str().map_or_else(|| value.to_string(), |text| text.replace('_', " "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_is_described_in_words() {
        let change = |field: &str, from: Value, to: Value| sentence(&Change { field: field.into(), from, to });
        assert_eq!(
            change("/gates/max_error_rate", json!(0.05), json!(0.1)),
            "Maximum error rate of a gate: 0.05 → 0.1."
        );
        assert_eq!(
            change("/watch/mode", json!("roll_back"), json!("observe")),
            "Response of automatic rollback: roll back → observe."
        );
        assert_eq!(
            change("/groups/policy-leads", json!([]), json!(["approver", "safety_owner"])),
            "Roles of the group policy-leads: none → approver, safety owner."
        );
        assert_eq!(change("/invariants/keep-low", json!({}), Value::Null), "Invariant keep-low: removed.");
    }
}
