//! Notices above a packet's evidence when the evidence can no longer be relied on.

use leptos::prelude::*;
use lifecycle::review::content::{EvidenceGap, ReplayReport};

use crate::{
    api::packets::StaleBase,
    components::{Notice, Tone},
};

/// The parts of the packet that were changed directly in the database.
#[component]
pub(super) fn Altered(what: Vec<String>) -> impl IntoView {
    view! {
        <Notice tone=Tone::Bad>
            <strong>"This packet is not as it was signed"</strong>
            <ul class="reasons">
                {what.into_iter().map(|text| view! { <li>{crate::labels::capital(&crate::labels::outside(&text))} "."</li> }).collect_view()}
            </ul>
            <p>"It can neither be approved nor applied. Verify the audit record, and find out who changed the database."</p>
        </Notice>
    }
}

/// Says loudly that the replayed decisions prove nothing, and why. Not on one tab only: it concerns every figure.
#[component]
pub(super) fn InsufficientEvidence(replay: ReplayReport) -> impl IntoView {
    // Packets of older versions do not say why.
    let gap = replay.evidence_gap.unwrap_or(EvidenceGap::TooFew);
    view! {
        <Notice tone=Tone::Bad>
            <strong>"Insufficient evidence"</strong>
            <p>
                {format!(
                    "{}. Nothing can be concluded from that, so no figure below proves anything, and it counts as high risk.",
                    crate::labels::capital(&gap.words(replay.corpus_count)),
                )}
            </p>
        </Notice>
    }
}

/// Says that another bundle has become stable, and which of its changes applying the packet would undo.
#[component]
pub(super) fn StaleBaseNotice(live: StaleBase, version: String, base: Option<String>) -> impl IntoView {
    let was = base.unwrap_or_else(|| "nothing".to_owned());
    let StaleBase { version: live, overwritten } = live;
    let lead = if overwritten.is_empty() {
        format!("It was built when {was} was live. {live} is now, and {version} has everything that changed there.")
    } else {
        format!("It was built when {was} was live. {version} would overwrite these changes of {live}:")
    };
    view! {
        <Notice tone=Tone::Warn>
            <strong>{format!("The base has moved to {live}")}</strong>
            <p>{lead}</p>
            {(!overwritten.is_empty())
                .then(|| {
                    view! {
                        <ul class="overwritten">
                            {overwritten
                                .into_iter()
                                .map(|change| {
                                    view! {
                                        <li>
                                            <code>{crate::labels::outside(&change.what)}</code>
                                            " "
                                            {change.kind.word()}
                                        </li>
                                    }
                                })
                                .collect_view()}
                        </ul>
                    }
                })}
        </Notice>
    }
}
