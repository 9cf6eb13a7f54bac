//! The Safety tab of a packet: guardrails, red team, invariants and lint.

use leptos::prelude::*;
use lifecycle::review::{
    Guardrail, GuardrailVerdict, Retirement, Scenario, ScenarioVerdict,
    content::{InvariantResult, InvariantVerdict},
    guardrails::GuardrailName,
    red_team::Bypass,
};

use super::lint::Lint;
use crate::{
    components::{Chip, Column, EffectBadge, ExternalText, Head, Notice, Table, Tone, facts::gist},
    labels,
};

/// All checks that can block an approval, with their values.
#[component]
pub(super) fn Safety(
    guardrails: Vec<Guardrail>,
    red_team: Vec<Scenario>,
    retires: Vec<Retirement>,
    invariants: Vec<InvariantResult>,
    lint: policy::lint::Report,
) -> impl IntoView {
    let old = guardrails.is_empty() && red_team.is_empty();
    view! {
        <div class="stack packet-body">
            {old
                .then(|| {
                    view! {
                        <Notice tone=Tone::Warn>
                            "This packet was built by an older version, which did not evaluate guardrails and scenarios. \
                             Withdraw the bundle and submit it again to have them."
                        </Notice>
                    }
                })}
            <section class="stack">
                <h2 class="section-title">"Guardrails"</h2>
                <Guardrails guardrails=guardrails />
            </section>
            <section class="stack">
                <h2 class="section-title">"Red team"</h2>
                <ul class="packet-findings">
                    {red_team.into_iter().map(|scenario| view! { <ScenarioView scenario=scenario /> }).collect_view()}
                </ul>
            </section>
            {(!retires.is_empty())
                .then(|| {
                    view! {
                        <section class="stack">
                            <h2 class="section-title">"Retired guards"</h2>
                            <Notice tone=Tone::Bad>
                                <ul class="reasons">
                                    {retires
                                        .into_iter()
                                        .map(|retired| {
                                            view! {
                                                <li>
                                                    <strong>{labels::capital(retired.kind.words())} " " <code><ExternalText text=retired.id /></code> ": "</strong>
                                                    <ExternalText text=retired.reason lines=true />
                                                </li>
                                            }
                                        })
                                        .collect_view()}
                                </ul>
                            </Notice>
                        </section>
                    }
                })}
            <section class="stack">
                <h2 class="section-title">"Invariants"</h2>
                <Invariants invariants=invariants />
            </section>
            <section class="stack">
                <h2 class="section-title">"Lint"</h2>
                <Lint report=lint />
            </section>
        </div>
    }
}

const fn guardrail_chip(verdict: GuardrailVerdict) -> (Tone, &'static str, &'static str) {
    match verdict {
        GuardrailVerdict::Pass => (Tone::Good, "✓", "pass"),
        GuardrailVerdict::Fail => (Tone::Bad, "✕", "fail"),
        GuardrailVerdict::NoData => (Tone::Neutral, "○", "no outcomes"),
        GuardrailVerdict::InsufficientEvidence => (Tone::Warn, "▲", "insufficient evidence"),
    }
}

#[component]
fn Guardrails(guardrails: Vec<Guardrail>) -> impl IntoView {
    let amount = |value: i64, name: GuardrailName| {
        let sign = if value < 0 { "−" } else { "+" };
        format!("{sign}{} {}", value.unsigned_abs(), name.unit())
    };
    view! {
        <Table label="Guardrails" cards=true>
            <Head columns=&[
                Column::Text("Guardrail"), Column::Number("Projected"), Column::Number("Limit"),
                Column::Text("Verdict"),
            ] />
            <tbody>
                {guardrails
                    .into_iter()
                    .map(|guardrail| {
                        let (tone, sign, word) = guardrail_chip(guardrail.verdict);
                        let value = guardrail.value.map_or_else(|| "not known".to_owned(), |v| amount(v, guardrail.name));
                        view! {
                            <tr>
                                <th scope="row">{labels::capital(guardrail.name.words())}</th>
                                <td class="num">{value}</td>
                                <td class="num">{amount(guardrail.limit, guardrail.name)}</td>
                                <td>
                                    <Chip tone=tone sign=sign>
                                        {word}
                                    </Chip>
                                </td>
                            </tr>
                        }
                    })
                    .collect_view()}
            </tbody>
        </Table>
    }
}

#[component]
fn ScenarioView(scenario: Scenario) -> impl IntoView {
    let (tone, sign, word) = match scenario.verdict {
        ScenarioVerdict::Pass => (Tone::Good, "✓", "pass"),
        ScenarioVerdict::Blocked => (Tone::Bad, "✕", "blocked"),
        ScenarioVerdict::Undecided => (Tone::Warn, "?", "undecided"),
        ScenarioVerdict::NoData => (Tone::Neutral, "○", "no outcomes"),
        ScenarioVerdict::InsufficientEvidence => (Tone::Warn, "▲", "insufficient evidence"),
        ScenarioVerdict::Retired => (Tone::Bad, "▲", "retired"),
    };
    view! {
        <li class="packet-finding">
            <Chip tone=tone sign=sign>
                {word}
            </Chip>
            <div class="stack-tight">
                <p class="packet-finding-message">
                    <strong>{labels::capital(scenario.name.words())}</strong>
                </p>
                <p class="muted">{labels::unticked(&scenario.detail)}</p>
                {scenario.witnesses.into_iter().map(|bypass| view! { <BypassView bypass=bypass /> }).collect_view()}
            </div>
        </li>
    }
}

/// An input that shows a bypass.
#[component]
fn BypassView(bypass: Bypass) -> impl IntoView {
    let by = |rule: Option<String>| rule.unwrap_or_else(|| "the default".to_owned());
    let facts = gist(&bypass.input.context);
    let facts = if facts.is_empty() { "an empty input".to_owned() } else { facts };
    view! {
        <div class="witness">
            <p>
                <EffectBadge effect=bypass.before />
                " "
                <span aria-hidden="true">"→"</span>
                <span class="visually-hidden">"becomes"</span>
                " "
                <EffectBadge effect=bypass.after />
                " "
                <strong><ExternalText text=bypass.input.agent /> " · " <ExternalText text=bypass.input.action /></strong>
            </p>
            <p class="mono breaks">{facts}</p>
            <p class="muted">
                "Held back by "
                <code>{labels::outside(&bypass.protected_by)}</code>
                {format!("; decided by {}, now by {}.", by(bypass.before_rule), by(bypass.after_rule))}
            </p>
        </div>
    }
}

#[component]
fn Invariants(invariants: Vec<InvariantResult>) -> impl IntoView {
    if invariants.is_empty() {
        return view! {
            <p class="muted">
                "The workspace had none when this was submitted. Administrators write them under "
                <a href="/settings?tab=invariants">"Settings, Invariants"</a> "."
            </p>
        }
        .into_any();
    }
    view! {
        <ul class="packet-findings">
            {invariants
                .into_iter()
                .map(|result| {
                    let (tone, sign, word) = match result.verdict {
                        InvariantVerdict::Holds => (Tone::Good, "✓", "holds"),
                        InvariantVerdict::Violated => (Tone::Bad, "✕", "violated"),
                        InvariantVerdict::Undecided => (Tone::Warn, "?", "undecided"),
                    };
                    let note = result.invariant.note;
                    view! {
                        <li class="packet-finding">
                            <Chip tone=tone sign=sign>
                                {word}
                            </Chip>
                            <div>
                                <p class="packet-finding-message">
                                    <code>{labels::outside(&result.invariant.id)}</code>
                                    " "
                                    <ExternalText text=result.statement />
                                </p>
                                {(!note.is_empty()).then(|| view! { <p class="muted"><ExternalText text=note lines=true /></p> })}
                                {result
                                    .witness
                                    .map(|input| view! { <p class="mono breaks">{gist(&input.context)}</p> })}
                            </div>
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    }
    .into_any()
}

/// The number of checks that passed.
pub(super) fn passed(guardrails: &[Guardrail], red_team: &[Scenario], invariants: &[InvariantResult]) -> usize {
    guardrails.iter().filter(|guardrail| guardrail.verdict == GuardrailVerdict::Pass).count()
        + red_team.iter().filter(|scenario| scenario.verdict == ScenarioVerdict::Pass).count()
        + invariants.iter().filter(|result| result.verdict == InvariantVerdict::Holds).count()
}
