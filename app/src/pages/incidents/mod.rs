//! The incidents.

pub mod one;

use leptos::prelude::*;

use crate::components::PageHead;

/// The incidents.
#[component]
pub fn Incidents() -> impl IntoView {
    view! { <PageHead title="Incidents" /> }
}
