//! What replaying recorded decisions showed.

use leptos::prelude::*;
use lifecycle::{
    analysis::diff::Outcome,
    bundle::Effect,
    replay::{Change, Summary, Transitions},
    review::packet::ReplayReport,
};

use crate::{
    components::{
        BarStack, EffectBadge, EmptyState, Notice, Part, Table, Tone, effect_words, facts::gist, format,
        region::TransitionMatrix, short_digest,
    },
    words,
};

/// Flips drawn at once.
const SHOWN: usize = 20;

/// The replay: effect bars, transition counts and the decisions that flip.
#[component]
pub(super) fn Impact(
    replay: ReplayReport,
    transitions: Vec<(Effect, Effect, usize)>,
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
    let complete = replay.total_flips == transitions.iter().map(|(.., count)| count).sum::<usize>();
    let matrix = replay.base_summary.as_ref().filter(|_| complete).map(|base| matrix(base, &transitions));
    let base_bar = base.clone().zip(replay.base_summary.clone());
    view! {
        <div class="stack packet-body">
            {replay
                .insufficient_evidence
                .then(|| {
                    view! {
                        <Notice tone=Tone::Bad>
                            <strong>"Insufficient evidence"</strong>
                            <p>
                                {format!(
                                    "Only {} replayed; at least 100 recorded decisions are needed to conclude anything. \
                                     This counts as high risk.",
                                    format::plural(total as u64, "decision was", "decisions were"),
                                )}
                            </p>
                        </Notice>
                    }
                })}
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
            {matrix.map(|transitions| view! { <TransitionMatrix transitions=transitions /> })}
            <Flips flips=replay.flips total=replay.total_flips recorded=recorded />
        </div>
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
fn DeltasView(deltas: lifecycle::replay::Deltas) -> impl IntoView {
    let cost = if deltas.estimated_cost == 0.0 {
        "no change".to_owned()
    } else {
        let sign = if deltas.estimated_cost > 0.0 { "+" } else { "" };
        format!("{sign}{}", format::usd(deltas.estimated_cost))
    };
    let rows = [
        ("Allowed", words::points(deltas.allow_rate)),
        ("Needs approval", words::points(deltas.approval_rate)),
        ("Denied", words::points(deltas.deny_rate)),
        ("No match", words::points(deltas.no_match_rate)),
        ("Errors", words::points(deltas.error_rate)),
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

/// From which answer to which. Flips are all that is known of errors, so they count by the effect that holds.
fn matrix(base: &Summary, transitions: &[(Effect, Effect, usize)]) -> Transitions {
    let at = |effect| Transitions::index(Outcome { effect, error: false });
    let mut counts = [[0; 4]; 4];
    for (from, all) in [
        (Effect::Allow, base.allow_count),
        (Effect::NeedsApproval, base.approval_count),
        (Effect::Deny, base.deny_count),
    ] {
        let gone: usize = transitions.iter().filter(|(before, ..)| *before == from).map(|(.., count)| count).sum();
        counts[at(from)][at(from)] = all.saturating_sub(gone);
    }
    for (before, after, count) in transitions.iter().filter(|(before, after, _)| before != after) {
        counts[at(*before)][at(*after)] += count;
    }
    Transitions(counts)
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
            <thead>
                <tr>
                    <th scope="col">"Decision"</th>
                    <th scope="col">"Input"</th>
                    <th scope="col">"Before"</th>
                    <th scope="col">"After"</th>
                    <th scope="col">"Decided by"</th>
                </tr>
            </thead>
            <tbody>
                {flips
                    .into_iter()
                    .take(SHOWN)
                    .map(|flip| {
                        let id = short_digest(&flip.case_id);
                        let name = if recorded {
                            view! {
                                <a class="mono" href=format!("/decisions/{}", crate::pages::decisions::query::escape(&flip.case_id))>
                                    {id}
                                </a>
                            }
                                .into_any()
                        } else {
                            view! { <span class="mono">{flip.case_id.clone()}</span> }.into_any()
                        };
                        let (before, after) = (by(flip.before_rule), by(flip.after_rule));
                        view! {
                            <tr>
                                <td class="flip-id">{name}</td>
                                <td>
                                    <strong>{flip.agent} " · " {flip.action}</strong>
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
    fn the_matrix_keeps_what_did_not_flip_on_its_diagonal() {
        let base = Summary { allow_count: 100, approval_count: 10, deny_count: 50, ..Summary::default() };
        let transitions = [(Effect::Deny, Effect::Allow, 7), (Effect::Allow, Effect::Deny, 1)];
        let Transitions(rows) = matrix(&base, &transitions);
        assert_eq!(rows, [[99, 0, 1, 0], [0, 10, 0, 0], [7, 0, 43, 0], [0; 4]]);
    }
}
