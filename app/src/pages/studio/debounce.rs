//! Work that waits for a pause in typing.

use std::time::Duration;

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};

/// One piece of work that waits for its delay. Copies are handles to the same timer.
#[derive(Debug, Clone, Copy)]
pub struct Debounce(StoredValue<Option<TimeoutHandle>>);

impl Debounce {
    /// A timer without work.
    pub fn new() -> Self {
        Self(StoredValue::new(None))
    }

    /// Runs `work` after `delay`, in place of any waiting work.
    pub fn schedule(self, delay: Duration, work: impl FnOnce() + 'static) {
        self.cancel();
        let run = move || {
            let _ = self.0.try_update_value(Option::take);
            work();
        };
        self.0.set_value(set_timeout_with_handle(run, delay).ok());
    }

    /// Drops the waiting work; true if there was any.
    pub fn cancel(self) -> bool {
        let waiting = self.0.try_update_value(Option::take).flatten();
        if let Some(handle) = &waiting {
            handle.clear();
        }
        waiting.is_some()
    }
}
