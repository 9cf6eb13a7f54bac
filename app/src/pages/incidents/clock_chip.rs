//! A clock of an incident as a chip.

use leptos::prelude::*;

use super::clock::{Clock, ClockState};
use crate::components::{Chip, Tone};

/// The task that is due, and whether its clock is running, met or overdue.
#[component]
pub(super) fn ClockChip(
    /// The clock.
    clock: Clock,
) -> impl IntoView {
    let (tone, sign) = match clock.state {
        ClockState::Met => (Tone::Good, "✓"),
        ClockState::Running => (Tone::Warn, "◔"),
        ClockState::Overdue => (Tone::Bad, "!"),
    };
    view! {
        <Chip tone=tone sign=sign>
            {format!("{}: {}", clock.title, clock.label)}
        </Chip>
    }
}
