//! One incident with its timeline.

use leptos::prelude::*;

use crate::components::PageHead;

/// One incident with its timeline.
#[component]
pub fn IncidentPage() -> impl IntoView {
    view! { <PageHead title="Incident" /> }
}
