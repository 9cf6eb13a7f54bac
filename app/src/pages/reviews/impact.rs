//! The Impact tab of a packet: the result of replaying recorded decisions.

use leptos::prelude::*;
use lifecycle::review::{BlastRadius, ProjectedKpis, content::ReplayReport};
use policy::{
    bundle::Effect,
    replay::{Change, Summary},
};

use crate::{
    components::{
        BarStack, Column, EffectBadge, EmptyState, ExternalText, Head, Notice, Part, Table, Tone, effect_words,
        facts::gist, format, short_digest,
    },
    filter::address::escape,
    labels,
};

/// The number of flips shown.
const SHOWN: usize = 20;

/// The replay: effect bars, transition counts and the decisions that flip.
#[component]
pub(super) fn Impact(
    replay: ReplayReport,
    kpis: Option<ProjectedKpis>,
    blast: Option<BlastRadius>,
    version: String,
    base: Option<String>,
) -> impl IntoView {
    let total = replay.corpus_count;
    let share = if total == 0 { 0.0 } else { replay.total_flips as f64 / total as f64 };
    let headline = match (&base, replay.total_flips) {
        (None, _) => format!("Nothing was live to compare with; this is how {version} answers."),
        (Some(base), 0) => {
            format!(
                "None of the {} replayed decisions changes: {version} answers exactly as {base}.",
                format::count(total as u64)
            )
        }
        (Some(_), flips) => format!(
            "{} of {} replayed decisions change their answer ({}).",
            format::count(flips as u64),
            format::count(total as u64),
            format::percent(share)
        ),
    };
    let recorded = replay.corpus_source == "recorded";
    let forecast = replay.approvals_per_day();
    let base_bar = base.clone().zip(replay.base_summary.clone());
    view! {
        <div class="stack packet-body">
            {(!replay.deterministic_pass)
                .then(|| {
                    view! {
                        <Notice tone=Tone::Bad>
                            <strong>"Not deterministic"</strong>
                            <p>"Two replays of the same decisions gave different results. Do not sign this."</p>
                        </Notice>
                    }
                })}
            <p class="lead">{headline}</p>
            <div class="bars">
                {base_bar.map(|(version, summary)| view! { <Bar name=format!("Base {version}") summary=summary /> })}
                <Bar name=format!("This bundle {version}") summary=replay.bundle_summary.clone() />
            </div>
            {replay.deltas.map(|deltas| view! { <DeltasView deltas=deltas /> })}
            {forecast.map(|(before, after)| view! { <Forecast before=before after=after /> })}
            {kpis.map(|kpis| view! { <Projected kpis=kpis /> })}
            {blast.map(|blast| view! { <Blast blast=blast /> })}
            <Flips flips=replay.flips total=replay.total_flips recorded=recorded />
        </div>
    }
}

#[component]
fn Forecast(before: Option<f64>, after: f64) -> impl IntoView {
    let forecast = match before {
        Some(before) => format!("About {} a day; now about {}.", approvals(after), approvals(before)),
        None => format!("About {} a day.", approvals(after)),
    };
    view! {
        <section>
            <h2 class="section-title">"Approvals forecast"</h2>
            <p>{forecast} <span class="muted">" At the pace of the replayed decisions."</span></p>
        </section>
    }
}

/// An estimated number of approvals: whole, or with tenths below ten.
fn approvals(number: f64) -> String {
    if number >= 10.0 { format!("{number:.0} approvals") } else { format!("{number:.1} approvals") }
}

#[component]
fn Projected(kpis: ProjectedKpis) -> impl IntoView {
    let bps = |value: Option<i64>| value.map_or_else(|| "not known".to_owned(), |value| signed(value, "bps"));
    let latency = kpis.approval_latency_delta_ms.map_or_else(|| "not known".to_owned(), |ms| signed(ms, "ms"));
    let rows = [
        ("Margin", bps(kpis.margin_delta_bps)),
        ("Success rate", bps(kpis.success_delta_bps)),
        ("Approval load", bps(Some(kpis.approval_load_delta_bps))),
        ("Hard violations", signed(kpis.hard_violation_delta, "decisions")),
        ("Latency", latency),
        ("Imputed share", format!("{}\u{a0}bps", format::count(kpis.imputed_share_bps.unsigned_abs()))),
    ];
    let imputed = match (kpis.imputed, kpis.unknown) {
        (0, _) => "No decision is newly allowed, so no outcome is imputed.".to_owned(),
        (imputed, 0) => format!(
            "{} newly allowed: each takes the mean outcome of allowed decisions of the same agent and action.",
            format::plural(imputed, "decision is", "decisions are")
        ),
        (imputed, unknown) => format!(
            "{} newly allowed; of {} nothing like them has an outcome, so they count in nothing here.",
            format::plural(imputed, "decision is", "decisions are"),
            format::count(unknown)
        ),
    };
    let known = format!(
        "{} of {} replayed decisions have a recorded outcome. {imputed}",
        format::count(kpis.recorded_outcomes),
        format::count(kpis.decisions)
    );
    view! {
        <section class="stack-tight">
            <h2 class="section-title">"Projected KPIs"</h2>
            <dl class="deltas">
                {rows
                    .into_iter()
                    .map(|(name, change)| {
                        view! {
                            <div>
                                <dt>{name}</dt>
                                <dd>{change}</dd>
                            </div>
                        }
                    })
                    .collect_view()}
            </dl>
            <p class="muted">{known}</p>
        </section>
    }
}

/// `+12 bps`, `−3 ms`, `±0 bps`
fn signed(value: i64, unit: &str) -> String {
    let sign = match value {
        0 => "±",
        1.. => "+",
        _ => "−",
    };
    format!("{sign}{}\u{a0}{unit}", format::count(value.unsigned_abs()))
}

#[component]
fn Blast(blast: BlastRadius) -> impl IntoView {
    let names = |names: Vec<String>, any: &str| {
        if names.is_empty() {
            return "none".to_owned();
        }
        labels::all_of(names.into_iter().map(|name| if name == "*" { any.to_owned() } else { name }))
    };
    let share = blast.share_bps as f64 / 10_000.0;
    let touched = format!(
        "{} of {} replayed decisions ({})",
        format::count(blast.decisions),
        format::count(blast.of_decisions),
        format::percent(share)
    );
    let subjects = (blast.of_subjects > 0)
        .then(|| format!("{} of {}", format::count(blast.subjects), format::count(blast.of_subjects)));
    view! {
        <section class="stack-tight">
            <h2 class="section-title">"Blast radius"</h2>
            <dl class="facts">
                <dt>"Agents"</dt>
                <dd class="breaks">{names(blast.agents, "any other agent")}</dd>
                <dt>"Actions"</dt>
                <dd class="breaks">{names(blast.actions, "any other action")}</dd>
                <dt>"Decisions"</dt>
                <dd>{touched}</dd>
                {subjects
                    .map(|subjects| {
                        view! {
                            <dt>"Subjects"</dt>
                            <dd>{subjects}</dd>
                        }
                    })}
            </dl>
        </section>
    }
}

#[component]
fn Bar(name: String, summary: Summary) -> impl IntoView {
    let part = |effect: Effect, amount: usize| Part {
        name: effect_words(effect).to_owned(),
        amount: amount as f64,
        tone: Tone::of(effect),
    };
    let parts = vec![
        part(Effect::Allow, summary.allow_count),
        part(Effect::NeedsApproval, summary.approval_count),
        part(Effect::Deny, summary.deny_count),
    ];
    view! {
        <div class="effect-bar">
            <p class="effect-bar-name">
                {name.clone()}
                <span class="faint">
                    {format!(" · no match {} · errors {}", format::percent(summary.no_match_rate), format::percent(summary.error_rate))}
                </span>
            </p>
            <BarStack parts=parts label=name legend=true />
        </div>
    }
}

#[component]
fn DeltasView(deltas: policy::replay::Deltas) -> impl IntoView {
    let cost = if deltas.estimated_cost == 0.0 {
        "no change".to_owned()
    } else {
        let sign = if deltas.estimated_cost > 0.0 { "+" } else { "" };
        format!("{sign}{}", format::usd(deltas.estimated_cost))
    };
    let rows = [
        ("Allowed", labels::points(deltas.allow_rate)),
        ("Needs approval", labels::points(deltas.approval_rate)),
        ("Denied", labels::points(deltas.deny_rate)),
        ("No match", labels::points(deltas.no_match_rate)),
        ("Errors", labels::points(deltas.error_rate)),
        ("Estimated cost", cost),
    ];
    view! {
        <dl class="deltas">
            {rows
                .into_iter()
                .map(|(name, change)| {
                    let quiet = change == "no change";
                    view! {
                        <div>
                            <dt>{name}</dt>
                            <dd class:muted=quiet>{change}</dd>
                        </div>
                    }
                })
                .collect_view()}
        </dl>
    }
}

#[component]
fn Flips(flips: Vec<Change>, total: usize, recorded: bool) -> impl IntoView {
    if flips.is_empty() {
        return view! {
            <EmptyState title="No decision flips">
                <p>"Replaying what agents really asked gives the same answers as before."</p>
            </EmptyState>
        }
        .into_any();
    }
    let shown = flips.len().min(SHOWN);
    let title = if shown < total {
        format!("Decisions that flip: {shown} of {}", format::count(total as u64))
    } else {
        "Decisions that flip".to_owned()
    };
    let by = |rule: Option<String>| rule.unwrap_or_else(|| "default".to_owned());
    view! {
        <h2 class="section-title">{title}</h2>
        <Table label="Decisions that flip">
            <Head columns=&[
                Column::Text("Decision"), Column::Text("Input"), Column::Text("Before"), Column::Text("After"),
                Column::Text("Decided by"),
            ] />
            <tbody>
                {flips
                    .into_iter()
                    .take(SHOWN)
                    .map(|flip| {
                        let id = short_digest(&flip.case_id);
                        let name = if recorded {
                            view! {
                                <a class="mono" href=format!("/decisions/{}", escape(&flip.case_id))>
                                    {id}
                                </a>
                            }
                                .into_any()
                        } else {
                            view! { <span class="mono">{labels::outside(&flip.case_id)}</span> }.into_any()
                        };
                        let (before, after) = (by(flip.before_rule), by(flip.after_rule));
                        view! {
                            <tr>
                                <td class="flip-id">{name}</td>
                                <td>
                                    <strong><ExternalText text=flip.agent /> " · " <ExternalText text=flip.action /></strong>
                                    <br />
                                    <span class="muted mono">{gist(&flip.context)}</span>
                                </td>
                                <td>
                                    <EffectBadge effect=flip.before />
                                </td>
                                <td>
                                    <EffectBadge effect=flip.after />
                                </td>
                                <td class="mono">
                                    {if before == after { after } else { format!("{before} → {after}") }}
                                </td>
                            </tr>
                        }
                    })
                    .collect_view()}
            </tbody>
        </Table>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_carry_their_sign_and_unit() {
        assert_eq!(signed(-1234, "bps"), "−1,234\u{a0}bps");
        assert_eq!(signed(0, "bps"), "±0\u{a0}bps");
        assert_eq!(signed(7, "ms"), "+7\u{a0}ms");
        assert_eq!(approvals(3.25), "3.2 approvals");
        assert_eq!(approvals(120.4), "120 approvals");
    }
}
