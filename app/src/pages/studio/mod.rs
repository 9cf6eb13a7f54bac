//! The bundles by state, and the way to a new draft.

pub mod editor;

use leptos::prelude::*;

use crate::components::PageHead;

/// The bundles by state, and the way to a new draft.
#[component]
pub fn Studio() -> impl IntoView {
    view! { <PageHead title="Studio" /> }
}
