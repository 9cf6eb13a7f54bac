//! One packet: the evidence, and what reviewers did with it.

use leptos::prelude::*;

use crate::components::PageHead;

/// One packet: the evidence, and what reviewers did with it.
#[component]
pub fn PacketPage() -> impl IntoView {
    view! { <PageHead title="Packet" /> }
}
