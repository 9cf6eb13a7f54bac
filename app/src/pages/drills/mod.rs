//! Rollback drills: running a drill, and the signed reports of past drills.

mod labels;
mod outcome;
mod report;

use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;
use lifecycle::{authority::Permission, rollout::DrillReport, signing::Checked};
use policy::Timestamp;

use self::{labels::milliseconds, outcome::Outcome, report::Report};
use crate::{
    api::drills::{DrillView, RunDrill, list_drills},
    components::{
        Button, ButtonKind, Column, EmptyState, ErrorPanel, Head, Notice, PageHead, Panel, RelativeTime, Skeleton,
        Table, Tone, form_error, use_toasts,
    },
    frame::live_updates::use_live,
};

/// Rollback drills.
#[component]
pub fn Drills() -> impl IntoView {
    let live = use_live();
    let action = ServerAction::<RunDrill>::new();
    let drills = Resource::new(move || (live.changed(), action.version().get()), |_| list_drills());
    let toasts = use_toasts();
    Effect::new(move |_| {
        if let Some(Ok(report)) = action.value().get() {
            if report.safety_passed {
                toasts.good(format!("The drill with {} passed.", report.candidate_version));
            } else {
                toasts.note(format!("The drill with {} failed: see the report.", report.candidate_version));
            }
        }
    });
    view! {
        <Transition fallback=|| view! { <Skeleton lines=8 /> }>
            {move || Suspend::new(async move {
                match drills.await {
                    Ok(view) => view! { <Page view=view action=action /> }.into_any(),
                    Err(error) => {
                        view! {
                            <PageHead title="Drills" above=above() />
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
    vec![("Rollouts".to_owned(), "/rollouts".to_owned())]
}

#[component]
fn Page(view: DrillView, action: ServerAction<RunDrill>) -> impl IntoView {
    let DrillView { reports, me, as_of } = view;
    let may_run = me.may(Permission::Apply);
    let query = use_query_map();
    let (tone, summary) = labels::summary(reports.first(), as_of);
    let refused = form_error(action);
    let shown = reports.clone();
    let detail = move || {
        let wanted: Option<i64> = query.read().get("drill").and_then(|id| id.parse().ok());
        let report = match wanted {
            Some(id) => shown.iter().find(|report| report.record.id == id),
            None => shown.first(),
        };
        report.cloned().map(|report| view! { <Report report=report as_of=as_of /> })
    };
    view! {
        <PageHead
            title="Drills"
            above=above()
            actions=move || {
                may_run
                    .then(|| {
                        view! {
                            <ActionForm action=action>
                                <Button kind=ButtonKind::Primary submit=true pending=action.pending()>
                                    "Run drill"
                                </Button>
                            </ActionForm>
                        }
                    })
            }
        />
        <div class="stack">
            {move || refused.get().map(|text| view! { <Notice tone=Tone::Bad><p role="alert">{text}</p></Notice> })}
            <Notice tone=tone>
                <strong>{summary}</strong>
                <p>
                    "A drill applies an approved packet, rolls it back and applies it again, with the code and the database that serve, \
                     in a sandbox that is always undone. What is live is neither touched nor held up."
                </p>
            </Notice>
            {if reports.is_empty() {
                view! {
                    <Panel>
                        <EmptyState title="No drill has been run yet">
                            <p>
                                {if may_run {
                                    "Run one each week: it takes a second or two, and its signed report is listed here."
                                } else {
                                    "Runtime owners run one each week. Its signed report is listed here."
                                }}
                            </p>
                        </EmptyState>
                    </Panel>
                }
                    .into_any()
            } else {
                view! {
                    {detail}
                    <List reports=reports as_of=as_of />
                }
                    .into_any()
            }}
        </div>
    }
}

/// All reports, newest first.
#[component]
fn List(reports: Vec<Checked<DrillReport>>, as_of: Timestamp) -> impl IntoView {
    view! {
        <Panel title="Reports" note="every report is signed" flush=true>
            <Table label="Drills" interactive=true cards=true>
                <Head columns=&[
                    Column::Text("When"), Column::Text("Result"), Column::Text("Candidate"), Column::Number("Apply"),
                    Column::Number("Rollback"), Column::Number("Apply again"), Column::Text("By"),
                ] />
                <tbody>
                    {reports
                        .into_iter()
                        .map(|Checked { record: report, refused }| {
                            view! {
                                <tr>
                                    <td>
                                        <a href=format!("/drills?drill={}", report.id)>
                                            <RelativeTime at=report.at as_of=as_of />
                                        </a>
                                    </td>
                                    <td>
                                        <Outcome passed=report.safety_passed refused=refused.is_some() />
                                    </td>
                                    <td class="mono">{report.candidate_version}</td>
                                    <td class="num">{milliseconds(report.apply_duration_ms)}</td>
                                    <td class="num">{milliseconds(report.rollback_duration_ms)}</td>
                                    <td class="num">{milliseconds(report.reapply_duration_ms)}</td>
                                    <td>{crate::labels::outside(&report.run_by)}</td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </Table>
        </Panel>
    }
}
