//! The audit log.

use leptos::prelude::*;

use crate::components::PageHead;

/// The audit log.
#[component]
pub fn Audit() -> impl IntoView {
    view! { <PageHead title="Audit" /> }
}
