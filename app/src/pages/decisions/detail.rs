//! One decision, explained.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use lifecycle::decision::{Mode, Record};
use policy::{
    engine::{
        Status,
        trace::{ConditionResult, RuleResult, RuleTrace},
    },
    replay::{Outcome, OutcomeStatus},
};

use super::{
    labels,
    what_if::{DraftAnswers, Nearest, simulator_path},
};
use crate::{
    api::decisions::{DecisionDetail, get_decision},
    components::{
        ButtonKind, Chip, Digest, EffectBadge, ErrorPanel, ExternalText, LinkButton, Notice, PageHead, Panel,
        RelativeTime, Skeleton, Table, Tone, facts, format, short_digest, value_words,
    },
    labels::{capital, unit_cost, unticked},
};

/// One decision, explained.
#[component]
pub fn DecisionPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("decision_id").unwrap_or_default());
    let decision = Resource::new(move || id.get(), get_decision);
    let above = || vec![("Decisions".to_owned(), "/decisions".to_owned())];
    view! {
        <Transition fallback=|| {
            view! { <Skeleton lines=8 /> }
        }>
            {move || Suspend::new(async move {
                match decision.await {
                    Ok(decision) => view! { <Page decision=decision above=above() /> }.into_any(),
                    Err(error) => {
                        view! {
                            <PageHead title="Decision" above=above() />
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
fn Page(decision: DecisionDetail, above: Vec<(String, String)>) -> impl IntoView {
    let DecisionDetail { record, trace, nearest, approval, drafts, as_of } = decision;
    let mode = record.mode;
    let (effect, no_match) = (record.effect, record.status == Status::NoMatch);
    let at = record.decided_at;
    let other = record.other_arm.as_ref().map(|other| labels::other(&record, other));
    let rows = facts::rows(&record.context);
    let errors: Vec<String> = record.errors.iter().map(labels::error).collect();
    let served = record.bundle.as_ref().map(|bundle| bundle.id);
    // A draft can be changed, so it comes before the bundle that served.
    let simulator = drafts.first().map(|draft| draft.id).or(served).map(|id| simulator_path(id, &record.decision_id));
    let decision_id = record.decision_id.clone();
    let nearest = nearest.zip(served).map(|(why, served)| {
        view! { <Nearest why=why served=served decision_id=decision_id.clone() /> }
    });
    let (arms, facts, outcome) = (record.clone(), record.clone(), record.outcome.clone());
    view! {
        <PageHead
            title=format!("Decision {}", short_digest(&record.decision_id))
            above=above
            meta=move || {
                view! {
                    <EffectBadge effect=effect no_match=no_match />
                    <span class="faint">
                        <RelativeTime at=at as_of=as_of />
                    </span>
                }
            }
            actions=move || {
                simulator.clone().map(|href| {
                    view! {
                        <LinkButton kind=ButtonKind::Primary href=href>
                            "Open in simulator"
                        </LinkButton>
                    }
                })
            }
        />
        <div class="stack">
            <section class=format!("status-box {}", Tone::of(effect).class()) aria-label="Explanation">
                <div class="status-text">
                    <p class="status-headline">{labels::explanation(&record)}</p>
                    {(!record.reason.is_empty()).then(|| view! { <p class="status-note">{unticked(&record.reason)}</p> })}
                    {other.map(|other| view! { <p class="status-note">{capital(&other)}</p> })}
                </div>
            </section>
            {labels::circumstance(mode).map(|words| view! { <Notice tone=Tone::Warn><p>{words}</p></Notice> })}
            {approval
                .map(|id| {
                    let words = if mode == Mode::Approved { "People approved this call: " } else { "People were asked: " };
                    view! {
                        <p class="muted">{words} <a href=format!("/approvals/{id}")>"open the approval request"</a> "."</p>
                    }
                })}
            {(errors.len() > 1)
                .then(|| {
                    view! {
                        <Notice tone=Tone::Bad>
                            <strong>"What went wrong"</strong>
                            <ul class="reasons">
                                {errors.into_iter().map(|error| view! { <li>{error}</li> }).collect_view()}
                            </ul>
                        </Notice>
                    }
                })}
            <div class="with-aside">
                <div class="stack">
                    <Panel title="Input" note=format::plural(rows.len() as u64, "fact", "facts") flush=true>
                        <Input rows=rows />
                    </Panel>
                    {(!trace.is_empty()).then(|| view! { <Trace trace=trace /> })}
                </div>
                <div class="stack">
                    <Arms record=arms />
                    <DraftAnswers drafts=drafts decision_id=record.decision_id.clone() then=effect />
                    {nearest}
                    <Facts record=facts />
                    <Panel title="Outcome">
                        {match outcome {
                            Some(outcome) => view! { <OutcomeFacts outcome=outcome /> }.into_any(),
                            None => {
                                view! {
                                    <p class="muted">
                                        "Not reported yet. The agent reports what happened after the decision."
                                    </p>
                                }
                                    .into_any()
                            }
                        }}
                    </Panel>
                </div>
            </div>
        </div>
    }
}

#[component]
fn Input(rows: Vec<(String, String)>) -> impl IntoView {
    if rows.is_empty() {
        return view! { <p class="muted panel-pad">"The agent sent no facts."</p> }.into_any();
    }
    view! {
        <Table label="Input">
            <tbody>
                {rows
                    .into_iter()
                    .map(|(field, value)| {
                        view! {
                            <tr>
                                <th scope="row" class="mono">
                                    {field}
                                </th>
                                <td class="mono">{value}</td>
                            </tr>
                        }
                    })
                    .collect_view()}
            </tbody>
        </Table>
    }
    .into_any()
}

/// The answer of each bundle.
#[component]
fn Arms(record: Record) -> impl IntoView {
    let served = record.bundle.as_ref().map_or_else(|| "no bundle".to_owned(), |bundle| bundle.version.clone());
    let rule = |rule: Option<String>, status: Status| {
        rule.unwrap_or_else(
            || if status == Status::Error { "declared inputs".to_owned() } else { "default".to_owned() },
        )
    };
    let other = record.other_arm.clone();
    view! {
        <Panel title="Who answered what" flush=true>
            <Table label="Answers of both versions">
                <thead>
                    <tr>
                        <th scope="col">"Version"</th>
                        <th scope="col">"Answer"</th>
                        <th scope="col">"Rule"</th>
                    </tr>
                </thead>
                <tbody>
                    <tr>
                        <td>
                            <span class="mono">{served}</span>
                            <span class="cell-note muted">{labels::arm(record.arm)} ", served"</span>
                        </td>
                        <td>
                            <EffectBadge effect=record.effect no_match=record.status == Status::NoMatch />
                        </td>
                        <td class="mono">{rule(record.matched_rule, record.status)}</td>
                    </tr>
                    {other
                        .map(|other| {
                            view! {
                                <tr>
                                    <td>
                                        <span class="mono">{other.bundle.version}</span>
                                        <span class="cell-note muted">"not served"</span>
                                    </td>
                                    <td>
                                        <EffectBadge effect=other.effect no_match=other.status == Status::NoMatch />
                                    </td>
                                    <td class="mono">{rule(other.matched_rule, other.status)}</td>
                                </tr>
                            }
                        })}
                </tbody>
            </Table>
        </Panel>
    }
}

#[component]
fn Facts(record: Record) -> impl IntoView {
    view! {
        <Panel title="Facts">
            <dl class="facts">
                <dt>"Decision"</dt>
                <dd>
                    <Digest value=record.decision_id what="decision id" />
                </dd>
                <dt>"Agent"</dt>
                <dd><ExternalText text=record.agent /></dd>
                <dt>"Action"</dt>
                <dd><ExternalText text=record.action /></dd>
                <dt>"Subject"</dt>
                <dd class="mono breaks">{crate::labels::outside(&record.subject)}</dd>
                <dt>"Status"</dt>
                <dd>{labels::status(record.status)}</dd>
                <dt>"Time"</dt>
                <dd>{format::exact(record.decided_at)}</dd>
                {record
                    .bundle
                    .map(|bundle| {
                        view! {
                            <dt>"Bundle"</dt>
                            <dd>
                                <a class="mono" href=format!("/studio/{}", bundle.id)>
                                    {bundle.version}
                                </a>
                                " "
                                <Digest value=bundle.digest />
                            </dd>
                        }
                    })}
                {record
                    .budget
                    .and_then(|budget| budget.cost)
                    .map(|cost| {
                        view! {
                            <dt>"Budget"</dt>
                            <dd>{unit_cost(cost)}</dd>
                        }
                    })}
            </dl>
        </Panel>
    }
}

#[component]
fn OutcomeFacts(outcome: Outcome) -> impl IntoView {
    let (tone, sign, label) = match outcome.status {
        OutcomeStatus::Ok => (Tone::Good, "✓", "ok"),
        OutcomeStatus::Error => (Tone::Bad, "✕", "error"),
    };
    let facts = [
        ("Cost", outcome.cost.map(unit_cost)),
        ("Margin", outcome.margin_bps.map(|bps| format!("{bps} bps"))),
        ("Goal reached", outcome.success.map(|yes| if yes { "yes" } else { "no" }.to_owned())),
        ("Latency", outcome.latency_ms.map(|ms| format!("{ms} ms"))),
        ("Note", outcome.note.as_deref().map(crate::labels::outside)),
    ];
    view! {
        <dl class="facts">
            <dt>"Result"</dt>
            <dd>
                <Chip tone=tone sign=sign>
                    {label}
                </Chip>
            </dd>
            {facts
                .into_iter()
                .filter_map(|(name, value)| {
                    value
                        .map(|value| {
                            view! {
                                <dt>{name}</dt>
                                <dd>{value}</dd>
                            }
                        })
                })
                .collect_view()}
        </dl>
    }
}

/// Every rule that was considered, in order, with the result of its conditions.
#[component]
fn Trace(trace: Vec<RuleTrace>) -> impl IntoView {
    let considered: Vec<_> = trace.into_iter().filter(|rule| rule.result != RuleResult::NotAddressed).collect();
    view! {
        <Panel title="How it was decided" note="rules for this agent and action, in order">
            {if considered.is_empty() {
                view! { <p class="muted">"No rule is for this agent and action."</p> }.into_any()
            } else {
                view! {
                    <ol class="decided">
                        {considered.into_iter().map(|rule| view! { <Considered rule=rule /> }).collect_view()}
                    </ol>
                }
                    .into_any()
            }}
        </Panel>
    }
}

#[component]
fn Considered(rule: RuleTrace) -> impl IntoView {
    let (tone, sign, label) = match rule.result {
        RuleResult::Matched => (Tone::Good, "✓", "decided"),
        RuleResult::Error => (Tone::Bad, "!", "in error"),
        RuleResult::Passed | RuleResult::NotAddressed => (Tone::Neutral, "○", "did not match"),
    };
    view! {
        <li class="decided-rule">
            <p class="spread">
                <strong class="mono">{crate::labels::outside(&rule.rule)}</strong>
                <Chip tone=tone sign=sign>
                    {label}
                </Chip>
            </p>
            <ul class="decided-conditions">
                {rule
                    .conditions
                    .into_iter()
                    .map(|condition| {
                        let (class, sign, label) = match condition.result {
                            ConditionResult::True => ("tone-good", "✓", "holds"),
                            ConditionResult::False => ("tone-neutral", "✕", "does not hold"),
                            ConditionResult::Error => ("tone-bad", "!", "wrong type"),
                        };
                        let saw = if condition.saw.is_null() { "absent".to_owned() } else { value_words(&condition.saw) };
                        view! {
                            <li>
                                <span class=format!("decided-sign {class}") aria-hidden="true">
                                    {sign}
                                </span>
                                <span class="visually-hidden">{label} ": "</span>
                                <code class="condition">{crate::labels::outside(&condition.text)}</code>
                                <span class="faint">" saw " {saw}</span>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </li>
    }
}
