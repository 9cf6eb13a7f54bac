//! What is live, what needs you, what changed.

use leptos::prelude::*;

use crate::components::PageHead;

/// What is live, what needs you, what changed.
#[component]
pub fn Home() -> impl IntoView {
    view! { <PageHead title="Home" /> }
}
