//! Approved bundles that wait to be applied.

use leptos::{form::ActionForm, prelude::*};

use super::state::PageState;
use crate::{
    api::rollout::Waiting,
    components::{Button, ButtonKind, Panel, form_error},
    labels,
    pages::reviews::risk::RiskChip,
};

/// A row for each bundle, with the two ways to apply it.
#[component]
pub(super) fn WaitingBundles(
    waiting: Vec<Waiting>,
    may_apply: bool,
    paused: bool,
    occupied: bool,
    state: PageState,
) -> impl IntoView {
    let refused = form_error(state.apply);
    let note = if paused {
        "A safety pause is in force: nothing can be applied until it is released."
    } else if occupied {
        "Another bundle is beside stable. Promote it to 100 % or roll it back first."
    } else {
        ""
    };
    let blocked = paused || occupied;
    view! {
        <Panel title="Approved, waiting to be applied" flush=true>
            <div id="waiting">
                {move || refused.get().map(|text| view! { <p class="form-refusal" role="alert">{text}</p> })}
                {if waiting.is_empty() {
                    view! {
                        <p class="panel-pad muted">
                            "Nothing waits. A bundle appears here when its packet has all its signatures: "
                            <a href="/reviews">"open reviews"</a> "."
                        </p>
                    }
                        .into_any()
                } else {
                    view! {
                        {(!note.is_empty()).then(|| view! { <p class="muted waiting-note">{note}</p> })}
                        <ul class="queue">
                            {waiting
                                .into_iter()
                                .map(|bundle| view! { <Row bundle=bundle may_apply=may_apply blocked=blocked state=state /> })
                                .collect_view()}
                        </ul>
                    }
                        .into_any()
                }}
            </div>
        </Panel>
    }
}

#[component]
fn Row(bundle: Waiting, may_apply: bool, blocked: bool, state: PageState) -> impl IntoView {
    let title = labels::first_line(&bundle.notes).unwrap_or_else(|| format!("Bundle {}", bundle.version));
    let versions = match &bundle.base_version {
        Some(base) => format!("{base} → {}", bundle.version),
        None => bundle.version.clone(),
    };
    let disabled = Signal::derive(move || blocked || state.apply.pending().get());
    view! {
        <li class="queue-row waiting-row">
            <a class="queue-link" href=format!("/reviews/{}", bundle.packet_id)>
                <span class="queue-title">{title}</span>
                <span class="queue-versions mono">{versions}</span>
            </a>
            <span class="queue-by faint">
                "signed by " {labels::outside(&labels::all_of(bundle.approved_by))} " " <RiskChip bps=bundle.risk_score_bps />
            </span>
            {if may_apply {
                view! {
                    <ActionForm action=state.apply attr:class="row waiting-actions">
                        <input type="hidden" name="bundle_id" value=bundle.bundle_id />
                        <input type="hidden" name="packet_id" value=bundle.packet_id />
                        <Button submit=true disabled=disabled attr:name="pct" attr:value="0">
                            "Apply as shadow"
                        </Button>
                        <Button kind=ButtonKind::Primary submit=true disabled=disabled attr:name="pct" attr:value="10">
                            "Apply at 10%"
                        </Button>
                    </ActionForm>
                }
                    .into_any()
            } else {
                view! { <span class="muted waiting-actions">"A runtime owner applies it."</span> }.into_any()
            }}
        </li>
    }
}
