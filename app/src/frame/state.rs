//! The state of the frame, for the pages inside it.

use leptos::prelude::*;
use lifecycle::authority::Actor;

use crate::api::frame::FrameState;

/// The state of the frame: the signed-in person and the live state. The frame keeps it up to date.
#[derive(Debug, Clone, Copy)]
pub struct FrameContext(pub(super) RwSignal<FrameState>);

impl FrameContext {
    /// The state; tracked.
    pub fn get(self) -> FrameState {
        self.0.get()
    }

    /// The signed-in person; tracked.
    pub fn me(self) -> Actor {
        self.0.read().me.clone()
    }
}

/// The state of the frame. Only for pages inside the frame.
pub fn use_frame() -> FrameContext {
    expect_context()
}
