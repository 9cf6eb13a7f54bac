//! People, roles, tokens and the settings of the rollout.

use leptos::prelude::*;

use crate::components::PageHead;

/// People, roles, tokens and the settings of the rollout.
#[component]
pub fn Settings() -> impl IntoView {
    view! { <PageHead title="Settings" /> }
}
