//! One request: what is asked, why people are asked, and what they decided.

use leptos::prelude::*;
use lifecycle::approval::{Status, Verdict};
use policy::Timestamp;
use serde_json::{Map, Value};

use super::{
    dialogs::{ApproveDialog, DenyDialog},
    labels,
    state::PageState,
};
use crate::{
    api::{
        approval_view::{ApprovalDetail, SignedDecision},
        approvals::make_rule_of_approval,
    },
    components::{
        Button, ButtonKind, ConditionChip, ExternalText, Kbd, Notice, Panel, RelativeTime, Signature, Table, Tone,
        format, open_new_draft,
    },
    labels::outside,
};

/// How many characters of a value are shown before it is folded.
const LONG: usize = 240;

/// One request.
#[component]
pub(super) fn Detail(detail: ApprovalDetail, state: PageState) -> impl IntoView {
    let (row, as_of) = (detail.row.clone(), detail.as_of);
    let waits = row.status == Status::Pending;
    let about = labels::about(&row);
    let (tone, _, ending) = labels::ending(&row);
    let progress = labels::progress(&row);
    let (decided, used, id) = (detail.decision_id.clone(), row.last_use.clone(), row.id.clone());
    view! {
        <Panel>
            <article class="stack approval" aria-label="Approval request">
                <header class="stack-tight">
                    <h2 class="approval-title">{labels::headline(&row)}</h2>
                    <p class="muted breaks">
                        {(!about.is_empty()).then(|| format!("{about} · "))} <RelativeTime at=row.requested_at as_of=as_of />
                        {(detail.times_asked > 1).then(|| format!(" · asked {} times", detail.times_asked))} " · "
                        {if waits {
                            view! {
                                <strong class="time-left">
                                    {format!("expires {} ({})", format::exact(row.expires_at), labels::time_left(&row, as_of))}
                                </strong>
                            }
                                .into_any()
                        } else {
                            view! { {row.ended_at.map(|at| format!("ended {}", format::exact(at)))} }.into_any()
                        }}
                    </p>
                </header>
                {(!waits)
                    .then(|| {
                        view! {
                            <Notice tone=tone>
                                <strong>{crate::labels::capital(&ending)} "."</strong>
                                {row.in_force.then(|| view! { <p>{crate::labels::capital(&labels::used(&row, as_of))} "."</p> })}
                            </Notice>
                        }
                    })}
                <Lookalikes notes=detail.lookalikes.clone() />
                <Arguments context=detail.context.clone() unbound=detail.unbound.clone() />
                <Why detail=detail.clone() progress=progress />
                {waits.then(|| view! { <Decide detail=detail.clone() state=state /> })}
                <Decisions decisions=detail.decisions as_of=as_of />
                {detail.may_make_rule.then(|| view! { <MakeRule id=id /> })}
                <p class="muted">
                    <a href=format!("/decisions/{}", crate::filter::address::escape(&decided))>"The decision that asked"</a>
                    {used
                        .map(|used| {
                            let href = format!("/decisions/{}", crate::filter::address::escape(&used.decision_id));
                            view! {
                                " · "
                                <a href=href>"The decision that used the approval"</a>
                                ", "
                                <RelativeTime at=used.at as_of=as_of />
                            }
                        })}
                </p>
            </article>
        </Panel>
    }
}

/// Letters that only look like others, which nobody sees in the arguments themselves.
#[component]
fn Lookalikes(notes: Vec<String>) -> impl IntoView {
    (!notes.is_empty()).then(|| {
        let notes = notes.into_iter().map(|note| view! { <p><ExternalText text=note /></p> });
        view! { <Notice tone=Tone::Warn>{notes.collect_view()}</Notice> }
    })
}

/// The arguments, exactly: texts in quotes, everything else as JSON.
#[component]
fn Arguments(context: Map<String, Value>, unbound: Vec<String>) -> impl IntoView {
    if context.is_empty() {
        return view! { <p class="muted">"The agent sent no arguments."</p> }.into_any();
    }
    let rows = context.into_iter().map(|(key, value)| {
        view! {
            <tr>
                <th scope="row" class="mono">
                    <ExternalText text=key />
                </th>
                <td class="mono breaks"><Argument value=value /></td>
            </tr>
        }
    });
    view! {
        <Table label="Arguments">
            <tbody>{rows.collect_view()}</tbody>
        </Table>
        {(!unbound.is_empty())
            .then(|| {
                let members = crate::labels::all_of(unbound.iter().map(|member| outside(member)));
                view! { <p class="faint">"An approval does not depend on " {members} "."</p> }
            })}
    }
    .into_any()
}

#[component]
fn Argument(value: Value) -> impl IntoView {
    let (text, quotes) = match value {
        Value::String(text) => (text, ["“", "”"]),
        other => (other.to_string(), ["", ""]),
    };
    let length = text.chars().count();
    let start = (length > LONG).then(|| text.chars().take(LONG / 2).collect::<String>());
    let whole = move || view! { {quotes[0]} <ExternalText text=text lines=true /> {quotes[1]} };
    match start {
        None => whole().into_any(),
        Some(start) => view! {
            <details>
                <summary>
                    {quotes[0]} <ExternalText text=start /> "… "
                    <span class="faint">{format!("{} characters", format::count(length as u64))}</span>
                </summary>
                {whole()}
            </details>
        }
        .into_any(),
    }
}

/// The rule, who may decide, and what became of requests like this one.
#[component]
fn Why(detail: ApprovalDetail, progress: String) -> impl IntoView {
    let bundle = detail.bundle.map(|bundle| {
        view! { " in " <a class="mono" href=format!("/studio/{}", bundle.id)>{bundle.version}</a> }
    });
    let conditions = detail.conditions.into_iter().map(|(field, value)| {
        view! { <ConditionChip field=field value=value /> }
    });
    let needed = if progress.is_empty() { "One person".to_owned() } else { progress };
    let budget = detail.budget.map(labels::budget).filter(|words| !words.is_empty());
    view! {
        <section class="approval-why stack-tight" aria-labelledby="why-asked">
            <h3 id="why-asked">"Why you are asked"</h3>
            <p>"Rule " <strong class="mono">{outside(&detail.rule)}</strong> {bundle} ": " <ExternalText text=detail.reason lines=true /></p>
            <div class="row">{conditions.collect_view()}</div>
            <dl class="facts">
                <dt>"Who may decide"</dt>
                <dd>{crate::labels::capital(&detail.approvers)}</dd>
                <dt>"Approvals needed"</dt>
                <dd>{needed}</dd>
                {budget.map(|words| view! { <dt>"Budget of a call"</dt> <dd>{words}</dd> })}
                {detail.session.map(|session| view! { <dt>"Session"</dt> <dd class="mono breaks">{outside(&session)}</dd> })}
                <dt>"Like it in 30 days"</dt>
                <dd>{labels::similar(detail.similar)}</dd>
            </dl>
        </section>
    }
}

/// The two buttons. Each opens a dialog, so that no single key or click decides.
#[component]
fn Decide(detail: ApprovalDetail, state: PageState) -> impl IntoView {
    let may = detail.not_yours.is_none();
    let approved = detail.approved_by_you;
    let why = detail.not_yours.clone().or_else(|| {
        approved
            .then(|| "You have approved this; another person has to approve it, too. You can still deny it.".to_owned())
    });
    let described = why.is_some().then_some("why-not-yours");
    view! {
        {why.map(|why| view! { <p class="muted" id="why-not-yours">{why}</p> })}
        <div class="row approval-buttons needs-script">
            <Button
                kind=ButtonKind::Primary
                disabled=Signal::stored(!may || approved)
                on_click=move |_| state.approving.set(true)
                attr:aria-haspopup="dialog"
                attr:aria-describedby=described
                attr:data-key="a"
            >
                "Approve…"
                <span class="needs-keyboard" aria-hidden="true">
                    <Kbd key="A" />
                </span>
            </Button>
            <Button
                kind=ButtonKind::Danger
                disabled=Signal::stored(!may)
                on_click=move |_| state.denying.set(true)
                attr:aria-haspopup="dialog"
                attr:aria-describedby=described
                attr:data-key="d"
            >
                "Deny…"
                <span class="needs-keyboard" aria-hidden="true">
                    <Kbd key="D" />
                </span>
            </Button>
        </div>
        {may
            .then(|| {
                view! {
                    <p class="faint">
                        "Your answer is signed and bound to exactly this call. If anything else changes, the agent has to ask again."
                    </p>
                    {(!approved).then(|| view! { <ApproveDialog detail=detail.clone() state=state /> })}
                    <DenyDialog detail=detail state=state />
                }
            })}
    }
}

/// The button that makes a draft with a rule that allows the call.
#[component]
fn MakeRule(id: String) -> impl IntoView {
    let pending = RwSignal::new(false);
    let make = open_new_draft(pending, move || make_rule_of_approval(id.clone()));
    view! {
        <div class="row needs-script">
            <Button kind=ButtonKind::Ghost pending=pending on_click=move |_| make()>
                "Make a rule of it"
            </Button>
            <span class="faint">"A draft that allows exactly these arguments, for review."</span>
        </div>
    }
}

/// What people decided, with their signatures.
#[component]
fn Decisions(decisions: Vec<SignedDecision>, as_of: Timestamp) -> impl IntoView {
    (!decisions.is_empty()).then(|| {
        view! {
            <ol class="timeline" aria-label="Decisions of people">
                {decisions
                    .into_iter()
                    .map(|decision| {
                        let (tone, words) = match decision.verdict {
                            Verdict::Approve => (Tone::Good, format!("Approved, {}", labels::scope(&decision.scope))),
                            Verdict::Deny => (Tone::Bad, "Denied".to_owned()),
                        };
                        view! {
                            <li class=format!("timeline-item {}", tone.class())>
                                <p>
                                    <strong>{words}</strong>
                                    <span class="muted">" by " {outside(&decision.by)} ", " <RelativeTime at=decision.at as_of=as_of /></span>
                                </p>
                                {decision.reason.map(|reason| view! { <p><ExternalText text=reason lines=true /></p> })}
                                <Signature value=decision.signature refused=None />
                            </li>
                        }
                    })
                    .collect_view()}
            </ol>
        }
    })
}
