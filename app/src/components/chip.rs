//! Chips: small labels with a word and usually a sign. Colour is never the only carrier of meaning.

use leptos::prelude::*;
use lifecycle::{
    bundle::State,
    incident::{self, Severity},
    review::PacketStatus,
};
use policy::{bundle::Effect, lint};

/// The colours of chips and bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Grey: nothing notable.
    #[default]
    Neutral,
    /// Blue: in progress.
    Accent,
    /// Green: allowed, good.
    Good,
    /// Amber: waits or needs attention.
    Warn,
    /// Red: denied, bad.
    Bad,
}

impl Tone {
    /// The class that sets the colours.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Neutral => "tone-neutral",
            Self::Accent => "tone-accent",
            Self::Good => "tone-good",
            Self::Warn => "tone-warn",
            Self::Bad => "tone-bad",
        }
    }

    /// The tone of an effect.
    pub const fn of(effect: Effect) -> Self {
        match effect {
            Effect::Allow => Self::Good,
            Effect::NeedsApproval => Self::Warn,
            Effect::Deny => Self::Bad,
        }
    }
}

/// A chip of any kind: `<Chip tone=Tone::Warn>"stale"</Chip>`.
#[component]
pub fn Chip(
    /// The colour.
    #[prop(optional)]
    tone: Tone,
    /// A sign before the words.
    #[prop(optional)]
    sign: &'static str,
    children: Children,
) -> impl IntoView {
    view! { <span class=format!("chip {}", tone.class())>{(!sign.is_empty()).then(|| view! { <Sign sign=sign /> })} {children()}</span> }
}

/// A sign that screen readers skip, because the text after it has its meaning.
#[component]
fn Sign(sign: &'static str) -> impl IntoView {
    view! {
        <span class="sign" aria-hidden="true">
            {sign}
        </span>
    }
}

/// The label of an effect.
pub const fn effect_words(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::NeedsApproval => "needs approval",
        Effect::Deny => "deny",
    }
}

const fn effect_sign(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "✓",
        // Two bars rather than U+23F8, which many systems draw as a coloured picture.
        Effect::NeedsApproval => "❚❚",
        Effect::Deny => "✕",
    }
}

/// The effect of a decision: ✓ allow, ❚❚ needs approval, ✕ deny; grey with ○ when no rule matched and the default
/// applied.
#[component]
pub fn EffectBadge(
    /// The effect.
    effect: Effect,
    /// Whether the effect is the default, because no rule matched.
    #[prop(optional)]
    no_match: bool,
) -> impl IntoView {
    let (tone, sign, title) = if no_match {
        (Tone::Neutral, "○", Some("No rule matched: this is the default effect"))
    } else {
        (Tone::of(effect), effect_sign(effect), None)
    };
    view! {
        <span class=format!("chip effect {}", tone.class()) title=title>
            <Sign sign=sign />
            {effect_words(effect)}
            {no_match.then(|| view! { <span class="visually-hidden">" (no match)"</span> })}
        </span>
    }
}

/// The state of a bundle.
#[component]
pub fn StateChip(
    /// The state.
    state: State,
) -> impl IntoView {
    let (tone, sign, words) = match state {
        State::Draft => (Tone::Accent, "✎", "Draft"),
        State::InReview => (Tone::Accent, "◔", "In review"),
        State::ChangesRequested => (Tone::Warn, "↩", "Changes requested"),
        State::Approved => (Tone::Good, "✓", "Approved"),
        State::Rejected => (Tone::Bad, "✕", "Rejected"),
        State::Shadow => (Tone::Neutral, "◌", "Shadow"),
        State::Canary => (Tone::Warn, "◔", "Canary"),
        State::Active => (Tone::Good, "●", "Live"),
        State::Superseded => (Tone::Neutral, "○", "Superseded"),
        State::RolledBack => (Tone::Bad, "↺", "Rolled back"),
    };
    view! { <Chip tone=tone sign=sign>{words}</Chip> }
}

/// The status of a packet.
#[component]
pub fn PacketStatusChip(
    /// The status.
    status: PacketStatus,
) -> impl IntoView {
    let (tone, sign, words) = match status {
        PacketStatus::InReview => (Tone::Accent, "◔", "In review"),
        PacketStatus::Approved => (Tone::Good, "✓", "Approved"),
        PacketStatus::Rejected => (Tone::Bad, "✕", "Rejected"),
        PacketStatus::ChangesRequested => (Tone::Warn, "↩", "Changes requested"),
        PacketStatus::Void => (Tone::Neutral, "○", "Void"),
    };
    view! { <Chip tone=tone sign=sign>{words}</Chip> }
}

/// The severity of an incident.
#[component]
pub fn SeverityChip(
    /// The severity.
    severity: Severity,
) -> impl IntoView {
    let (tone, sign, words) = match severity {
        Severity::Low => (Tone::Neutral, "▁", "Low"),
        Severity::Medium => (Tone::Warn, "▃", "Medium"),
        Severity::High => (Tone::Bad, "▅", "High"),
        Severity::Critical => (Tone::Bad, "▇", "Critical"),
    };
    view! { <Chip tone=tone sign=sign>{words}</Chip> }
}

/// The status of an incident.
#[component]
pub fn IncidentStatusChip(
    /// The status.
    status: incident::Status,
) -> impl IntoView {
    let (tone, sign, words) = match status {
        incident::Status::Open => (Tone::Bad, "●", "Open"),
        incident::Status::Acknowledged => (Tone::Warn, "◔", "Acknowledged"),
        incident::Status::Mitigated => (Tone::Accent, "◑", "Mitigated"),
        incident::Status::Resolved => (Tone::Good, "✓", "Resolved"),
        incident::Status::Closed => (Tone::Neutral, "○", "Closed"),
    };
    view! { <Chip tone=tone sign=sign>{words}</Chip> }
}

/// The severity of a finding of the linter.
#[component]
pub fn FindingChip(
    /// The severity.
    severity: lint::Severity,
) -> impl IntoView {
    let (tone, sign, words) = match severity {
        lint::Severity::Error => (Tone::Bad, "✕", "Error"),
        lint::Severity::Warning => (Tone::Warn, "▲", "Warning"),
        lint::Severity::Info => (Tone::Accent, "i", "Info"),
    };
    view! { <Chip tone=tone sign=sign>{words}</Chip> }
}
