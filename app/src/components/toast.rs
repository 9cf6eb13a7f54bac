//! Toasts: short messages about what just happened, announced by screen readers.

use std::time::Duration;

use leptos::prelude::*;
use policy::characters::write_out_lines;

use super::Tone;
use crate::error::AppError;

/// How long a message is shown. Errors are shown until closed.
const STAYS: Duration = Duration::from_secs(6);

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Toast {
    number: u32,
    tone: Tone,
    text: String,
}

/// The messages: `use_toasts().good("Draft saved")`.
#[derive(Debug, Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    next: StoredValue<u32>,
}

/// Makes [`use_toasts`] work below. Called once, by the app.
pub fn provide_toasts() {
    provide_context(Toasts { shown: RwSignal::new(Vec::new()), next: StoredValue::new(0) });
}

/// The messages of the app. On the server and outside the app, messages are lost.
pub fn use_toasts() -> Toasts {
    use_context().unwrap_or_else(|| Toasts { shown: RwSignal::new(Vec::new()), next: StoredValue::new(0) })
}

impl Toasts {
    /// Reports a success.
    pub fn good(self, text: impl Into<String>) {
        self.show(Tone::Good, text.into());
    }

    /// Reports a fact.
    pub fn note(self, text: impl Into<String>) {
        self.show(Tone::Neutral, text.into());
    }

    /// Reports an error.
    pub fn bad(self, error: &AppError) {
        self.show(Tone::Bad, write_out_lines(error.detail()).into_owned());
    }

    fn show(self, tone: Tone, text: String) {
        let number = self.next.try_update_value(|next| {
            *next += 1;
            *next
        });
        let Some(number) = number else { return };
        self.shown.update(|shown| {
            // A repeated message replaces the earlier one.
            shown.retain(|toast| toast.text != text);
            shown.push(Toast { number, tone, text });
        });
        if tone != Tone::Bad {
            set_timeout(move || self.close(number), STAYS);
        }
    }

    fn close(self, number: u32) {
        self.shown.try_update(|shown| shown.retain(|toast| toast.number != number));
    }
}

/// The corner of the page in which messages appear.
#[component]
pub fn ToastRegion() -> impl IntoView {
    let toasts = use_toasts();
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || toasts.shown.get() key=|toast| toast.number let:toast>
                <div class=format!("toast {}", toast.tone.class())>
                    <span>{toast.text}</span>
                    <button
                        type="button"
                        class="button button-ghost button-small"
                        aria-label="Close message"
                        on:click=move |_| toasts.close(toast.number)
                    >
                        "✕"
                    </button>
                </div>
            </For>
        </div>
    }
}
