//! The queue of packets and its history.

pub mod packet;

use leptos::prelude::*;

use crate::components::PageHead;

/// The queue of packets and its history.
#[component]
pub fn Reviews() -> impl IntoView {
    view! { <PageHead title="Reviews" /> }
}
