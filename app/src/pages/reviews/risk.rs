//! The risk score of a packet.

use leptos::prelude::*;

use crate::components::{Chip, Tone, format};

/// The risk score in basis points, 0–10000.
#[component]
pub fn RiskChip(
    /// The score.
    bps: u32,
) -> impl IntoView {
    view! { <Chip tone=risk_tone(bps)>{format!("risk {}", format::count(u64::from(bps)))}</Chip> }
}

/// The colour of a score: from 5,000 on, two people must sign; from 2,500 on, a second look is advisable.
pub const fn risk_tone(bps: u32) -> Tone {
    match bps {
        0..2500 => Tone::Neutral,
        2500..5000 => Tone::Warn,
        _ => Tone::Bad,
    }
}
