//! The emergency switch: evaluation off and on.

use leptos::{form::ActionForm, prelude::*};
use policy::bundle::Effect;

use crate::{
    api::system::{DisableEvaluation, EnableEvaluation},
    components::{
        Button, ButtonKind, Checkbox, ExternalText, FormError, Notice, RelativeTime, Select, TextArea, Tone,
        effect_words,
    },
    frame::state::use_frame,
};

/// The form that disables evaluation; while evaluation is disabled, the form that enables it.
#[component]
pub(super) fn Emergency(
    editable: bool,
    disable: ServerAction<DisableEvaluation>,
    enable: ServerAction<EnableEvaluation>,
) -> impl IntoView {
    let frame = use_frame();
    let off = Memo::new(move |_| {
        let system = frame.get().system;
        (!system.enabled).then_some((system.disabled, system.bypass_effect))
    });
    move || {
        match off.get() {
        Some((disabled, effect)) => view! {
            <div class="stack">
                <Notice tone=Tone::Bad>
                    <strong>"Evaluation is disabled."</strong>
                    <p>
                        "Every question is answered with “" {effect_words(effect)} "”. "
                        {disabled
                            .map(|off| {
                                view! {
                                    <span>
                                        {crate::labels::outside(&off.by)} ", "
                                        {move || view! { <RelativeTime at=off.since as_of=frame.get().as_of /> }} ": " <ExternalText text=off.reason />
                                    </span>
                                }
                            })}
                    </p>
                </Notice>
                <FormError action=enable />
                {editable
                    .then(|| {
                        view! {
                            <ActionForm action=enable>
                                <Button kind=ButtonKind::Primary submit=true pending=enable.pending()>
                                    "Enable evaluation"
                                </Button>
                            </ActionForm>
                        }
                    })}
            </div>
        }
        .into_any(),
        None => view! { <DisableForm editable=editable action=disable /> }.into_any(),
    }
    }
}

#[component]
fn DisableForm(editable: bool, action: ServerAction<DisableEvaluation>) -> impl IntoView {
    let effects = [Effect::Allow, Effect::Deny, Effect::NeedsApproval]
        .map(|effect| (effect.name().to_owned(), effect_words(effect).to_owned()))
        .to_vec();
    view! {
        <div class="stack">
            <p>
                "When rolling back does not work, evaluation can be switched off: within a second every server answers every question \
                 the same way, asks no rule, and still logs each question."
            </p>
            {(!editable).then(|| view! { <p class="muted">"Only administrators may do that. Evaluation is on."</p> })}
            <FormError action=action />
            {editable
                .then(|| {
                    view! {
                        <ActionForm action=action attr:class="stack">
                            <TextArea label="Reason" name="reason" id="disable-reason" rows=2 required=true />
                            <Select label="Answer everything with" name="bypass_effect" id="disable-effect" options=effects />
                            <Checkbox label="I understand: no rules apply until evaluation is enabled again" name="sure" />
                            <div class="form-foot">
                                <Button kind=ButtonKind::Danger submit=true pending=action.pending()>
                                    "Disable evaluation"
                                </Button>
                            </div>
                        </ActionForm>
                    }
                })}
        </div>
    }
}
