//! What stands while something is on its way.

use leptos::prelude::*;

/// A small turning circle.
#[component]
pub fn Spinner(
    /// What is awaited, for screen readers.
    #[prop(default = "Loading")]
    label: &'static str,
) -> impl IntoView {
    view! { <span class="spinner" role="status" aria-label=label></span> }
}

/// Grey lines in the place of text to come.
#[component]
pub fn Skeleton(
    /// How many lines.
    #[prop(default = 3)]
    lines: usize,
) -> impl IntoView {
    view! {
        <div class="skeleton" role="status" aria-label="Loading">
            {(0..lines).map(|_| view! { <span class="skeleton-line"></span> }).collect_view()}
        </div>
    }
}

/// A key of the keyboard.
#[component]
pub fn Kbd(
    /// The key: `A`, `Ctrl K`.
    #[prop(into)]
    key: String,
) -> impl IntoView {
    view! { <kbd class="kbd">{key}</kbd> }
}
