//! The bundles in service, on one card.

use leptos::prelude::*;
use lifecycle::{
    rollout::Stage,
    system::{ServingBundle, System},
};
use policy::Timestamp;

use crate::components::{Digest, EmptyState, LinkButton, Panel, RelativeTime, Share, StageBar, StateChip, format};

/// The bundles in service, and the stage of the canary.
#[component]
pub(super) fn LiveNow(system: System, as_of: Timestamp) -> impl IntoView {
    let System { stable, canary, .. } = system;
    let open = || view! { <a href="/rollouts">"Rollouts"</a> };
    let share = |bundle: &ServingBundle| Share { version: bundle.version.clone(), percent: bundle.canary_pct };
    let bar = view! { <StageBar stable=stable.as_ref().map(share) canary=canary.as_ref().map(share) /> };
    let taken = canary.as_ref().map_or(0, |canary| canary.canary_pct);
    let steps = canary.as_ref().map(|canary| steps(canary.canary_pct));
    if stable.is_none() && canary.is_none() {
        return view! {
            <Panel title="Live">
                <EmptyState title="No bundle is live">
                    <p>"Until one is, every request is denied. Write a draft, have it reviewed, and apply it."</p>
                    <LinkButton href="/studio">"Open the Studio"</LinkButton>
                </EmptyState>
            </Panel>
        }
        .into_any();
    }
    view! {
        <Panel title="Live" actions=open>
            <div class="stack">
                <div class="home-bar">{bar}</div>
                {steps}
                {canary.map(|bundle| view! { <Bundle percent=bundle.canary_pct bundle=bundle as_of=as_of /> })}
                {stable.map(|bundle| view! { <Bundle percent=100 - taken bundle=bundle as_of=as_of /> })}
            </div>
        </Panel>
    }
    .into_any()
}

/// One bundle in service, with the share of the decisions that it makes.
#[component]
fn Bundle(bundle: ServingBundle, percent: i16, as_of: Timestamp) -> impl IntoView {
    let since = bundle.stage_started_at.or(bundle.activated_at);
    view! {
        <div class="home-bundle">
            <a class="home-version" href=format!("/studio/{}", bundle.id)>
                {bundle.version}
            </a>
            <StateChip state=bundle.state />
            <span class="muted">{format::percent(f64::from(percent) / 100.0)} " of decisions"</span>
            <span class="faint home-who">
                <Digest value=bundle.digest />
                {since.map(|since| view! { <RelativeTime at=since as_of=as_of /> })}
                {bundle.activated_by.map(|by| view! { <span>"by " {crate::labels::outside(&by)}</span> })}
            </span>
        </div>
    }
}

/// The stages of a rollout, up to the stage of the canary.
fn steps(percent: i16) -> impl IntoView {
    view! {
        <ol class="home-steps">
            {Stage::ALL
                .into_iter()
                .map(|stage| {
                    let name = if stage == Stage::Shadow {
                        "Shadow".to_owned()
                    } else {
                        format!("{}\u{a0}%", stage.percent())
                    };
                    let now = stage.percent() == percent;
                    view! {
                        <li class:is-done={stage.percent() < percent} class:is-now=now aria-current=now.then_some("step")>
                            {name}
                        </li>
                    }
                })
                .collect_view()}
        </ol>
    }
}
