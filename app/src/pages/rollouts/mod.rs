//! The track of the rollout, its gates and its history.

use leptos::prelude::*;

use crate::components::PageHead;

/// The track of the rollout, its gates and its history.
#[component]
pub fn Rollouts() -> impl IntoView {
    view! { <PageHead title="Rollouts" /> }
}
