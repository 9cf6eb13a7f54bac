//! Switching between the light and the dark theme.

use leptos::prelude::*;

use crate::context::Theme;

/// One year.
const MAX_AGE_SECONDS: u32 = 365 * 24 * 60 * 60;

/// Switches to the other theme and stores the choice in a cookie, so that the server renders the next page in it.
pub fn toggle() {
    let Some(root) = document().document_element() else { return };
    let chosen = root.get_attribute("data-theme").and_then(|name| name.parse().ok());
    let now = chosen.unwrap_or_else(|| {
        let dark =
            window().match_media("(prefers-color-scheme: dark)").ok().flatten().is_some_and(|query| query.matches());
        if dark { Theme::Dark } else { Theme::Light }
    });
    let next = match now {
        Theme::Light => Theme::Dark,
        Theme::Dark => Theme::Light,
    };
    let _ = root.set_attribute("data-theme", next.name());
    let cookie = format!("{}={}; Path=/; Max-Age={MAX_AGE_SECONDS}; SameSite=Strict", Theme::COOKIE, next.name());
    let _ = js_sys::Reflect::set(&document(), &"cookie".into(), &cookie.into());
}
