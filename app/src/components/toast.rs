//! Short messages about what just happened, read out by screen readers.

use std::time::Duration;

use leptos::prelude::*;

use super::Tone;
use crate::error::AppError;

/// How long a message stays. Errors stay until they are closed.
const STAYS: Duration = Duration::from_secs(6);

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Toast {
    number: u32,
    tone: Tone,
    text: String,
}

/// Where messages are put: `use_toasts().good("Draft saved")`.
#[derive(Debug, Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    next: StoredValue<u32>,
}

/// Makes [`use_toasts`] work below. Called once, by the app.
pub fn provide_toasts() {
    provide_context(Toasts { shown: RwSignal::new(Vec::new()), next: StoredValue::new(0) });
}

/// Where to put messages. A message put on the server, or outside the app, is lost.
pub fn use_toasts() -> Toasts {
    use_context().unwrap_or_else(|| Toasts { shown: RwSignal::new(Vec::new()), next: StoredValue::new(0) })
}

impl Toasts {
    /// Something worked.
    pub fn good(self, text: impl Into<String>) {
        self.show(Tone::Good, text.into());
    }

    /// Something to know.
    pub fn note(self, text: impl Into<String>) {
        self.show(Tone::Neutral, text.into());
    }

    /// Something failed.
    pub fn bad(self, error: &AppError) {
        self.show(Tone::Bad, error.detail().to_owned());
    }

    fn show(self, tone: Tone, text: String) {
        let number = self.next.try_update_value(|next| {
            *next += 1;
            *next
        });
        let Some(number) = number else { return };
        self.shown.update(|shown| {
            // The same message twice is one message.
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

/// The corner in which messages appear.
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
