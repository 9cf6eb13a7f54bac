//! Context that the server provides to every page and server function: the store and the caller.
//!
//! The server provides [`AppContext`] with leptos' `provide_context`, and puts a [`Caller`] into the request's
//! extensions. Everything here but [`Theme`] and [`AT_THE_PAGE`] exists only on the server.

use std::str::FromStr;

#[cfg(feature = "ssr")]
use crate::error::AppError;

/// Name of the cookie that a page sets for a minute when its person touches it. It is not secret. Without it, what a page
/// fetches by itself prolongs no session.
pub const AT_THE_PAGE: &str = "at_the_page";

/// The theme that a person chose. Without a choice, pages follow the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark ink on light ground.
    Light,
    /// Light ink on dark ground.
    Dark,
}

impl Theme {
    /// Name of the cookie that stores the choice. It is not secret, and scripts may read it.
    pub const COOKIE: &'static str = "theme";

    /// The value of the cookie and of `data-theme`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The choice stored in a `Cookie` header.
    pub fn from_cookies(header: &str) -> Option<Self> {
        header
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(name, value)| (name == Self::COOKIE).then(|| value.parse().ok()).flatten())
    }
}

impl FromStr for Theme {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "light" => Ok(Self::Light),
            "dark" => Ok(Self::Dark),
            _ => Err(()),
        }
    }
}

/// The server's context for pages and server functions.
#[cfg(feature = "ssr")]
#[derive(Clone)]
pub struct AppContext {
    /// Delivers the links with which people choose a password.
    pub links: crate::account_links::AccountLinks,
    /// Whether the example workspace is served: the sign-in page then offers its people.
    pub demo: bool,
    /// What people call the sign-in provider, if there is one.
    pub provider: Option<std::sync::Arc<str>>,
    /// Access to the database.
    pub store: store::Store,
}

/// The sender of a request. The server's authentication puts it into the request's extensions.
#[cfg(feature = "ssr")]
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The authenticated person or program; `None` for an anonymous caller.
    pub actor: Option<lifecycle::authority::Actor>,
    /// The person's display name.
    pub name: Option<String>,
    /// The network the request came from: an IPv4 address, or the first half of an IPv6 address. Empty if unknown.
    pub source: String,
}

/// The [`AppContext`] that the server provided.
///
/// # Errors
/// `internal` when the server provided none, which is a programming error.
#[cfg(feature = "ssr")]
pub fn app_context() -> Result<AppContext, AppError> {
    leptos::prelude::use_context().ok_or_else(|| {
        tracing::error!("no AppContext was provided to this render or server function");
        AppError::new(lifecycle::problem::Code::Internal, "Something went wrong on the server. It has been logged.")
    })
}

/// The caller; anonymous when the request was not authenticated.
#[cfg(feature = "ssr")]
pub fn caller() -> Caller {
    leptos::prelude::use_context::<http::request::Parts>()
        .and_then(|parts| parts.extensions.get::<Caller>().cloned())
        .unwrap_or_default()
}

/// The authenticated caller.
///
/// # Errors
/// `unauthenticated` for an anonymous caller.
#[cfg(feature = "ssr")]
pub fn actor() -> Result<lifecycle::authority::Actor, AppError> {
    caller().actor.ok_or_else(AppError::unauthenticated)
}

/// The server's clock. Pages compute relative times from it, so that server and browser render the same text.
#[cfg(feature = "ssr")]
pub fn now() -> policy::Timestamp {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    policy::Timestamp::from_unix_seconds(seconds.try_into().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_theme_is_found_among_other_cookies() {
        assert_eq!(Theme::from_cookies("a=b; theme=dark; c=d"), Some(Theme::Dark));
        assert_eq!(Theme::from_cookies("theme=light"), Some(Theme::Light));
        assert_eq!(Theme::from_cookies("theme=purple; xtheme=dark"), None);
        assert_eq!(Theme::from_cookies(""), None);
    }
}
