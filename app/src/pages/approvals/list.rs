//! The lists: what waits, what is in force, what ended.

use leptos::{form::ActionForm, prelude::*};
use policy::Timestamp;

use super::{labels, state::PageState};
use crate::{
    api::approval_view::{ApprovalGroup, ApprovalList, ApprovalRow},
    components::{Button, Chip, EmptyState, FormError, Panel, RelativeTime},
    filter::address::escape,
};

/// The three lists.
#[component]
pub(super) fn Lists(
    list: ApprovalList,
    /// The id of the request that is shown beside the lists.
    shown: Memo<String>,
    /// The rule and agent whose requests alone are listed, if any.
    group: Memo<(String, String)>,
    state: PageState,
) -> impl IntoView {
    let ApprovalList { waiting, groups, more, in_force, ended, may_decide, as_of } = list;
    let count = waiting.len() + groups.iter().map(|group| usize::try_from(group.waiting).unwrap_or(0)).sum::<usize>();
    // Groups count all that wait.
    let note = if more && groups.is_empty() { format!("more than {count}") } else { count.to_string() };
    let (rule, agent) = group.get_untracked();
    let narrowed = (!rule.is_empty() || !agent.is_empty()).then(|| {
        view! {
            <p class="spread panel-pad">
                <span>{crate::labels::outside(&rule)} " · " {crate::labels::outside(&agent)}</span>
                <a href="/approvals">"All requests"</a>
            </p>
        }
    });
    let is_narrowed = narrowed.is_some();
    let query = StoredValue::new(if is_narrowed { group_query(&rule, &agent) } else { String::new() });
    let held = in_force.len();
    view! {
        <Panel title="Waiting" note=note flush=true>
            {narrowed}
            {if count == 0 {
                view! {
                    <EmptyState title="Nothing waits">
                        <p>
                            "When a rule asks for approval, the agent's call waits here until a person approves or denies it."
                        </p>
                    </EmptyState>
                }
                    .into_any()
            } else {
                view! {
                    <ul class="queue">
                        {groups.into_iter().map(|group| view! { <Group group=group /> }).collect_view()}
                        {waiting
                            .into_iter()
                            .map(|row| {
                                let yours = row.yours;
                                view! {
                                    <Row row=row.clone() shown=shown title=labels::headline(&row) note=waiting_note(&row) query=query.get_value()>
                                        <span class="time-left">{labels::time_left(&row, as_of)}</span>
                                        {(may_decide && !yours).then(|| view! { <Chip>"waits for others"</Chip> })}
                                    </Row>
                                }
                            })
                            .collect_view()}
                    </ul>
                }
                    .into_any()
            }}
        </Panel>
        {(!is_narrowed && held > 0)
            .then(|| {
                view! {
                    <Panel title="In force" note=held.to_string() flush=true>
                        <FormError action=state.revoke />
                        <ul class="queue">
                            {in_force
                                .into_iter()
                                .map(|row| view! { <InForce row=row shown=shown may_decide=may_decide as_of=as_of state=state /> })
                                .collect_view()}
                        </ul>
                    </Panel>
                }
            })}
        {(!is_narrowed && !ended.is_empty())
            .then(|| {
                view! {
                    <Panel title="Ended" flush=true>
                        <ul class="queue">
                            {ended
                                .into_iter()
                                .map(|row| {
                                    let (tone, sign, words) = labels::ending(&row);
                                    let at = row.ended_at.unwrap_or(row.requested_at);
                                    view! {
                                        <Row row=row.clone() shown=shown title=labels::headline(&row) note=row.gist.clone()>
                                            <Chip tone=tone sign=sign>{words}</Chip>
                                            <span class="faint"><RelativeTime at=at as_of=as_of /></span>
                                        </Row>
                                    }
                                })
                                .collect_view()}
                        </ul>
                    </Panel>
                }
            })}
    }
}

/// The part of an address that lists the requests of one rule and agent alone.
fn group_query(rule: &str, agent: &str) -> String {
    format!("?rule={}&agent={}", escape(rule), escape(agent))
}

/// The second line of a request that waits.
fn waiting_note(row: &ApprovalRow) -> String {
    let parts = [labels::about(row), row.gist.clone(), labels::progress(row)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// One request: a link, a line about it, and what stands below.
#[component]
fn Row(
    row: ApprovalRow,
    shown: Memo<String>,
    title: String,
    note: String,
    /// The part of the address that keeps the list as it is.
    #[prop(optional)]
    query: String,
    children: Children,
) -> impl IntoView {
    let id = row.id.clone();
    view! {
        <li class="queue-row approval-row">
            <a
                class="queue-link queue-item"
                href=format!("/approvals/{}{query}", row.id)
                aria-current=move || (*shown.read() == id).then_some("true")
            >
                <span class="queue-title">{title}</span>
            </a>
            {(!note.is_empty()).then(|| view! { <span class="approval-note faint">{note}</span> })}
            <span class="row">{children()}</span>
        </li>
    }
}

/// Requests of one agent that one rule holds, when there are too many to list.
#[component]
fn Group(group: ApprovalGroup) -> impl IntoView {
    let href = format!("/approvals{}", group_query(&group.rule, &group.agent));
    view! {
        <li class="queue-row approval-row">
            <a class="queue-link queue-item" href=href>
                <span class="queue-title">
                    {crate::labels::outside(&group.agent)} ": " {crate::labels::outside(&group.rule)}
                </span>
            </a>
            <span class="time-left">{labels::flood(&group)}</span>
        </li>
    }
}

/// An approval that can be used.
#[component]
fn InForce(
    row: ApprovalRow,
    shown: Memo<String>,
    may_decide: bool,
    as_of: Timestamp,
    state: PageState,
) -> impl IntoView {
    let id = row.id.clone();
    view! {
        <Row row=row.clone() shown=shown title=labels::in_force(&row) note=labels::used(&row, as_of)>
            {may_decide
                .then(|| {
                    view! {
                        <ActionForm action=state.revoke attr:class="approval-revoke">
                            <input type="hidden" name="id" value=id />
                            <Button small=true submit=true pending=state.revoke.pending()>
                                "Revoke"
                            </Button>
                        </ActionForm>
                    }
                })}
        </Row>
    }
}
