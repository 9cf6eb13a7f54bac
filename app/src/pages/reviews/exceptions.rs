//! Exceptions to failed guardrails: what is overridden, in red, and the form that signs one.

use leptos::{form::ActionForm, prelude::*};
use lifecycle::review::{Exception, GuardrailVerdict, Packet, PacketStatus, guardrails::GuardrailName};

use crate::{
    api::safeguards::SignException,
    components::{Button, ButtonKind, ExternalText, Notice, Panel, TextArea, Tone, form_error},
    labels,
};

/// Who overrode which failed guardrails, and why.
#[component]
pub(crate) fn Overridden(
    /// The signatures on exceptions.
    exceptions: Vec<Exception>,
    /// The guardrails whose exception has both signatures.
    overridden: Vec<GuardrailName>,
) -> impl IntoView {
    (!exceptions.is_empty()).then(move || {
        let lines = exceptions.into_iter().map(move |given| {
            let state = if overridden.contains(&given.guardrail) { "" } else { " (1 of 2 signatures)" };
            let who = format!(
                "{}{state}, signed by {}: ",
                labels::capital(given.guardrail.words()),
                labels::outside(&given.actor)
            );
            view! { <li><strong>{who}</strong> <ExternalText text=given.reason lines=true /></li> }
        });
        let lines = lines.collect_view();
        view! {
            <Notice tone=Tone::Bad>
                <strong>"Exception to a failed guardrail"</strong>
                <ul class="reasons">{lines}</ul>
            </Notice>
        }
    })
}

/// The form that signs an exception, one for each guardrail that failed and is not overridden.
#[component]
pub(super) fn SignExceptions(packet: Packet, action: ServerAction<SignException>) -> impl IntoView {
    let open = packet.status == PacketStatus::InReview;
    let failed: Vec<GuardrailName> = packet
        .content
        .guardrails
        .iter()
        .filter(|one| one.verdict == GuardrailVerdict::Fail && !packet.overridden.contains(&one.name))
        .map(|one| one.name)
        .collect();
    let (refused, packet_id) = (form_error(action), packet.packet_id);
    (open && !failed.is_empty()).then(|| {
        view! {
            <Panel title="Exception">
                <div class="stack">
                    <p class="muted">
                        "A safety owner and a runtime owner, two people, may override a failed guardrail. It stands in red on the packet, the rollout and in the audit."
                    </p>
                    {failed
                        .into_iter()
                        .map(|name| {
                            let packet_id = packet_id.clone();
                            view! {
                                <ActionForm action=action>
                                    <input type="hidden" name="packet_id" value=packet_id />
                                    <input type="hidden" name="guardrail" value=name.name() />
                                    <TextArea
                                        label=format!("Why {} may be overridden", name.words())
                                        name="reason"
                                        id=format!("exception-{}", name.name())
                                        rows=2
                                        required=true
                                        error=refused
                                    />
                                    <Button kind=ButtonKind::Danger submit=true pending=action.pending()>
                                        "Sign exception"
                                    </Button>
                                </ActionForm>
                            }
                        })
                        .collect_view()}
                </div>
            </Panel>
        }
    })
}
