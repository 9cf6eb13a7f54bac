//! What was done to accounts without a second person, until the safety owner who reads it acknowledges it.

use leptos::prelude::*;
use lifecycle::authority::Announcement;
use policy::Timestamp;

use crate::{
    api::home::Acknowledge,
    components::{ActionButton, FormError, Notice, RelativeTime, Tone},
};

/// The announcements, each with the form that acknowledges it. The forms work without scripts.
#[component]
pub(super) fn Announcements(
    announcements: Vec<Announcement>,
    as_of: Timestamp,
    acknowledge: ServerAction<Acknowledge>,
) -> impl IntoView {
    (!announcements.is_empty()).then(|| {
        view! {
            <Notice tone=Tone::Warn>
                <div class="stack">
                    <strong>"Done to accounts without a second person"</strong>
                    <FormError action=acknowledge />
                    {announcements
                        .into_iter()
                        .map(|Announcement { id, at, what }| {
                            let label = format!("Acknowledge: {what}");
                            view! {
                                <div class="spread">
                                    <p>
                                        {what} ". " <span class="muted"><RelativeTime at=at as_of=as_of /></span>
                                    </p>
                                    <ActionButton action=acknowledge id=id text="Acknowledge" label=label />
                                </div>
                            }
                        })
                        .collect_view()}
                </div>
            </Notice>
        }
    })
}
