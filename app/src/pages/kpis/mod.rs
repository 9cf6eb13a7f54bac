//! Key figures of the path from draft to full traffic, the three alerts, and each candidate's projected and realised
//! values.

pub mod alert;
mod approvals;
pub mod labels;

use leptos::prelude::*;
use lifecycle::kpi::{Candidate, Summary};
use policy::Timestamp;

use self::{alert::AlertPanel, approvals::Approvals};
use crate::{
    api::kpi::{KpiReport, read_kpis},
    components::{
        Chip, Column, EmptyState, ErrorPanel, Head, LinkButton, PageHead, Panel, RelativeTime, Skeleton, Sparkline,
        Table, Tone, format,
    },
    frame::live_updates::use_live,
};

/// The KPIs page.
#[component]
pub fn Kpis() -> impl IntoView {
    let live = use_live();
    let report = Resource::new(move || live.pulse(), |_| read_kpis());
    view! {
        <PageHead title="KPIs" above=vec![("Home".into(), "/".into())] meta=|| view! { <span>"last 30 days"</span> } />
        <Transition fallback=|| view! { <Skeleton lines=10 /> }>
            {move || Suspend::new(async move {
                match report.await {
                    Ok(report) => view! { <Page report=report /> }.into_any(),
                    Err(error) => view! { <ErrorPanel error=error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Page(report: KpiReport) -> impl IntoView {
    let KpiReport { summary, trend, candidates, approvals, may_pause, as_of } = report;
    let alert_cards = labels::alert_cards(&summary, &trend);
    view! {
        <div class="stack">
            <div class="grid-3">
                {alert_cards.into_iter().map(|alert| view! { <AlertPanel alert=alert may_pause=may_pause /> }).collect_view()}
            </div>
            <div class="grid-4">
                {tiles(&summary, &trend).into_iter().map(|tile| view! { <TilePanel tile=tile /> }).collect_view()}
            </div>
            <Candidates candidates=candidates as_of=as_of />
            <Approvals kpi=approvals />
        </div>
    }
}

/// The tile of one key figure.
#[derive(Debug, Clone, PartialEq)]
struct Tile {
    title: &'static str,
    value: String,
    note: String,
    /// The values over time, never below zero.
    points: Vec<f64>,
}

fn tiles(now: &Summary, trend: &[Summary]) -> Vec<Tile> {
    let count = |number: i64| format::count(number.unsigned_abs());
    let bps = |figure: fn(&Summary) -> Option<i64>| -> Vec<f64> {
        trend.iter().map(|day| figure(day).unwrap_or(0).max(0) as f64).collect()
    };
    let times = |figure: fn(&Summary) -> Option<f64>| -> Vec<f64> {
        trend.iter().map(|day| figure(day).unwrap_or(0.0)).collect()
    };
    vec![
        Tile {
            title: "Candidates",
            value: count(now.candidate_throughput_count),
            note: format!("submitted; {} entered service", count(now.applied_candidate_count)),
            points: bps(|day| Some(day.candidate_throughput_count)),
        },
        Tile {
            title: "Adoption",
            value: labels::rate(now.adoption_rate_bps),
            note: format!(
                "{} approvals among {} review actions",
                count(now.approved_count),
                count(now.review_decision_count)
            ),
            points: bps(|day| day.adoption_rate_bps),
        },
        Tile {
            title: "Acceptance",
            value: labels::rate(now.candidate_acceptance_rate_bps),
            note: "of candidates got their quorum".to_owned(),
            points: bps(|day| day.candidate_acceptance_rate_bps),
        },
        Tile {
            title: "Time to first review",
            value: labels::time(now.avg_approval_latency_seconds),
            note: "from the packet to the first action on it".to_owned(),
            points: times(|day| day.avg_approval_latency_seconds),
        },
        Tile {
            title: "Unsafe candidates blocked",
            value: labels::rate(now.unsafe_candidate_block_rate_bps),
            note: "of those with a blocked scenario or failed guardrail".to_owned(),
            points: bps(|day| day.unsafe_candidate_block_rate_bps),
        },
        Tile {
            title: "Replay determinism",
            value: labels::rate(now.replay_determinism_rate_bps),
            note: "of packets replayed twice with one checksum".to_owned(),
            points: bps(|day| day.replay_determinism_rate_bps),
        },
        Tile {
            title: "Rollbacks",
            value: count(now.rollback_count),
            note: format!(
                "of {}",
                format::plural(now.rolled_back_candidate_count.unsigned_abs(), "candidate", "candidates")
            ),
            points: bps(|day| Some(day.rollback_count)),
        },
        Tile {
            title: "Time to recover",
            value: labels::time(now.rollback_mttr_seconds),
            note: "from noticing the trouble to the end of the rollback".to_owned(),
            points: times(|day| day.rollback_mttr_seconds),
        },
    ]
}

#[component]
fn TilePanel(tile: Tile) -> impl IntoView {
    let label = format!("{} over the last 30 days, now {}", tile.title, tile.value);
    view! {
        <Panel title=tile.title>
            <p class="figure">{tile.value}</p>
            <p class="faint">{tile.note}</p>
            <Sparkline points=tile.points label=label />
        </Panel>
    }
}

/// Projected and realised values of each candidate.
#[component]
fn Candidates(candidates: Vec<Candidate>, as_of: Timestamp) -> impl IntoView {
    if candidates.is_empty() {
        return view! {
            <Panel title="Projected against realised">
                <EmptyState title="No candidate in these 30 days">
                    <p>
                        "Each packet projects what its draft would do to margin and success. Once the bundle serves and outcomes are reported, the realised values are shown here too."
                    </p>
                    <LinkButton href="/studio">"Open the Studio"</LinkButton>
                </EmptyState>
            </Panel>
        }
        .into_any();
    }
    view! {
        <Panel title="Projected against realised" note="largest gap first" flush=true>
            <Table label="Projected against realised" interactive=true cards=true>
                <Head columns=&[
                    Column::Text("Candidate"), Column::Text("Replayed"), Column::Text("Measured"),
                    Column::Number("Margin, projected"), Column::Number("Margin, realised"), Column::Number("Gap"),
                    Column::Number("Success, projected"), Column::Number("Success, realised"),
                    Column::Number("Approval time, projected"), Column::Number("Approval time, realised"),
                ] />
                <tbody>
                    {candidates.into_iter().map(|candidate| view! { <Row candidate=candidate as_of=as_of /> }).collect_view()}
                </tbody>
            </Table>
        </Panel>
    }
    .into_any()
}

#[component]
fn Row(candidate: Candidate, as_of: Timestamp) -> impl IntoView {
    let id = candidate.candidate_id;
    let name = candidate.version.unwrap_or_else(|| format!("bundle {id}"));
    let when = move |at: Option<Timestamp>| match at {
        Some(at) => view! { <RelativeTime at=at as_of=as_of /> }.into_any(),
        None => view! { <span class="faint">"not yet"</span> }.into_any(),
    };
    let wide = candidate.margin_gap_bps.is_some_and(|gap| gap.abs() > lifecycle::kpi::MARGIN_GAP_BPS);
    let gap = labels::change(candidate.margin_gap_bps);
    view! {
        <tr>
            <td>
                <a class="mono" href=format!("/studio/{id}")>
                    {name}
                </a>
            </td>
            <td class="nowrap">
                <span class="on-cards faint">"replayed "</span>
                {when(candidate.replayed_at)}
            </td>
            <td class="nowrap">
                <span class="on-cards faint">"measured "</span>
                {when(candidate.monitored_at)}
            </td>
            <td class="num">
                <span class="on-cards faint">"margin projected "</span>
                {labels::change(candidate.projected_margin_delta_bps)}
            </td>
            <td class="num">
                <span class="on-cards faint">"realised "</span>
                {labels::change(candidate.realized_margin_delta_bps)}
            </td>
            <td class="num">
                <span class="on-cards faint">"gap "</span>
                {if wide {
                    view! {
                        <Chip tone=Tone::Bad sign="!">
                            {gap}
                        </Chip>
                    }
                        .into_any()
                } else {
                    gap.into_any()
                }}
            </td>
            <td class="num">
                <span class="on-cards faint">"success projected "</span>
                {labels::change(candidate.projected_success_delta_bps)}
            </td>
            <td class="num">
                <span class="on-cards faint">"realised "</span>
                {labels::change(candidate.realized_success_delta_bps)}
            </td>
            <td class="num">
                <span class="on-cards faint">"approval time projected "</span>
                {labels::time_change(candidate.projected_approval_latency_delta_seconds)}
            </td>
            <td class="num">
                <span class="on-cards faint">"realised "</span>
                {labels::time_change(candidate.realized_approval_latency_delta_seconds)}
            </td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::kpi;

    use super::*;

    #[test]
    fn tiles_of_an_empty_workspace_have_dashes_for_rates() {
        let nothing = kpi::summary(&[], Timestamp::EPOCH);
        let tiles = tiles(&nothing, std::slice::from_ref(&nothing));
        assert_eq!(tiles.iter().filter(|tile| tile.value == labels::NOTHING).count(), 6);
        assert!(tiles.iter().all(|tile| tile.points == [0.0]));
    }
}
