//! Rollouts: the track, the gates, approved bundles that wait, and rolling back.

mod arms;
mod gates;
mod history;
pub mod labels;
mod rollback;
mod rollback_limits;
mod state;
mod tile;
mod track;
mod waiting;

use leptos::{form::ActionForm, prelude::*};
use lifecycle::{
    authority::Permission,
    bundle::State,
    rollout::{
        CanaryStatus,
        freeze::{Holding, Operation},
    },
};

use self::{
    arms::Arms,
    gates::Gates,
    history::HistoryTable,
    rollback::{RollbackDialog, RollbackTarget},
    rollback_limits::RollbackLimits,
    state::PageState,
    track::Track,
    waiting::WaitingBundles,
};
use crate::{
    api::rollout::{RolloutView, get_rollout},
    components::{
        Button, ButtonKind, Digest, EmptyState, ErrorPanel, LinkButton, Notice, PageHead, Panel, RelativeTime,
        Skeleton, Tone, form_error,
    },
    frame::live_updates::use_live,
    pages::reviews::exceptions::Overridden,
};

/// The rollouts page.
#[component]
pub fn Rollouts() -> impl IntoView {
    let live = use_live();
    let view = Resource::new(move || live.pulse(), |_| get_rollout());
    let state = PageState::new();
    view! {
        <Transition fallback=|| {
            view! { <Skeleton lines=8 /> }
        }>
            {move || Suspend::new(async move {
                match view.await {
                    Ok(view) => view! { <Page view=view state=state /> }.into_any(),
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

#[component]
fn Page(view: RolloutView, state: PageState) -> impl IntoView {
    let RolloutView {
        system,
        status,
        exceptions,
        freezes,
        watch,
        canary_preview,
        stable_preview,
        waiting,
        history,
        me,
        as_of,
    } = view;
    let (may_apply, may_roll_back) = (me.may(Permission::Apply), me.may(Permission::RollBack));
    let paused = system.paused;
    let waiting_alone = status.is_none().then(|| waiting.clone());
    let title = labels::heading(&system);
    let canary_target = canary_preview.filter(|_| may_roll_back).zip(system.canary.clone()).map(RollbackTarget::new);
    let stable_target = stable_preview.filter(|_| may_roll_back).zip(system.stable.clone()).map(RollbackTarget::new);
    let has_canary = system.canary.is_some();
    let promote_status = status.clone().filter(|_| may_apply);
    let opens_canary = canary_target.is_some();
    let opens_stable = stable_target.is_some() && !has_canary;
    let roll_back_stable = stable_target.is_some() && has_canary;
    let refused = form_error(state.promote);
    view! {
        <PageHead
            title=title
            name="Rollouts"
            actions=move || {
                view! {
                    <LinkButton href="/drills" kind=ButtonKind::Ghost>
                        "Drills"
                    </LinkButton>
                    {opens_canary.then(|| view! { <RollbackButton open=state.canary_dialog /> })}
                    {opens_stable.then(|| view! { <RollbackButton open=state.stable_dialog /> })}
                    {promote_status.map(|status| view! { <Promote status=status paused=paused state=state /> })}
                }
            }
        />
        <div class="stack">
            {move || refused.get().map(|text| view! { <Notice tone=Tone::Bad><p role="alert">{text}</p></Notice> })}
            <Frozen freezes=freezes />
            <Overridden overridden=exceptions.iter().map(|given| given.guardrail).collect() exceptions=exceptions />
            {canary_target.map(|target| view! { <RollbackDialog target=target open=state.canary_dialog id="roll-back-canary" state=state /> })}
            {match (status, system.stable.clone()) {
                (Some(status), stable) => {
                    view! {
                        <Track
                            steps=labels::track(&status, stable.as_ref(), as_of)
                            passed=labels::time_passed(&status, as_of)
                        />
                        <Blocked status=status.clone() paused=paused may_apply=may_apply />
                        <Gates report=status.gates.clone() />
                        <RollbackLimits config=watch />
                        <div class="grid-2">
                            <Arms status=status stable=system.stable.as_ref().map(|stable| stable.version.clone()) />
                            <WaitingBundles waiting=waiting may_apply=may_apply paused=paused occupied=true state=state />
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
                                                {stable.activated_by.map(|by| format!(", by {}", crate::labels::outside(&by)))}
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
            {waiting_alone.map(|waiting| view! { <WaitingBundles waiting=waiting may_apply=may_apply paused=paused occupied=false state=state /> })}
            {stable_target
                .map(|target| {
                    let version = target.version.clone();
                    view! {
                        {roll_back_stable
                            .then(|| {
                                view! {
                                    <p class="muted aside-line">
                                        "Is " {version} " itself the trouble? "
                                        <span class="needs-script">
                                            <Button small=true kind=ButtonKind::Ghost on_click=move |_| state.stable_dialog.set(true)>
                                                "Replace the stable bundle…"
                                            </Button>
                                        </span>
                                    </p>
                                }
                            })}
                        <RollbackDialog target=target open=state.stable_dialog id="roll-back-stable" state=state />
                    }
                })}
            <HistoryTable history=history as_of=as_of />
        </div>
    }
}

/// The freezes that hold applies now, with who may pass. What holds a promotion stands with its other reasons.
#[component]
fn Frozen(freezes: Vec<Holding>) -> impl IntoView {
    (!freezes.is_empty()).then(|| {
        let lines = freezes.iter().map(|freeze| view! { <li>{freeze.sentence(Operation::Apply)}</li> }).collect_view();
        view! {
            <Notice tone=Tone::Warn>
                <strong>"Frozen"</strong>
                <ul class="reasons">{lines}</ul>
            </Notice>
        }
    })
}

/// The button that opens the rollback dialog. Without scripts, the page shows the form of the dialog instead.
#[component]
fn RollbackButton(open: RwSignal<bool>) -> impl IntoView {
    view! {
        <span class="needs-script">
            <Button kind=ButtonKind::Danger on_click=move |_| open.set(true) attr:aria-haspopup="dialog">
                <span aria-hidden="true">"↺ "</span>
                "Roll back"
            </Button>
        </span>
    }
}

/// The button that promotes to the next stage.
#[component]
fn Promote(status: CanaryStatus, paused: bool, state: PageState) -> impl IntoView {
    let Some(next) = status.next_pct else { return ().into_any() };
    let blocked = paused || !status.can_promote;
    view! {
        <ActionForm action=state.promote>
            <input type="hidden" name="bundle_id" value=status.id />
            <input type="hidden" name="target_pct" value=next />
            <Button
                kind=ButtonKind::Primary
                submit=true
                pending=state.promote.pending()
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
    let what = if status.state == State::Shadow { "Before it takes traffic" } else { "Before the next stage" };
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
