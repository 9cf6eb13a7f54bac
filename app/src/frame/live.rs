//! Keeps open pages up to date without reloading them.

use leptos::prelude::*;

/// Counts the moments at which something on the server may have changed.
#[derive(Debug, Clone, Copy)]
pub struct Live(RwSignal<u64>);

impl Live {
    /// Changes whenever pages should fetch again. Use it in a resource's source:
    /// `Resource::new(move || live.changed(), |_| home())`, shown inside `<Transition>` so nothing flickers.
    pub fn changed(self) -> u64 {
        self.0.get()
    }

    /// Asks all open resources to fetch again, after this page changed something itself.
    pub fn refresh(self) {
        self.0.update(|count| *count += 1);
    }
}

/// Makes [`use_live`] work below. Called once, by the app.
pub fn provide_live() {
    provide_context(Live(RwSignal::new(0)));
}

/// The pulse of the page.
pub fn use_live() -> Live {
    use_context().unwrap_or_else(|| Live(RwSignal::new(0)))
}
