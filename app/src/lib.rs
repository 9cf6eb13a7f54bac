//! What people see.
#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
pub mod error;

/// The routes.
pub mod app {
    use leptos::prelude::*;

    /// The whole app.
    #[component]
    pub fn App() -> impl IntoView {}
}

/// The HTML document around the app.
#[cfg(feature = "ssr")]
pub mod shell {
    use leptos::prelude::*;

    /// The document.
    pub fn shell() -> impl IntoView {
        view! { <!DOCTYPE html> <html lang="en"></html> }
    }
}
