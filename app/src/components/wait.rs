//! Placeholders while content loads, and keys of the keyboard.

use leptos::prelude::*;

/// A small turning circle.
#[component]
pub fn Spinner(
    /// The content that is loading, for screen readers.
    #[prop(default = "Loading")]
    label: &'static str,
) -> impl IntoView {
    view! { <span class="spinner" role="status" aria-label=label></span> }
}

/// Grey lines in place of text that is loading.
#[component]
pub fn Skeleton(
    /// The number of lines.
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
