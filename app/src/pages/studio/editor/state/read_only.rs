//! A signal that its owner writes, as others see it.

use std::panic::Location;

use leptos::prelude::*;

/// A signal that can be read and not written. `RwSignal::read_only` would keep another signal for every call, and a pair
/// of `signal()` makes the compiler write every type of signal three times.
#[derive(Debug)]
pub struct ReadOnly<T>(RwSignal<T>);

impl<T> Clone for ReadOnly<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ReadOnly<T> {}

impl<T> From<RwSignal<T>> for ReadOnly<T> {
    fn from(signal: RwSignal<T>) -> Self {
        Self(signal)
    }
}

impl<T: Send + Sync + 'static> From<ReadOnly<T>> for Signal<T> {
    fn from(signal: ReadOnly<T>) -> Self {
        signal.0.into()
    }
}

impl<T> DefinedAt for ReadOnly<T> {
    fn defined_at(&self) -> Option<&'static Location<'static>> {
        self.0.defined_at()
    }
}

impl<T: Send + Sync + 'static> Track for ReadOnly<T> {
    fn track(&self) {
        self.0.track();
    }
}

impl<T: Send + Sync + 'static> ReadUntracked for ReadOnly<T> {
    type Value = <RwSignal<T> as ReadUntracked>::Value;

    fn try_read_untracked(&self) -> Option<Self::Value> {
        self.0.try_read_untracked()
    }
}
