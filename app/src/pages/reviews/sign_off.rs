//! The sign-off: approve, request changes or reject. A plain form, so that it works without JavaScript.

use leptos::{form::ActionForm, prelude::*};
use lifecycle::review::{Packet, PacketStatus, Verdict};
use wasm_bindgen::JsCast;

use super::state::PageState;
use crate::{
    components::{Button, ButtonKind, Chip, Kbd, Panel, TextArea, Tone, form_error},
    keyboard::{press, use_keys},
};

/// The sign-off card.
#[component]
pub(super) fn SignOff(
    packet: Packet,
    /// Why this person cannot sign; `None` if they can.
    cannot_sign: Option<String>,
    signed: bool,
    /// Why nobody can approve the packet now.
    blocked: Option<&'static str>,
    state: PageState,
) -> impl IntoView {
    let approvals = packet.actions.iter().filter(|action| action.decision == Verdict::Approve).count();
    let progress = format!("{approvals} of {}", packet.content.required_approvals);
    let open = packet.status == PacketStatus::InReview;
    let body = match cannot_sign {
        Some(_) if !open => view! { <p class="muted">"Nothing more to sign here."</p> }.into_any(),
        Some(why) => view! { <p class="muted">{why}</p> }.into_any(),
        None => view! { <Form packet_id=packet.packet_id signed=signed blocked=blocked state=state /> }.into_any(),
    };
    view! {
        <Panel
            title="Your sign-off"
            actions=move || {
                view! { <Chip tone=if open { Tone::Accent } else { Tone::Neutral }>{progress}</Chip> }
            }
        >
            {body}
        </Panel>
    }
}

#[component]
fn Form(packet_id: String, signed: bool, blocked: Option<&'static str>, state: PageState) -> impl IntoView {
    let act = state.act;
    let refused = form_error(act);
    let pending = act.pending();
    view! {
        <div class="sign-off" id="sign-off">
            <ActionForm action=act>
                <input type="hidden" name="packet_id" value=packet_id />
                <TextArea
                    label="Reason"
                    name="reason"
                    value=state.reason
                    rows=3
                    hint="Required to reject or to request changes"
                    error=refused
                />
                {signed.then(|| view! { <p class="muted">"You have approved this. You can still send it back or reject it."</p> })}
                {blocked.map(|why| view! { <p class="muted">{why}</p> })}
                <div class="sign-buttons">
                    <Button
                        kind=ButtonKind::Primary
                        submit=true
                        pending=pending
                        disabled=Signal::stored(signed || blocked.is_some())
                        attr:name="decision"
                        attr:value="approve"
                        attr:data-key="a"
                    >
                        "Approve"
                        <span class="needs-keyboard" aria-hidden="true">
                            <Kbd key="A" />
                        </span>
                    </Button>
                    <Button submit=true disabled=pending attr:name="decision" attr:value="request_changes">
                        "Request changes"
                    </Button>
                    <Button
                        kind=ButtonKind::Danger
                        submit=true
                        disabled=pending
                        attr:name="decision"
                        attr:value="reject"
                        attr:data-key="r"
                    >
                        "Reject"
                        <span class="needs-keyboard" aria-hidden="true">
                            <Kbd key="R" />
                        </span>
                    </Button>
                </div>
            </ActionForm>
        </div>
    }
}

/// `a` approves. `r` rejects; without a reason, `r` focuses the reason field. `j` and `k` open the next and the
/// previous packet in review.
pub(super) fn use_sign_off_keys() {
    use_keys(|key| match key {
        "a" => press("button[data-key=a]:not(:disabled)"),
        "j" => press(".packet-steps a[rel=next]"),
        "k" => press(".packet-steps a[rel=prev]"),
        "r" => {
            let reason = document()
                .query_selector(".sign-off textarea")
                .ok()
                .flatten()
                .and_then(|field| field.dyn_into::<web_sys::HtmlTextAreaElement>().ok());
            match reason {
                Some(field) if field.value().trim().is_empty() => field.focus().is_ok(),
                Some(_) => press("button[data-key=r]:not(:disabled)"),
                None => false,
            }
        }
        _ => false,
    });
}
