//! The HTML document around the app.

use http::{HeaderName, HeaderValue, header};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_axum::ResponseOptions;
use leptos_meta::MetaTags;

use crate::{app::App, context::Theme};

/// The document. Its content security policy allows only scripts of this server and those with this response's nonce.
pub fn shell() -> impl IntoView {
    let nonce = use_nonce();
    if let Some(response) = use_context::<ResponseOptions>() {
        set_headers(&response, nonce.as_deref().unwrap_or_default());
    }
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=chosen_theme().map(Theme::name)>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="stylesheet" href="/pkg/countersign.css" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link
                    rel="preload"
                    href="/fonts/inter.woff2"
                    r#as="font"
                    r#type="font/woff2"
                    crossorigin="anonymous"
                />
                <Hydration nonce=nonce.map(|nonce| nonce.to_string()) />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// Loads the WebAssembly module and starts it; [`code_split`](crate::code_split) fetches the code of the page itself.
/// Replaces leptos' `HydrationScripts`, which writes the nonce into the preload's `crossorigin` (leptos#4843), so that
/// Firefox may abort the preload.
#[component]
fn Hydration(nonce: Option<String>) -> impl IntoView {
    const START: &str = "import init, { hydrate } from '/pkg/countersign.js';\
        init({ module_or_path: '/pkg/countersign.wasm' }).then(() => hydrate());";
    view! {
        <link rel="modulepreload" href="/pkg/countersign.js" />
        <link rel="modulepreload" href="/pkg/countersign_parts.js" />
        <link
            rel="preload"
            href="/pkg/countersign.wasm"
            r#as="fetch"
            r#type="application/wasm"
            crossorigin="anonymous"
        />
        <script type="module" nonce=nonce inner_html=START></script>
    }
}

/// The theme stored in this browser's cookie.
fn chosen_theme() -> Option<Theme> {
    let parts = use_context::<http::request::Parts>()?;
    parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).find_map(Theme::from_cookies)
}

/// Sets the security headers of every page.
fn set_headers(response: &ResponseOptions, nonce: &str) {
    let policy = format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; \
         worker-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
    let fixed: [(HeaderName, &str); 4] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A plain form post is redirected back to its referrer.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        response.insert_header(name, HeaderValue::from_static(value));
    }
}
