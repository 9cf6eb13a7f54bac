//! One decision, explained.

use leptos::prelude::*;

use crate::components::PageHead;

/// One decision, explained.
#[component]
pub fn DecisionPage() -> impl IntoView {
    view! { <PageHead title="Decision" /> }
}
