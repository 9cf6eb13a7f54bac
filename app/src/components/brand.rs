//! The product's mark and name.

use leptos::prelude::*;

/// The mark and the name, as a link to the first page.
#[component]
pub fn Brand() -> impl IntoView {
    view! {
        <a class="brand" href="/" aria-label="Countersign: Home">
            <svg viewBox="0 0 20 20" aria-hidden="true">
                <rect class="brand-ground" x="1" y="1" width="18" height="18" rx="5" />
                <path class="brand-tick" d="m6 10.4 2.8 2.8L14.2 7" />
            </svg>
            <span>"Countersign"</span>
        </a>
    }
}
