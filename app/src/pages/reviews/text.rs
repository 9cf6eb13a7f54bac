//! The text of a packet: what changes in the rules, field by field.

use leptos::prelude::*;
use policy::bundle::diff::TextDiff;

use super::diff::{Card, Condition, Fate, Kind, Line, Said, cards, settings};
use crate::components::{Chip, ConditionChip, EffectBadge, EmptyState, Notice, Tone, format};

/// The rule diff: old struck through, new beside it, in words.
#[component]
pub(super) fn TextDiffView(diff: TextDiff, cut: usize, base: bool, rule_count: usize) -> impl IntoView {
    let (cards, settings) = (cards(&diff), settings(&diff));
    if cards.is_empty() && settings.is_empty() {
        return view! {
            <EmptyState title="No rule changes">
                <p>"The bundle has the same rules and settings as the one that is live."</p>
            </EmptyState>
        }
        .into_any();
    }
    let compared = if base {
        format!("{} The bundle then has {}.", sentence(&diff.summary), rules(rule_count))
    } else {
        format!("Nothing was live when this was submitted, so every rule is new: {}.", rules(rule_count))
    };
    view! {
        <div class="stack packet-body">
            <p class="lead">{compared}</p>
            {(!settings.is_empty())
                .then(|| {
                    view! {
                        <article class="diff-card">
                            <header class="diff-head">
                                <Chip tone=Tone::Warn sign="~">
                                    "changed"
                                </Chip>
                                <h2>"Settings of the bundle"</h2>
                            </header>
                            <Lines lines=settings />
                        </article>
                    }
                })}
            {cards.into_iter().map(|card| view! { <RuleCard card=card /> }).collect_view()}
            {(cut > 0)
                .then(|| {
                    view! {
                        <Notice>
                            {format!(
                                "{} more changed rules are not drawn here. The packet's JSON under Evidence has all of them.",
                                format::count(cut as u64),
                            )}
                        </Notice>
                    }
                })}
        </div>
    }
    .into_any()
}

fn rules(count: usize) -> String {
    format::plural(count as u64, "rule", "rules")
}

fn sentence(summary: &str) -> String {
    let text = crate::labels::capital(summary);
    if text.ends_with('.') { text } else { format!("{text}.") }
}

#[component]
fn RuleCard(card: Card) -> impl IntoView {
    let (tone, sign) = match card.kind {
        Kind::Added => (Tone::Good, "+"),
        Kind::Removed => (Tone::Bad, "−"),
        Kind::Changed => (Tone::Warn, "~"),
    };
    view! {
        <article class="diff-card">
            <header class="diff-head">
                <Chip tone=tone sign=sign>
                    {card.kind.label()}
                </Chip>
                <h2 class="mono">{card.id}</h2>
                <span class="muted diff-whom">{card.agent} " · " {card.action}</span>
            </header>
            <p class="diff-when">
                <span class="faint">"When "</span>
                {if card.conditions.is_empty() {
                    view! { <span class="muted">"always"</span> }.into_any()
                } else {
                    card.conditions
                        .into_iter()
                        .map(|condition| view! { <ConditionView condition=condition whole=card.kind != Kind::Changed /> " " })
                        .collect_view()
                        .into_any()
                }}
            </p>
            <Lines lines=card.lines />
        </article>
    }
}

/// A condition with what became of it. Of a `whole` rule, added or removed, the single condition is not marked again.
#[component]
fn ConditionView(condition: Condition, whole: bool) -> impl IntoView {
    let Condition { key, value, fate } = condition;
    match fate {
        Fate::Was(was) => view! { <ConditionChip field=key value=value was=was /> }.into_any(),
        Fate::Gone if !whole => view! {
            <del class="condition-gone">
                <ConditionChip field=key value=value />
            </del>
        }
        .into_any(),
        Fate::New if !whole => view! {
            <ins class="condition-new">
                <ConditionChip field=key value=value />
            </ins>
        }
        .into_any(),
        _ => view! { <ConditionChip field=key value=value /> }.into_any(),
    }
}

#[component]
fn Lines(lines: Vec<Line>) -> impl IntoView {
    (!lines.is_empty()).then(|| {
        view! {
            <dl class="facts diff-lines">
                {lines
                    .into_iter()
                    .map(|line| {
                        let both = line.before != Said::Nothing && line.after != Said::Nothing;
                        view! {
                            <dt>{line.label}</dt>
                            <dd>
                                <Value said=line.before old=both /> {both.then_some(" → ")} <Value said=line.after old=false />
                            </dd>
                        }
                    })
                    .collect_view()}
            </dl>
        }
    })
}

#[component]
fn Value(said: Said, old: bool) -> impl IntoView {
    match said {
        Said::Nothing => ().into_any(),
        Said::Effect(effect) if old => view! {
            <del class="old-effect">
                <EffectBadge effect=effect />
            </del>
        }
        .into_any(),
        Said::Effect(effect) => view! { <EffectBadge effect=effect /> }.into_any(),
        Said::Text(text) if old => view! { <del class="muted">{text}</del> }.into_any(),
        Said::Text(text) => view! { <span>{text}</span> }.into_any(),
    }
}
