//! The way in.

use leptos::prelude::*;
use leptos_meta::Title;

/// Email and password; in the demo, its people as one-click cards.
#[component]
pub fn SignIn() -> impl IntoView {
    view! {
        <Title text="Sign in" />
        <main class="alone">
            <h1>"Sign in"</h1>
        </main>
    }
}
