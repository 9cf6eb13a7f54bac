//! The Text tab of a packet: the changes of the rules, field by field.

use leptos::prelude::*;
use policy::bundle::diff::TextDiff;

use super::diff::{self, ChangeKind, Condition, ConditionChange, FieldLine, FieldValue, RuleDiff};
use crate::components::{Chip, ConditionChip, EffectBadge, EmptyState, ExternalText, Notice, Tone, format};

/// The rule diff: old values struck through, followed by the new values.
#[component]
pub(super) fn TextDiffView(diff: TextDiff, cut: usize, base: bool, rule_count: usize) -> impl IntoView {
    let (changed_rules, settings) = (diff::rules(&diff), diff::settings(&diff));
    if changed_rules.is_empty() && settings.is_empty() {
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
            {changed_rules.into_iter().map(|rule| view! { <RuleCard rule=rule /> }).collect_view()}
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
fn RuleCard(rule: RuleDiff) -> impl IntoView {
    let (tone, sign) = match rule.kind {
        ChangeKind::Added => (Tone::Good, "+"),
        ChangeKind::Removed => (Tone::Bad, "−"),
        ChangeKind::Changed => (Tone::Warn, "~"),
    };
    view! {
        <article class="diff-card">
            <header class="diff-head">
                <Chip tone=tone sign=sign>
                    {rule.kind.label()}
                </Chip>
                <h2 class="mono"><ExternalText text=rule.id /></h2>
                <span class="muted diff-scope"><ExternalText text=rule.agent /> " · " <ExternalText text=rule.action /></span>
            </header>
            <p class="diff-when">
                <span class="faint">"When "</span>
                {if rule.conditions.is_empty() {
                    view! { <span class="muted">"always"</span> }.into_any()
                } else {
                    rule.conditions
                        .into_iter()
                        .map(|condition| view! { <ConditionView condition=condition whole=rule.kind != ChangeKind::Changed /> " " })
                        .collect_view()
                        .into_any()
                }}
            </p>
            <Lines lines=rule.lines />
        </article>
    }
}

/// A condition with its change. In a `whole` rule, added or removed, the single condition is not marked.
#[component]
fn ConditionView(condition: Condition, whole: bool) -> impl IntoView {
    let Condition { key, value, change } = condition;
    match change {
        ConditionChange::ChangedFrom(was) => view! { <ConditionChip field=key value=value was=was /> }.into_any(),
        ConditionChange::Removed if !whole => view! {
            <del class="condition-gone">
                <ConditionChip field=key value=value />
            </del>
        }
        .into_any(),
        ConditionChange::Added if !whole => view! {
            <ins class="condition-new">
                <ConditionChip field=key value=value />
            </ins>
        }
        .into_any(),
        _ => view! { <ConditionChip field=key value=value /> }.into_any(),
    }
}

#[component]
fn Lines(lines: Vec<FieldLine>) -> impl IntoView {
    (!lines.is_empty()).then(|| {
        view! {
            <dl class="facts diff-lines">
                {lines
                    .into_iter()
                    .map(|line| {
                        let both = line.before != FieldValue::Unset && line.after != FieldValue::Unset;
                        view! {
                            <dt>{crate::labels::outside(&line.label)}</dt>
                            <dd>
                                <Value value=line.before old=both /> {both.then_some(" → ")} <Value value=line.after old=false />
                            </dd>
                        }
                    })
                    .collect_view()}
            </dl>
        }
    })
}

#[component]
fn Value(value: FieldValue, old: bool) -> impl IntoView {
    match value {
        FieldValue::Unset => ().into_any(),
        FieldValue::Effect(effect) if old => view! {
            <del class="old-effect">
                <EffectBadge effect=effect />
            </del>
        }
        .into_any(),
        FieldValue::Effect(effect) => view! { <EffectBadge effect=effect /> }.into_any(),
        FieldValue::Text(text) if old => view! { <del class="muted"><ExternalText text=text /></del> }.into_any(),
        FieldValue::Text(text) => view! { <ExternalText text=text /> }.into_any(),
    }
}
