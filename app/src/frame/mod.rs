//! What stands around every page but the sign-in.

pub mod live;

use leptos::prelude::*;
use leptos_router::components::Outlet;

/// The frame of a page.
#[component]
pub fn Frame() -> impl IntoView {
    view! {
        <main id="main">
            <Outlet />
        </main>
    }
}
