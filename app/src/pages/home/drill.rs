//! The last rollback drill.

use leptos::prelude::*;
use lifecycle::rollout::LastDrill;
use policy::Timestamp;

use crate::components::{Chip, RelativeTime, Tone};

/// One line: when the last drill ran and how it ended, with a warning once a drill is overdue.
#[component]
pub(super) fn Drill(last: Option<LastDrill>, as_of: Timestamp) -> impl IntoView {
    let (tone, sign, words) = match last {
        None => (Tone::Warn, "▲", "never run"),
        Some(last) if !last.passed => (Tone::Bad, "✕", "failed"),
        Some(last) if last.is_overdue(as_of) => (Tone::Warn, "▲", "overdue"),
        Some(_) => (Tone::Good, "✓", "passed"),
    };
    view! {
        <p class="home-drill muted">
            <a href="/drills">"Rollback drill"</a>
            <Chip tone=tone sign=sign>
                {words}
            </Chip>
            {last.map(|last| view! { <span>"last run " <RelativeTime at=last.at as_of=as_of /></span> })}
        </p>
    }
}
