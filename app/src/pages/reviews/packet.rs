//! One packet: its evidence, its status and the sign-off.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use lifecycle::{
    authority::Permission,
    bundle::State,
    review::{Packet, PacketStatus, Verdict, may_act},
};

use super::{
    evidence::Evidence,
    exceptions::{Overridden, SignExceptions},
    impact::Impact,
    meaning::MeaningView,
    notices::{Altered, InsufficientEvidence, StaleBaseNotice},
    rerun::RerunButton,
    review_status::{Facts, ReviewStatus, cannot_sign, review_status},
    risk::risk_tone,
    safety::{Safety, passed},
    sign_off::{SignOff, use_sign_off_keys},
    state::{PacketTab, PageState, Rerun},
    text::TextDiffView,
    timeline::Timeline,
};
use crate::{
    api::packets::{PacketView, review_packet},
    components::{
        ButtonKind, Digest, ErrorPanel, ExternalText, LinkButton, PacketStatusChip, PageHead, Panel, RelativeTime,
        Skeleton, Tab, TabPanel, Tabs, Tone, format,
    },
    frame::live_updates::use_live,
    labels,
};

/// One packet: its evidence, its status and the sign-off.
#[component]
pub fn PacketPage() -> impl IntoView {
    let params = use_params_map();
    let live = use_live();
    let id = Memo::new(move |_| params.read().get("packet_id").unwrap_or_default());
    let packet = Resource::new(move || (id.get(), live.changed()), |(id, _)| review_packet(id));
    let state = PageState::new(id);
    use_sign_off_keys();
    view! {
        <Transition fallback=|| {
            view! { <Skeleton lines=8 /> }
        }>
            {move || Suspend::new(async move {
                match packet.await {
                    Ok(view) => view! { <Page view=view state=state /> }.into_any(),
                    Err(error) => {
                        view! {
                            <PageHead title="Packet" above=above() />
                            <ErrorPanel error=error />
                        }
                            .into_any()
                    }
                }
            })}
        </Transition>
    }
}

fn above() -> Vec<(String, String)> {
    vec![("Reviews".to_owned(), "/reviews".to_owned())]
}

#[component]
fn Page(view: PacketView, state: PageState) -> impl IntoView {
    let PacketView {
        packet,
        notes,
        state: bundle_state,
        rule_count,
        rules_cut,
        transitions,
        region_flips,
        history,
        blockers,
        stale_base,
        previous,
        next,
        paused,
        me,
        as_of,
    } = view;
    let content = &packet.content;
    let altered = packet.altered.clone();
    let (exceptions, overridden) = (packet.exceptions.clone(), packet.overridden.clone());
    let retires = content.retires.clone();
    let signs_exceptions = me.may(Permission::SignExceptions)
        && may_act(&packet.authors, &packet.built_by, &me.name).is_ok()
        && !packet.stale
        && !paused;
    let may_be_excepted = signs_exceptions.then(|| packet.clone());
    let short_of_evidence = content.replay.insufficient_evidence.then(|| content.replay.clone());
    let version = content.bundle.version.clone();
    let base = content.base.as_ref().map(|base| base.version.clone());
    let title = labels::first_line(&notes).unwrap_or_else(|| format!("Review {version}"));
    let versions = match &base {
        Some(base) => format!("{base} → {version}"),
        None => version.clone(),
    };
    let facts = Facts {
        status: packet.status,
        bundle: bundle_state,
        actions: &packet.actions,
        approved_by: &packet.approved_by,
        lapsed: &packet.lapsed,
        incomplete: !packet.missing.is_empty(),
        nobody_can_complete: packet.nobody_can_complete.as_deref(),
        required: content.required_approvals,
        authors: &packet.authors,
        built_by: &packet.built_by,
        stale: packet.stale,
        blockers: &blockers,
        paused,
        me: &me.name,
        roles: &me.roles,
        as_of,
    };
    let status_box = review_status(&facts);
    let cannot_sign = cannot_sign(&facts);
    let may_sign = cannot_sign.is_none();
    let signed = packet.actions.iter().any(|a| a.actor == me.name && a.decision == Verdict::Approve);
    let may_apply =
        me.may(Permission::Apply) && bundle_state == State::Approved && packet.status == PacketStatus::Approved;
    let may_edit = me.may(Permission::EditDrafts) && packet.status != PacketStatus::Void;
    let blocked = if !blockers.is_empty() {
        Some("The top of the page says what blocks it; it can only be sent back or rejected.")
    } else if packet.stale {
        Some("The base has moved, so this evidence cannot be approved any more.")
    } else if paused {
        Some("Nobody can approve during a safety pause; sending back and rejecting remain possible.")
    } else {
        None
    };
    let diff = &content.text_diff;
    let changes = diff.rules_added.len()
        + diff.rules_removed.len()
        + diff.rules_modified.len()
        + diff.settings_changed.len()
        + rules_cut;
    let meaning = content.semantic_diff.clone();
    let (base_for_meaning, replay_for_meaning) = (base.clone(), content.replay.clone());
    let regions = meaning.as_ref().map(|meaning| meaning.total_regions);
    let checks = passed(&content.guardrails, &content.red_team, &content.invariants);
    let checks = (checks > 0).then_some(checks);
    let tabs = vec![
        Tab::new(PacketTab::Meaning.id(), "Meaning").counting(Signal::stored(regions)),
        Tab::new(PacketTab::Impact.id(), "Impact").counting(Signal::stored(Some(content.replay.total_flips))),
        Tab::new(PacketTab::Text.id(), "Text").counting(Signal::stored(Some(changes))),
        Tab::new(PacketTab::Safety.id(), "Safety").counting(Signal::stored(checks)),
        Tab::new(PacketTab::Evidence.id(), "Evidence"),
        Tab::new(PacketTab::Timeline.id(), "Timeline"),
    ];
    let (status, built_by, built_at) = (packet.status, packet.built_by.clone(), packet.built_at);
    let has_base = base.is_some();
    let (stale_version, stale_from) = (version.clone(), base.clone());
    let (text_diff, replay, lint) = (content.text_diff.clone(), content.replay.clone(), content.lint.clone());
    let (guardrails, red_team, invariants) =
        (content.guardrails.clone(), content.red_team.clone(), content.invariants.clone());
    let (kpis, blast) = (content.projected_kpis.clone(), content.blast_radius.clone());
    let (parts, shown) = (content.risk_parts.clone(), packet.clone());
    let risk = content.risk_score_bps;
    let bundle_href = format!("/studio/{}", packet.bundle_id);
    view! {
        <PageHead
            title=title
            above=above()
            meta=move || {
                view! {
                    <span class="mono">{versions}</span>
                    <PacketStatusChip status=status />
                    <span class="faint">{labels::outside(&built_by)} ", " <RelativeTime at=built_at as_of=as_of /></span>
                }
            }
            actions=move || {
                view! {
                    <Steps previous=previous next=next />
                    <LinkButton href=bundle_href kind=ButtonKind::Secondary>
                        {if may_edit { "Open bundle" } else { "Show bundle" }}
                    </LinkButton>
                }
            }
        />
        <StatusBox status=status_box may_apply=may_apply may_sign=may_sign />
        {(!altered.is_empty()).then(|| view! { <Altered what=altered /> })}
        <Overridden exceptions=exceptions overridden=overridden />
        {short_of_evidence.map(|replay| view! { <InsufficientEvidence replay=replay /> })}
        {stale_base.map(|live| view! { <StaleBaseNotice live=live version=stale_version base=stale_from /> })}
        <div class="with-aside packet-columns">
            <Panel flush=true>
                <Tabs group="packet" label="Evidence of this packet" tabs=tabs selected=state.tab param="tab" />
                <TabPanel group="packet" id=PacketTab::Meaning.id() selected=state.tab>
                    <MeaningView
                        meaning=meaning
                        base=base_for_meaning
                        flips=region_flips
                        replay=replay_for_meaning
                        transitions=transitions
                    />
                </TabPanel>
                <TabPanel group="packet" id=PacketTab::Impact.id() selected=state.tab>
                    <Impact replay=replay kpis=kpis blast=blast version=version base=base />
                </TabPanel>
                <TabPanel group="packet" id=PacketTab::Text.id() selected=state.tab>
                    <TextDiffView diff=text_diff cut=rules_cut base=has_base rule_count=rule_count />
                </TabPanel>
                <TabPanel group="packet" id=PacketTab::Safety.id() selected=state.tab>
                    <Safety
                        guardrails=guardrails
                        red_team=red_team
                        retires=retires
                        invariants=invariants
                        lint=lint
                    />
                </TabPanel>
                <TabPanel group="packet" id=PacketTab::Evidence.id() selected=state.tab>
                    <Evidence packet=shown rule_count=rule_count />
                </TabPanel>
                <TabPanel group="packet" id=PacketTab::Timeline.id() selected=state.tab>
                    <Timeline entries=history as_of=as_of />
                </TabPanel>
            </Panel>
            <div class="stack">
                <SignOff packet=packet.clone() cannot_sign=cannot_sign signed=signed blocked=blocked state=state />
                {may_be_excepted.map(|packet| view! { <SignExceptions packet=packet action=state.except /> })}
                <Risk bps=risk parts=parts />
                <EvidenceSummary packet=packet rerun=state.rerun />
            </div>
        </div>
    }
}

/// The evidence in three lines, below the sign-off.
#[component]
fn EvidenceSummary(packet: Packet, rerun: RwSignal<Rerun>) -> impl IntoView {
    let packet_id = packet.packet_id.clone();
    let replay = &packet.content.replay;
    let replayed =
        format!("{} ({})", format::plural(replay.corpus_count as u64, "decision", "decisions"), replay.corpus_source,);
    view! {
        <Panel title="Evidence">
            <dl class="facts">
                <dt>"Replay checksum"</dt>
                <dd>
                    <Digest value=packet.replay_checksum what="replay checksum" />
                    <RerunButton packet_id=packet_id rerun=rerun />
                </dd>
                <dt>"Replayed"</dt>
                <dd>{replayed}</dd>
                <dt>"Fallback plan"</dt>
                <dd class="prose">
                    <ExternalText text=packet.content.fallback_plan lines=true />
                </dd>
            </dl>
        </Panel>
    }
}

/// Links to the previous and the next packet of the queue.
#[component]
fn Steps(previous: Option<String>, next: Option<String>) -> impl IntoView {
    let step = |id: String, rel: &'static str, word: &'static str| {
        let href = format!("/reviews/{id}");
        view! {
            <LinkButton href=href kind=ButtonKind::Ghost attr:rel=rel>
                {word}
            </LinkButton>
        }
    };
    (previous.is_some() || next.is_some()).then(|| {
        view! {
            <span class="packet-steps">
                {previous.map(|id| step(id, "prev", "Previous"))} {next.map(|id| step(id, "next", "Next"))}
            </span>
        }
    })
}

/// The status box: what blocks the packet, or what is needed next.
#[component]
fn StatusBox(status: ReviewStatus, may_apply: bool, may_sign: bool) -> impl IntoView {
    view! {
        <section class=format!("status-box {}", status.tone.class()) aria-label="Status">
            <div class="status-text">
                <p class="status-headline">{status.headline}</p>
                {status.notes.into_iter().map(|note| view! { <p class="status-note">{note}</p> }).collect_view()}
            </div>
            // On a phone the form is below all of the evidence.
            {may_sign.then(|| view! { <a class="to-sign-off" href="#sign-off">"Go to the sign-off"</a> })}
            {may_apply
                .then(|| {
                    view! {
                        <LinkButton href="/rollouts#waiting" kind=ButtonKind::Primary>
                            "Apply"
                        </LinkButton>
                    }
                })}
        </section>
    }
}

/// The risk score and its parts.
#[component]
fn Risk(bps: u32, parts: Vec<lifecycle::review::content::RiskPart>) -> impl IntoView {
    let tone = match risk_tone(bps) {
        Tone::Neutral => Tone::Good,
        tone => tone,
    };
    let words = format!("{} / 10,000", format::count(u64::from(bps)));
    view! {
        <Panel
            title="Risk"
            actions=move || {
                view! { <strong class=format!("risk-score {}", tone.class())>{words}</strong> }
            }
        >
            <div class="stack">
                <crate::components::Meter
                    value=f64::from(bps) / 10_000.0
                    label=format!("risk {bps} of 10,000 basis points")
                    tone=tone
                />
                <dl class="facts facts-numbers">
                    {parts
                        .into_iter()
                        .map(|part| {
                            view! {
                                <dt>{labels::outside(&part.name)}</dt>
                                <dd class="num">{format!("+{}", format::count(u64::from(part.bps)))}</dd>
                            }
                        })
                        .collect_view()}
                </dl>
            </div>
        </Panel>
    }
}
