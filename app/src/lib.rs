//! What people see: pages, components, and server functions of a few lines.
//!
//! ```text
//! shell   the HTML document around the app: policy headers, theme, start of hydration   (server only)
//! reference  the page about the HTTP API at `/docs`   (server only)
//! app     the routes
//! frame   what stands around every page: rail, header, banners, command palette
//! pages   one file or folder a page
//! model   the pure model behind the rule editor
//! api     server functions, by noun; their bodies call `store`
//! components   the kit every page is drawn with
//! parts   the places where the browser's code is cut into files
//! keys, words   keys that work anywhere on a page; lists and roles in words
//! context, error   what the server gives to a request, and the one error shape
//! ```
//!
//! The crate is compiled twice: with `ssr` into the server, with `hydrate` into the WebAssembly module of the browser.
#![recursion_limit = "512"]

pub mod api;
pub mod app;
pub mod code_split;
pub mod components;
pub mod context;
pub mod error;
pub mod frame;
pub mod keyboard;
pub mod labels;
pub mod model;
pub mod pages;
#[cfg(feature = "ssr")]
pub mod reference;
#[cfg(feature = "ssr")]
pub mod shell;

/// Takes over the page that the server rendered, once the code of its route is there too. Called by the script in
/// [`shell`](mod@shell).
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    use leptos::prelude::document;

    console_error_panic_hook::set_once();
    wasm_bindgen_futures::spawn_local(async {
        leptos::mount::hydrate_from_async(leptos::tachys::dom::body(), app::App).await.forget();
        // Tells tests (and styles) that the page answers clicks.
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-hydrated", "true");
        }
    });
}
