//! What stands at an address that has no page.

use leptos::prelude::*;
use leptos_meta::Title;

/// Says so, with a way back, and answers 404.
#[component]
pub fn NotFound() -> impl IntoView {
    #[cfg(feature = "ssr")]
    crate::context::set_status_of_page(404);
    view! {
        <Title text="Not found" />
        <main class="alone">
            <p class="alone-code">"404"</p>
            <h1>"Not found"</h1>
            <p>"There is no page at this address. It may have been mistyped, or the thing it named never existed."</p>
            <a class="button button-primary" href="/">
                "Go to Home"
            </a>
        </main>
    }
}
