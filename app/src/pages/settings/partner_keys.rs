//! The public keys of partners, whose exports count here.

use leptos::prelude::*;
use lifecycle::{
    authority::{Actor, Permission},
    transfer::{PartnerKey, PartnerKeyStatus},
};
use policy::Timestamp;

use super::state::PageState;
use crate::components::{ActionButton, Button, ButtonKind, Chip, FormError, RelativeTime, Table, TextInput, Tone};

/// The keys, and the forms that propose, accept, reject and remove one.
#[component]
pub(super) fn PartnerKeys(keys: Vec<PartnerKey>, me: Actor, as_of: Timestamp, state: PageState) -> impl IntoView {
    let administers = me.may(Permission::Administer);
    view! {
        <div class="stack">
            <h2>"Keys of partners"</h2>
            <p class="muted">
                "Bundles that a partner exports with Ed25519 are valid here once their public key is trusted. Get it from the partner, not from a file or an address in one."
            </p>
            <FormError action=state.accept_key />
            <FormError action=state.reject_key />
            <FormError action=state.remove_key />
            {(!keys.is_empty())
                .then(|| {
                    view! {
                        <Table label="Keys of partners" cards=true>
                            <thead>
                                <tr>
                                    <th scope="col">"Partner"</th>
                                    <th scope="col">"Key"</th>
                                    <th scope="col">"Proposed"</th>
                                    <th scope="col">"State"</th>
                                    <th scope="col">
                                        <span class="visually-hidden">"Decide"</span>
                                    </th>
                                </tr>
                            </thead>
                            <tbody>
                                {keys
                                    .into_iter()
                                    .map(|key| view! { <KeyRow key=key me=me.clone() as_of=as_of state=state /> })
                                    .collect_view()}
                            </tbody>
                        </Table>
                    }
                })}
            {administers
                .then(|| {
                    view! {
                        <ActionForm action=state.propose_key>
                            <div class="form">
                                <FormError action=state.propose_key />
                                <TextInput label="Partner" name="name" id="partner-name" required=true autocomplete="off" />
                                <TextInput
                                    label="Public key"
                                    name="public_key"
                                    id="partner-public-key"
                                    required=true
                                    autocomplete="off"
                                    hint="64 hexadecimal digits, as the partner publishes them at /.well-known/countersign-keys. A safety owner has to accept the key."
                                />
                                <div class="form-foot">
                                    <Button kind=ButtonKind::Primary submit=true pending=state.propose_key.pending()>
                                        "Propose key"
                                    </Button>
                                </div>
                            </div>
                        </ActionForm>
                    }
                })}
        </div>
    }
}

#[component]
fn KeyRow(key: PartnerKey, me: Actor, as_of: Timestamp, state: PageState) -> impl IntoView {
    let accepts = key.is_proposed() && me.may(Permission::Countersign) && key.may_accept(&me.name);
    let rejects = key.is_proposed() && key.may_reject(&me);
    let removes = key.status == PartnerKeyStatus::Trusted && me.may(Permission::Administer);
    let (tone, status) = match key.status {
        PartnerKeyStatus::Proposed => (Tone::Accent, "waits for a safety owner"),
        PartnerKeyStatus::Trusted => (Tone::Good, "trusted"),
        PartnerKeyStatus::Rejected => (Tone::Neutral, "rejected"),
        PartnerKeyStatus::Removed => (Tone::Neutral, "removed"),
    };
    let PartnerKey { id, name, key, proposed_by, proposed_at, .. } = key;
    let (accept_label, reject_label, remove_label) =
        (format!("Accept the key of {name}"), format!("Reject the key of {name}"), format!("Remove the key of {name}"));
    view! {
        <tr>
            <th scope="row">{name}</th>
            <td>
                <code>{key.key_id}</code>
                " "
                <code class="faint secret">{key.public_key}</code>
            </td>
            <td>
                <span class="on-cards faint">"proposed "</span>
                <RelativeTime at=proposed_at as_of=as_of />
                <span class="faint">" by " {proposed_by}</span>
            </td>
            <td>
                <Chip tone=tone>{status}</Chip>
            </td>
            <td class="num">
                <span class="row">
                    {accepts
                        .then(|| {
                            view! {
                                <ActionButton action=state.accept_key id=id text="Accept" label=accept_label kind=ButtonKind::Primary />
                            }
                        })}
                    {rejects
                        .then(|| {
                            view! {
                                <ActionButton action=state.reject_key id=id text="Reject" label=reject_label />
                            }
                        })}
                    {removes
                        .then(|| {
                            view! {
                                <ActionButton action=state.remove_key id=id text="Remove" label=remove_label kind=ButtonKind::Danger />
                            }
                        })}
                </span>
            </td>
        </tr>
    }
}
