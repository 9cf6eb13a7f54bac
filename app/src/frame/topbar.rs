//! The head of the frame: what is live, search, theme; and the banners below it.

use leptos::{either::EitherOf3, prelude::*};
use lifecycle::{bundle::State, system::System};

use super::{rail::Brand, theme};
use crate::{
    api::live::FrameState,
    components::{Chip, Kbd, RelativeTime, Share, StageBar, Tone, effect_words, format},
};

/// What the state chip says.
fn live_words(state: &FrameState) -> (Tone, &'static str, String) {
    let System { enabled, paused, stable, canary, .. } = &state.system;
    match (enabled, paused, stable, canary) {
        (false, ..) => (Tone::Bad, "✕", "Evaluation disabled".to_owned()),
        (_, true, ..) => (Tone::Bad, "❚❚", "Paused".to_owned()),
        (.., Some(canary)) if canary.state == State::Shadow => {
            (Tone::Neutral, "◌", format!("Shadow {}", canary.version))
        }
        (.., Some(canary)) => {
            let since = canary.stage_started_at.map(|at| format!(" · {}", format::duration(state.as_of.since(at))));
            (Tone::Warn, "◔", format!("Canary {}\u{a0}%{}", canary.canary_pct, since.unwrap_or_default()))
        }
        (_, _, Some(_), None) => (Tone::Good, "●", "Live".to_owned()),
        (_, _, None, None) => (Tone::Neutral, "○", "No bundle is live".to_owned()),
    }
}

/// The head.
#[component]
pub fn Topbar(
    state: RwSignal<FrameState>,
    /// Opens the command palette.
    palette: RwSignal<bool>,
) -> impl IntoView {
    let bar = move || {
        let system = &state.read().system;
        let share = |bundle: &lifecycle::system::ServingBundle| Share {
            version: bundle.version.clone(),
            percent: bundle.canary_pct,
        };
        view! { <StageBar stable=system.stable.as_ref().map(share) canary=system.canary.as_ref().map(share) /> }
    };
    let chip = move || {
        let (tone, sign, words) = live_words(&state.read());
        view! {
            <Chip tone=tone sign=sign>
                {words}
            </Chip>
        }
    };
    view! {
        <header class="topbar">
            <Brand />
            <a class="topbar-live" href="/rollouts" title="Rollouts">
                {bar}
                {chip}
            </a>
            <div class="topbar-end needs-script">
                <button type="button" class="search-button" on:click=move |_| palette.set(true)>
                    "Search or run…"
                    <Kbd key="Ctrl K" />
                </button>
                <button
                    type="button"
                    class="icon-button search-small"
                    aria-label="Search or run"
                    on:click=move |_| palette.set(true)
                >
                    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
                        <path d="M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.6 10.6 14 14" />
                    </svg>
                </button>
                <button
                    type="button"
                    class="icon-button"
                    aria-label="Switch between light and dark"
                    title="Switch between light and dark"
                    on:click=|_| theme::toggle()
                >
                    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
                        <path d="M8 13.5a5.5 5.5 0 1 0 0-11zM8 2.5a5.5 5.5 0 0 0 0 11" />
                        <path class="icon-solid" d="M8 2.5a5.5 5.5 0 0 1 0 11z" />
                    </svg>
                </button>
            </div>
        </header>
    }
}

/// Says on every page that something is not as usual, and what is still allowed.
#[component]
pub fn Banners(state: RwSignal<FrameState>) -> impl IntoView {
    move || {
        let FrameState { system, as_of, .. } = state.get();
        if !system.enabled {
            EitherOf3::A(view! {
                <div class="banner tone-bad" role="status">
                    <strong>"Evaluation is disabled."</strong>
                    <span>
                        "Every request is answered with “" {effect_words(system.bypass_effect)}
                        "”. Reading, drafting and reviewing go on."
                    </span>
                </div>
            })
        } else if let Some(pause) = system.pause {
            EitherOf3::B(view! {
                <div class="banner tone-bad" role="status">
                    <strong>"Paused: " {pause.reason}</strong>
                    <span>{pause.by} ", " <RelativeTime at=pause.since as_of=as_of /></span>
                    <span>"No bundle can enter service. Rolling back, drafting and reviewing are still allowed."</span>
                </div>
            })
        } else {
            EitherOf3::C(())
        }
    }
}
