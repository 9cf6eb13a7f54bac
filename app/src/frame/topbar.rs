//! The top bar of the frame: the live state, search, theme, and the pause button.

use leptos::prelude::*;
use lifecycle::{bundle::State, system::System};

use super::{emergency::PauseButton, theme};
use crate::{
    api::frame::FrameState,
    components::{Brand, Chip, Kbd, Share, StageBar, Tone, format},
};

/// Colour, sign and text of the state chip.
fn state_label(state: &FrameState) -> (Tone, &'static str, String) {
    let System { enabled, pause, stable, canary, .. } = &state.system;
    match (enabled, pause, stable, canary) {
        (false, ..) => (Tone::Bad, "✕", "Evaluation disabled".to_owned()),
        (_, Some(_), ..) => (Tone::Bad, "❚❚", "Paused".to_owned()),
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

/// The reason, the person and the time, while evaluation is off or rollouts are paused.
fn state_details(state: &FrameState) -> Option<String> {
    let System { disabled, pause, .. } = &state.system;
    let (reason, by, since) = match (disabled, pause) {
        (Some(off), _) => (&off.reason, &off.by, off.since),
        (None, Some(pause)) => (&pause.reason, &pause.by, pause.since),
        (None, None) => return None,
    };
    Some(format!(" — {reason}, {by}, {}", format::relative(since, state.as_of)))
}

/// The top bar.
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
        let (tone, sign, words) = state_label(&state.read());
        let more = state_details(&state.read());
        view! {
            <Chip tone=tone sign=sign>
                {words}
                {more.map(|more| view! { <span class="chip-more" title=more.clone()>{more.clone()}</span> })}
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
            <div class="topbar-end">
                <PauseButton state=state />
                <div class="topbar-tools needs-script">
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
            </div>
        </header>
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::{
        authority::{Actor, Role, Via},
        system::{Disabled, Pause},
    };
    use policy::Timestamp;

    use super::*;

    #[test]
    fn the_chip_says_why_who_and_since() {
        let since = Timestamp::from_unix_seconds(1_000_000);
        let system = System {
            enabled: true,
            bypass_effect: Default::default(),
            disabled: None,
            paused: true,
            pause: Some(Pause {
                reason: "margins fall".into(),
                ticket: None,
                by: "sue@example.com".into(),
                since,
                trigger_metrics: Vec::new(),
                release_signatures: Vec::new(),
            }),
            stable: None,
            canary: None,
        };
        let me = Actor { name: "ada@example.com".into(), roles: [Role::Viewer].into(), via: Via::Session };
        let as_of = since.plus(std::time::Duration::from_secs(7200));
        let mut state =
            FrameState { me, name: "Ada".into(), system, badges: Default::default(), weakened: Vec::new(), as_of };
        assert_eq!(state_label(&state).2, "Paused");
        let words = state_details(&state).unwrap().replace('\u{a0}', " ");
        assert_eq!(words, " — margins fall, sue@example.com, 2 h ago");
        state.system.enabled = false;
        state.system.disabled = Some(Disabled { reason: "outage".into(), by: "al@example.com".into(), since });
        assert_eq!(state_label(&state).2, "Evaluation disabled");
        assert!(state_details(&state).unwrap().contains("outage, al@example.com"));
        state.system.enabled = true;
        (state.system.disabled, state.system.pause) = (None, None);
        assert_eq!(state_details(&state), None);
    }
}
