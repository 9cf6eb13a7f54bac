//! What is live and how it is doing: the track, the gates, what waits, and the way back.

mod arms;
mod gates;
mod history;
pub mod labels;
mod rollback;
mod track;
mod waiting;
mod watched;

use leptos::{form::ActionForm, prelude::*};
use lifecycle::{authority::Permission, bundle::State, rollout::CanaryStatus};

use self::{
    arms::Arms,
    gates::Gates,
    history::HistoryTable,
    rollback::{RollbackDialog, Taking},
    track::Track,
    waiting::WaitingBundles,
    watched::Watched,
};
use crate::{
    api::rollout::{ApplyBundle, PromoteBundle, RollBackBundle, RolloutView, get_rollout},
    components::{
        Button, ButtonKind, Digest, EmptyState, ErrorPanel, LinkButton, Notice, PageHead, Panel, RelativeTime,
        Skeleton, Tone, use_toasts,
    },
    frame::live::{Live, use_live},
};

/// What a person has typed and sent on this page. Kept outside of what is fetched again.
#[derive(Clone, Copy)]
pub(crate) struct Desk {
    apply: ServerAction<ApplyBundle>,
    promote: ServerAction<PromoteBundle>,
    roll_back: ServerAction<RollBackBundle>,
    /// Why to roll back.
    reason: RwSignal<String>,
    /// Whether to open an incident with it.
    incident: RwSignal<bool>,
    /// Whether the dialog for the bundle beside stable shows.
    canary_open: RwSignal<bool>,
    /// Whether the dialog for stable shows.
    stable_open: RwSignal<bool>,
}

/// What is live and how it is doing.
#[component]
pub fn Rollouts() -> impl IntoView {
    let live = use_live();
    let view = Resource::new(move || live.pulse(), |_| get_rollout());
    let desk = Desk {
        apply: ServerAction::new(),
        promote: ServerAction::new(),
        roll_back: ServerAction::new(),
        reason: RwSignal::new(String::new()),
        incident: RwSignal::new(true),
        canary_open: RwSignal::new(false),
        stable_open: RwSignal::new(false),
    };
    announce(desk, live);
    view! {
        <Transition fallback=|| {
            view! { <Skeleton lines=8 /> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(view) => view! { <Page view=view desk=desk /> }.into_any(),
                    Err(error) => {
                        view! {
                            <PageHead title="Rollouts" />
                            <ErrorPanel error=error />
                        }
                            .into_any()
                    }
                }
            })}
        </Transition>
    }
}

/// Says what came of a button, and shows the new state.
fn announce(desk: Desk, live: Live) {
    let toasts = use_toasts();
    Effect::new(move |_| {
        if let Some(Ok(())) = desk.apply.value().get() {
            toasts.good("Applied. Every server serves it within a second.");
            live.refresh();
        }
    });
    Effect::new(move |_| {
        if let Some(Ok(())) = desk.promote.value().get() {
            toasts.good("Promoted.");
            live.refresh();
        }
    });
    Effect::new(move |_| {
        if let Some(Ok(done)) = desk.roll_back.value().get() {
            desk.canary_open.set(false);
            desk.stable_open.set(false);
            desk.reason.set(String::new());
            toasts.good(match done.incident_id {
                Some(incident) => format!("{} Incident {incident} is open.", done.message),
                None => done.message,
            });
            live.refresh();
        }
    });
}

/// What a refused form says.
fn refusal<T: Send + Sync + 'static>(
    value: impl Fn() -> Option<Result<T, crate::error::AppError>> + Send + Sync + 'static,
) -> Signal<Option<String>> {
    Signal::derive(move || value().and_then(Result::err).map(|error| crate::labels::refusal(&error)))
}

#[component]
fn Page(view: RolloutView, desk: Desk) -> impl IntoView {
    let RolloutView { system, status, watch, canary_preview, stable_preview, waiting, history, me, as_of } = view;
    let (may_apply, may_roll_back) = (me.may(Permission::Apply), me.may(Permission::RollBack));
    let paused = system.paused;
    let apart = status.is_none().then(|| waiting.clone());
    let title = labels::heading(&system);
    let canary_taking = canary_preview.filter(|_| may_roll_back).zip(system.canary.clone()).map(Taking::new);
    let stable_taking = stable_preview.filter(|_| may_roll_back).zip(system.stable.clone()).map(Taking::new);
    let has_canary = system.canary.is_some();
    let promote_status = status.clone().filter(|_| may_apply);
    let opens_canary = canary_taking.is_some();
    let opens_stable = stable_taking.is_some() && !has_canary;
    let roll_back_stable = stable_taking.is_some() && has_canary;
    let refused = refusal(move || desk.promote.value().get());
    view! {
        <PageHead
            title=title
            name="Rollouts"
            actions=move || {
                view! {
                    <LinkButton href="/drills" kind=ButtonKind::Ghost>
                        "Drills"
                    </LinkButton>
                    {opens_canary.then(|| view! { <Opener open=desk.canary_open /> })}
                    {opens_stable.then(|| view! { <Opener open=desk.stable_open /> })}
                    {promote_status.map(|status| view! { <Promote status=status paused=paused desk=desk /> })}
                }
            }
        />
        <div class="stack">
            {move || refused.get().map(|text| view! { <Notice tone=Tone::Bad><p role="alert">{text}</p></Notice> })}
            {canary_taking.map(|taking| view! { <RollbackDialog taking=taking open=desk.canary_open id="roll-back-canary" desk=desk /> })}
            {match (status, system.stable.clone()) {
                (Some(status), stable) => {
                    view! {
                        <Track
                            steps=labels::track(&status, stable.as_ref(), as_of)
                            passed=labels::time_passed(&status, as_of)
                        />
                        <Blocked status=status.clone() paused=paused may_apply=may_apply />
                        <Gates report=status.gates.clone() />
                        <Watched config=watch />
                        <div class="grid-2">
                            <Arms status=status stable=system.stable.as_ref().map(|stable| stable.version.clone()) />
                            <WaitingBundles waiting=waiting may_apply=may_apply paused=paused occupied=true desk=desk />
                        </div>
                    }
                        .into_any()
                }
                (None, Some(stable)) => {
                    view! {
                        <Track steps=labels::arrived(&stable, as_of) />
                        <Panel title="Live">
                            <dl class="facts">
                                <dt>"Version"</dt>
                                <dd>
                                    <a class="mono" href=format!("/studio/{}", stable.id)>{stable.version}</a>
                                </dd>
                                <dt>"Digest"</dt>
                                <dd>
                                    <Digest value=stable.digest />
                                </dd>
                                {stable
                                    .activated_at
                                    .map(|at| {
                                        view! {
                                            <dt>"At 100 % since"</dt>
                                            <dd>
                                                <RelativeTime at=at as_of=as_of />
                                                {stable.activated_by.map(|by| format!(", by {by}"))}
                                            </dd>
                                        }
                                    })}
                            </dl>
                        </Panel>
                    }
                        .into_any()
                }
                (None, None) => {
                    view! {
                        <Panel>
                            <EmptyState title="No bundle is live">
                                <p>
                                    "Until one is, every request is denied. Write a draft, have it signed off, and apply it here."
                                </p>
                                <LinkButton href="/studio" kind=ButtonKind::Primary>
                                    "Open the studio"
                                </LinkButton>
                            </EmptyState>
                        </Panel>
                    }
                        .into_any()
                }
            }}
            {apart.map(|waiting| view! { <WaitingBundles waiting=waiting may_apply=may_apply paused=paused occupied=false desk=desk /> })}
            {stable_taking
                .map(|taking| {
                    let version = taking.version.clone();
                    view! {
                        {roll_back_stable
                            .then(|| {
                                view! {
                                    <p class="muted aside-line">
                                        "Is " {version} " itself the trouble? "
                                        <span class="needs-script">
                                            <Button small=true kind=ButtonKind::Ghost on_click=move |_| desk.stable_open.set(true)>
                                                "Replace the stable bundle…"
                                            </Button>
                                        </span>
                                    </p>
                                }
                            })}
                        <RollbackDialog taking=taking open=desk.stable_open id="roll-back-stable" desk=desk />
                    }
                })}
            <HistoryTable history=history as_of=as_of />
        </div>
    }
}

/// The button that opens the rollback dialog. Without scripts the dialog's form stands open in the page instead.
#[component]
fn Opener(open: RwSignal<bool>) -> impl IntoView {
    view! {
        <span class="needs-script">
            <Button kind=ButtonKind::Danger on_click=move |_| open.set(true) attr:aria-haspopup="dialog">
                <span aria-hidden="true">"↺ "</span>
                "Roll back"
            </Button>
        </span>
    }
}

/// The button to the next stage.
#[component]
fn Promote(status: CanaryStatus, paused: bool, desk: Desk) -> impl IntoView {
    let Some(next) = status.next_pct else { return ().into_any() };
    let blocked = paused || !status.can_promote;
    view! {
        <ActionForm action=desk.promote>
            <input type="hidden" name="bundle_id" value=status.id />
            <input type="hidden" name="target_pct" value=next />
            <Button
                kind=ButtonKind::Primary
                submit=true
                pending=desk.promote.pending()
                disabled=Signal::stored(blocked)
                attr:aria-describedby=blocked.then_some("promotion-blocked")
            >
                {labels::promote_label(next)}
            </Button>
        </ActionForm>
    }
    .into_any()
}

/// Why the bundle cannot be promoted yet.
#[component]
fn Blocked(status: CanaryStatus, paused: bool, may_apply: bool) -> impl IntoView {
    let mut reasons = status.blocked_by;
    if paused {
        reasons.insert(0, "A safety pause is in force: nothing can be promoted until it is released.".to_owned());
    }
    let next = status.next_pct.map(|pct| format!("{pct} %")).unwrap_or_default();
    let what = if status.state == State::Shadow { "Before it takes traffic" } else { "Before it gets more traffic" };
    if reasons.is_empty() {
        let words = if may_apply {
            format!("Time and gates are passed: {} can be promoted to {next}.", status.version)
        } else {
            format!("Time and gates are passed: a runtime owner can promote {} to {next}.", status.version)
        };
        return view! {
            <Notice tone=Tone::Good>
                <p>{words}</p>
            </Notice>
        }
        .into_any();
    }
    view! {
        <div id="promotion-blocked">
            <Notice tone=Tone::Warn>
                <strong>{what}</strong>
                <ul class="reasons">{reasons.into_iter().map(|reason| view! { <li>{crate::labels::unticked(&reason)}</li> }).collect_view()}</ul>
            </Notice>
        </div>
    }
    .into_any()
}
