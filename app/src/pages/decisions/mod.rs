//! The log of decisions.

pub mod one;

use leptos::prelude::*;

use crate::components::PageHead;

/// The log of decisions.
#[component]
pub fn Decisions() -> impl IntoView {
    view! { <PageHead title="Decisions" /> }
}
