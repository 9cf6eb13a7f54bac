//! Fetching the code of a page before the page is shown. The frame shows that a page is being fetched;
//! [`code_split`](crate::code_split), a higher-level module, knows which code a page needs.

use leptos::prelude::*;

/// Counts the pages whose code is being fetched.
#[derive(Debug, Clone, Copy)]
pub struct PendingNavigation(RwSignal<u32>);

impl PendingNavigation {
    /// Whether a page is being fetched; tracked.
    pub fn is_pending(self) -> bool {
        self.0.get() > 0
    }
}

/// Counts one page until dropped, so that a navigation abandoned for another is no longer counted.
pub struct PendingPage(Option<PendingNavigation>);

impl PendingPage {
    /// Counts a page in `pending`; counts nothing if that is `None`.
    pub fn new(pending: Option<PendingNavigation>) -> Self {
        if let Some(PendingNavigation(count)) = pending {
            count.update(|count| *count += 1);
        }
        Self(pending)
    }
}

impl Drop for PendingPage {
    fn drop(&mut self) {
        if let Some(PendingNavigation(count)) = self.0 {
            let _ = count.try_update(|count| *count = count.saturating_sub(1));
        }
    }
}

/// Fetches the code of the page at a path of the rail, before a click on its link.
#[derive(Debug, Clone, Copy)]
pub struct Prefetch(fn(&'static str));

impl Prefetch {
    /// Starts fetching.
    pub fn start(self, path: &'static str) {
        (self.0)(path);
    }
}

/// Makes [`PendingNavigation`] and [`Prefetch`] available to all components below. Called once, by the app.
pub fn provide_navigation(prefetch: fn(&'static str)) {
    provide_context(PendingNavigation(RwSignal::new(0)));
    provide_context(Prefetch(prefetch));
}
