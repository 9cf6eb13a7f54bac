//! The outcome of a drill.

use leptos::prelude::*;

use crate::components::{Chip, Tone};

/// Whether a drill passed. A report whose signature was refused proves neither.
#[component]
pub(super) fn Outcome(passed: bool, refused: bool) -> impl IntoView {
    let (tone, sign, label) = match (refused, passed) {
        (true, _) => (Tone::Bad, "✕", "Altered"),
        (false, true) => (Tone::Good, "✓", "Passed"),
        (false, false) => (Tone::Bad, "✕", "Failed"),
    };
    view! { <Chip tone=tone sign=sign>{label}</Chip> }
}
