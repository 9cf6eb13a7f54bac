//! The Timeline tab of a packet: the audit entries of the packet and its bundle, oldest first.

use leptos::prelude::*;
use lifecycle::audit::Entry;
use policy::Timestamp;

use crate::{
    components::{EmptyState, RelativeTime},
    pages::audit::labels::{event, tone},
};

/// Audit entries in the order of events.
#[component]
pub(super) fn Timeline(
    /// Oldest first.
    entries: Vec<Entry>,
    /// The server's time.
    as_of: Timestamp,
) -> impl IntoView {
    if entries.is_empty() {
        return view! {
            <EmptyState title="Nothing yet">
                <p>"Everything that happens to this bundle is recorded here."</p>
            </EmptyState>
        }
        .into_any();
    }
    view! {
        <ol class="timeline">
            {entries
                .into_iter()
                .map(|entry| {
                    view! {
                        <li class=format!("timeline-item {}", tone(entry.event_type).class())>
                            <p>
                                <strong>{crate::labels::capital(event(entry.event_type))}</strong>
                                <span class="muted">" by " {crate::labels::outside(&entry.actor)} ", " <RelativeTime at=entry.at as_of=as_of /></span>
                            </p>
                            <p class="muted">{crate::labels::capital(&crate::labels::unticked(&entry.summary))}</p>
                        </li>
                    }
                })
                .collect_view()}
        </ol>
    }
    .into_any()
}
