//! The user interface: pages, components, and server functions of a few lines.
//!
//! ```text
//! shell        the HTML document around the app: headers, theme, start of hydration   (server only)
//! app          the routes
//! code_split   splits the browser's code into files that are fetched when a page needs them
//! pages        a file or folder for each page
//! reference    the page about the HTTP API at `/docs`   (server only)
//! frame        the frame around every page: rail, top bar, banners, command palette
//! components   the kit that every page is drawn with
//! api          server functions, by noun; their bodies call `store`
//! keyboard     keyboard shortcuts that work anywhere on a page
//! context      what the server provides to a request
//! error        the one error type of server functions
//! model        the pure model behind the rule editor
//! filter       filters of lists, as they stand in the address
//! navigation   which pages are being fetched
//! labels       labels for lists, roles and time spans
//! format       numbers and times for people
//! account_links  delivers one-time links   (server only)
//! response     the HTTP status of an answer   (server only)
//! ```
//!
//! The crate is compiled twice: with `ssr` into the server, with `hydrate` into the WebAssembly module of the browser.
#![recursion_limit = "512"]

#[cfg(feature = "ssr")]
pub mod account_links;
pub mod api;
pub mod app;
pub mod code_split;
pub mod components;
pub mod context;
pub mod error;
pub mod filter;
pub mod format;
pub mod frame;
pub mod keyboard;
pub mod labels;
pub mod model;
pub mod navigation;
pub mod pages;
#[cfg(feature = "ssr")]
pub mod reference;
#[cfg(feature = "ssr")]
pub mod response;
#[cfg(feature = "ssr")]
pub mod shell;

/// Hydrates the page that the server rendered, once the code of its route has been fetched. Called by the script in
/// [`shell`](mod@shell).
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    use leptos::prelude::document;

    console_error_panic_hook::set_once();
    wasm_bindgen_futures::spawn_local(async {
        leptos::mount::hydrate_from_async(leptos::tachys::dom::body(), app::App).await.forget();
        // Tests and styles wait for this mark before they rely on handlers.
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-hydrated", "true");
        }
    });
}
