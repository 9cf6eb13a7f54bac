//! The safety pause, on every page: the pause dialog, and banners that say what is paused or disabled, what is still
//! allowed and who must sign. All of these are forms, so they work without JavaScript.

use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_location;
use lifecycle::{
    authority::Permission,
    settings::Change,
    system::{Disabled, Pause, TICKET_TAG, TriggerMetric},
};
use policy::characters::write_out;

use crate::{
    api::{
        frame::FrameState,
        system::{EnableEvaluation, PauseSystem, SignRelease},
    },
    components::{
        Button, ButtonKind, Dialog, ExternalText, RelativeTime, Select, TextArea, TextInput, effect_words, form_error,
        format, use_toasts,
    },
    frame::live_updates::use_live,
};

/// The id of the dialog: without scripts, the link `#pause` leads to it.
pub const DIALOG: &str = "pause";

/// The forms and the text typed into them. They live outside the resource, so that fetching again does not reset them.
#[derive(Clone, Copy)]
pub struct Emergency {
    /// Whether the pause dialog is open.
    dialog: RwSignal<bool>,
    pause: ServerAction<PauseSystem>,
    release: ServerAction<SignRelease>,
    enable: ServerAction<EnableEvaluation>,
    reason: RwSignal<String>,
    ticket: RwSignal<String>,
    trigger: RwSignal<String>,
    remediation: RwSignal<String>,
}

impl Emergency {
    /// Opens the dialog for a metric that raised an alert. The metric is measured again before the release.
    pub fn open_for(self, trigger: TriggerMetric) {
        self.trigger.set(trigger.name().to_owned());
        self.dialog.set(true);
        focus_reason();
    }
}

/// Makes the dialog available to every [`PauseButton`] below. Called once, by the frame.
pub fn provide_emergency() -> Emergency {
    let text = || RwSignal::new(String::new());
    let emergency = Emergency {
        dialog: RwSignal::new(false),
        pause: ServerAction::new(),
        release: ServerAction::new(),
        enable: ServerAction::new(),
        reason: text(),
        ticket: text(),
        trigger: text(),
        remediation: text(),
    };
    let (toasts, live) = (use_toasts(), use_live());
    Effect::new(move |_| {
        if let Some(Ok(message)) = emergency.pause.value().get() {
            emergency.dialog.set(false);
            for typed in [emergency.reason, emergency.ticket, emergency.trigger] {
                typed.set(String::new());
            }
            toasts.good(message);
            live.refresh();
        }
    });
    Effect::new(move |_| {
        if let Some(Ok(message)) = emergency.release.value().get() {
            emergency.remediation.set(String::new());
            toasts.good(message);
            live.refresh();
        }
    });
    Effect::new(move |_| {
        if let Some(Ok(message)) = emergency.enable.value().get() {
            toasts.good(message);
            live.refresh();
        }
    });
    // Other pages link to the dialog, which works without scripts too.
    let hash = use_location().hash;
    Effect::new(move |_| {
        if hash.read().trim_start_matches('#') == DIALOG {
            emergency.dialog.set(true);
            focus_reason();
        }
    });
    provide_context(emergency);
    emergency
}

/// The red button, for people who may pause, while nothing is paused.
#[component]
pub fn PauseButton(state: RwSignal<FrameState>) -> impl IntoView {
    let offered = Memo::new(move |_| {
        let state = state.read();
        state.me.may(Permission::Pause) && !state.system.paused
    });
    let emergency = expect_context::<Emergency>();
    view! {
        <Show when=move || offered.get()>
            <button
                type="button"
                class="button pause-button needs-script"
                aria-haspopup="dialog"
                on:click=move |_| {
                    emergency.dialog.set(true);
                    focus_reason();
                }
            >
                <span aria-hidden="true">"❚❚"</span>
                "Pause"
            </button>
            <a class="button pause-button without-script" href=format!("#{DIALOG}")>
                "Pause"
            </a>
        </Show>
    }
}

/// Moves the focus into the reason field once the dialog is open.
fn focus_reason() {
    request_animation_frame(|| {
        request_animation_frame(|| {
            use wasm_bindgen::JsCast;
            let field = document().get_element_by_id("pause-reason");
            if let Some(field) = field.and_then(|field| field.dyn_into::<web_sys::HtmlElement>().ok()) {
                let _ = field.focus();
            }
        });
    });
}

/// The dialog behind the red button: a reason, and one confirmation.
#[component]
pub fn PauseDialog(state: RwSignal<FrameState>) -> impl IntoView {
    let emergency = expect_context::<Emergency>();
    let offered = Memo::new(move |_| state.read().me.may(Permission::Pause) && !state.read().system.paused);
    let triggers: Vec<(String, String)> = std::iter::once((String::new(), "None in particular".to_owned()))
        .chain(TriggerMetric::ALL.iter().map(|metric| (metric.name().to_owned(), metric.name().replace('_', " "))))
        .collect();
    let refused = form_error(emergency.pause);
    move || {
        let triggers = triggers.clone();
        offered.get().then(move || {
            view! {
                <Dialog open=emergency.dialog id=DIALOG title="Pause">
                    <ActionForm action=emergency.pause attr:class="stack">
                        <p class="consequence">
                            <strong>"Freezes all rollouts and approvals. "</strong>
                            "Agents keep getting answers, from a canary too; you can still roll back. It ends when a safety owner and \
                             a runtime owner sign."
                        </p>
                        <TextArea
                            label="Reason"
                            name="reason"
                            id="pause-reason"
                            value=emergency.reason
                            rows=2
                            required=true
                            error=refused
                        />
                        <Select
                            label="Which number worried you?"
                            name="trigger"
                            id="pause-trigger"
                            options=triggers
                            value=emergency.trigger
                            hint="We recheck it before release."
                        />
                        <TextInput
                            label="Ticket"
                            name="ticket"
                            id="pause-ticket"
                            value=emergency.ticket
                            hint=format!("Leave empty to open a new incident, tagged {TICKET_TAG}.")
                        />
                        <div class="dialog-foot">
                            <span class="needs-script">
                                <Button on_click=move |_| emergency.dialog.set(false)>"Cancel"</Button>
                            </span>
                            <button
                                type="submit"
                                class="button pause-button"
                                class:is-pending=emergency.pause.pending()
                                disabled=emergency.pause.pending()
                            >
                                "Pause now"
                            </button>
                        </div>
                    </ActionForm>
                </Dialog>
            }
        })
    }
}

/// Says on every page what is paused or disabled, by whom and why, and what is still allowed.
#[component]
pub fn Banners(state: RwSignal<FrameState>) -> impl IntoView {
    // Banners are rendered again only after a change, because a person may be typing into one.
    let pause = Memo::new(move |_| state.read().system.pause.clone());
    let off = Memo::new(move |_| {
        let state = state.read();
        (!state.system.enabled).then(|| (state.system.disabled.clone(), state.system.bypass_effect))
    });
    let disabled = move || {
        off.get().map(|(disabled, effect)| {
            view! { <DisabledBanner disabled=disabled effect=effect_words(effect) state=state /> }
        })
    };
    let paused = move || pause.get().map(|pause| view! { <PausedBanner pause=pause state=state /> });
    let weakened = Memo::new(move |_| state.read().weakened.clone());
    let below = move || {
        let weakened = weakened.get();
        (!weakened.is_empty()).then(|| view! { <WeakenedBanner changes=weakened /> })
    };
    let unproven = Memo::new(move |_| {
        let system = &state.read().system;
        let arms = [&system.stable, &system.canary].into_iter().flatten();
        arms.filter_map(|arm| arm.unproven.clone().map(|incident| (arm.version.clone(), incident))).collect::<Vec<_>>()
    });
    let unproven = move || {
        unproven
            .get()
            .into_iter()
            .map(|(version, incident)| view! { <UnprovenBanner version incident /> })
            .collect_view()
    };
    view! {
        {disabled}
        {unproven}
        {paused}
        {below}
    }
}

/// Says on every page which safeguards are weaker than by default.
#[component]
fn WeakenedBanner(changes: Vec<Change>) -> impl IntoView {
    let what = changes.iter().map(Change::words).collect::<Vec<_>>().join(", ");
    let count = changes.len() as u64;
    let headline = format!("{} below the default", format::plural(count, "safeguard is", "safeguards are"));
    view! {
        <section class="banner tone-warn" aria-label="Safeguards below their defaults">
            <strong>{headline}</strong>
            <span>{what} "."</span>
            <a href="/settings">"Settings"</a>
        </section>
    }
}

/// Says that a bundle is served although nothing proves that it may be.
#[component]
fn UnprovenBanner(version: String, incident: String) -> impl IntoView {
    view! {
        <section class="banner tone-bad" aria-label="Unproven bundle in service">
            <strong role="status">{version} " is served, and nothing proves that it may be"</strong>
            <span>
                "Neither a signed record nor a sealed change by SQL put it into service as it is. See "
                <a href=format!("/incidents/{incident}")>{incident.clone()}</a> "."
            </span>
        </section>
    }
}

#[component]
fn DisabledBanner(disabled: Option<Disabled>, effect: &'static str, state: RwSignal<FrameState>) -> impl IntoView {
    let emergency = expect_context::<Emergency>();
    let may_enable = Memo::new(move |_| state.read().me.may(Permission::DisableEvaluation));
    let refused = form_error(emergency.enable);
    let reason = disabled.as_ref().map(|off| format!(": {}", write_out(&off.reason))).unwrap_or_default();
    view! {
        <section class="banner tone-bad" aria-label="Evaluation disabled">
            <strong role="status">"Evaluation disabled" {reason}</strong>
            {disabled
                .map(|off| view! { <span>{write_out(&off.by).into_owned()} ", " {move || view! { <RelativeTime at=off.since as_of=state.read().as_of /> }}</span> })}
            <span>
                "Every question is answered with “" {effect} "” and logged. Reading, drafting, reviewing and rolling back go on."
            </span>
            <Show when=move || may_enable.get()>
                <ActionForm action=emergency.enable>
                    <Button submit=true small=true pending=emergency.enable.pending()>"Enable evaluation"</Button>
                </ActionForm>
            </Show>
            {move || refused.get().map(|text| view! { <span role="alert">{text}</span> })}
        </section>
    }
}

#[component]
fn PausedBanner(pause: Pause, state: RwSignal<FrameState>) -> impl IntoView {
    let emergency = expect_context::<Emergency>();
    let refused = form_error(emergency.release);
    let needed = pause.still_needed();
    let since = pause.since;
    let ticket = pause.ticket.clone().map(|ticket| {
        if ticket.starts_with("INC-") {
            view! { <a href=format!("/incidents/{ticket}")>{write_out(&ticket).into_owned()}</a> }.into_any()
        } else {
            view! { <span>{write_out(&ticket).into_owned()}</span> }.into_any()
        }
    });
    let triggers = (!pause.trigger_metrics.is_empty()).then(
        || view! { <span>"Triggered by " {write_out(&pause.trigger_metrics.join(", ")).into_owned()} "."</span> },
    );
    let signed = match pause.release_signatures.first() {
        None => view! { <span>"Release: 0 of 2 signed. It needs " {needed} "."</span> }.into_any(),
        Some(first) => {
            let words = format!(
                "Release: 1 of 2 signed, by {} (“{}”). It needs {needed}.",
                write_out(&first.by),
                write_out(&first.remediation)
            );
            view! { <span>{words}</span> }.into_any()
        }
    };
    let mine = pause.clone();
    let may_sign = Memo::new(move |_| mine.may_sign(&state.read().me).is_ok());
    view! {
        <section class="banner tone-bad" id="safety-pause" aria-label="Safety pause">
            <strong role="status">"Paused: " <ExternalText text=pause.reason /></strong>
            <span>{write_out(&pause.by).into_owned()} ", " {move || view! { <RelativeTime at=since as_of=state.read().as_of /> }} " " {ticket}</span>
            <span>"Rollouts and approvals are frozen. Agents keep getting answers; you can still roll back."</span>
            {triggers}
            {signed}
            <Show when=move || may_sign.get()>
                <ActionForm action=emergency.release attr:class="banner-form">
                    <TextInput
                        label="Remediation"
                        name="remediation"
                        id="pause-remediation"
                        value=emergency.remediation
                        placeholder="What was fixed?"
                        required=true
                        quiet=true
                        error=refused
                    />
                    <Button kind=ButtonKind::Danger submit=true pending=emergency.release.pending()>"Sign release"</Button>
                </ActionForm>
            </Show>
        </section>
    }
}
