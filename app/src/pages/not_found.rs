//! The page for addresses without a page.

use leptos::prelude::*;
use leptos_meta::Title;

/// Answers 404 and leads back to the first page.
#[component]
pub fn NotFound() -> impl IntoView {
    #[cfg(feature = "ssr")]
    crate::response::set_status_of_page(404);
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
