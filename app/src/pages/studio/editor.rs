//! The editor of one draft.

use leptos::prelude::*;

use crate::components::PageHead;

/// The editor of one draft.
#[component]
pub fn Editor() -> impl IntoView {
    view! { <PageHead title="Draft" /> }
}
