//! The *Changes* tab: the changes against stable, for every input and rule by rule, and the version that the draft
//! needs.

use leptos::prelude::*;
use policy::bundle::diff::{FieldChange, ModifiedRule, TextDiff};
use serde_json::{Map, Value};

use super::{meaning::Meaning, rule_link::RuleLink, state::EditorState};
use crate::{
    components::{Button, Chip, EmptyState, Notice, Tone, condition_words, value_words},
    model::{Edit, rule},
};

/// Maximum number of rules of each kind that are drawn; the others are counted.
const SHOWN: usize = 100;

/// The *Changes* tab.
#[component]
pub fn Changes(editor: EditorState) -> impl IntoView {
    let diff = Memo::new(move |_| editor.results.checked().with(|checked| checked.diff.clone()));
    let base = editor.results.stable_version();
    view! {
        <div class="changes">
            <VersionStep editor=editor />
            {base.clone().map(|base| view! { <Meaning editor=editor base=base /> })}
            {move || match (diff.get(), base.clone()) {
                (None, _) | (_, None) => {
                    view! {
                        <EmptyState title="Nothing to compare with">
                            <p>"Changes are shown against the stable bundle. None serves all traffic besides this one."</p>
                        </EmptyState>
                    }
                        .into_any()
                }
                (Some(diff), Some(base)) if diff.is_empty() => {
                    view! {
                        <EmptyState title="No changes">
                            <p>{format!("This draft says what {base} says, rule for rule.")}</p>
                        </EmptyState>
                    }
                        .into_any()
                }
                (Some(diff), Some(base)) => view! { <Listed editor=editor diff=diff base=base /> }.into_any(),
            }}
        </div>
    }
}

/// The version the draft needs, and why.
#[component]
fn VersionStep(editor: EditorState) -> impl IntoView {
    let proposal = Memo::new(move |_| editor.results.checked().with(|checked| checked.proposal.clone()));
    let refused = Memo::new(move |_| editor.results.checked().with(|checked| checked.version_refused.clone()));
    let written = Memo::new(move |_| editor.document.content().with(|content| content.head().version.clone()));
    move || {
        let proposal = proposal.get();
        let next = proposal.version.clone();
        let refused = refused.get();
        let fits = refused.is_none() && written.read().is_some();
        let use_it = move |_| editor.document.edit(&Edit::Version(Some(next.clone())));
        view! {
            <div class="version-step">
                <p>
                    {proposal
                        .bump
                        .map(|bump| view! { <Chip tone=Tone::Accent>{format!("{bump} step")}</Chip> " " })}
                    <span class="muted">{proposal.why}</span>
                </p>
                {(!fits)
                    .then(|| {
                        view! {
                            <Notice tone=Tone::Warn>
                                <p>{refused.unwrap_or_else(|| "The draft has no version yet.".to_owned())}</p>
                                {editor
                                    .document
                                    .is_editable()
                                    .then(|| {
                                        view! {
                                            <Button small=true on_click=use_it>
                                                {format!("Use {}", proposal.version)}
                                            </Button>
                                        }
                                    })}
                            </Notice>
                        }
                    })}
            </div>
        }
    }
}

#[component]
fn Listed(editor: EditorState, diff: TextDiff, base: String) -> impl IntoView {
    let summary = format!("Against {base}: {}", diff.summary);
    let settings = (!diff.settings_changed.is_empty()).then(|| {
        view! {
            <li class="change">
                <div class="change-head">
                    <Chip tone=Tone::Warn sign="▲">"bundle"</Chip>
                </div>
                <FieldChanges fields=diff.settings_changed />
            </li>
        }
    });
    let (added, removed, modified) = (diff.rules_added.len(), diff.rules_removed.len(), diff.rules_modified.len());
    view! {
        <p class="change-summary">{summary}</p>
        <ul class="change-list">
            {settings}
            {diff
                .rules_modified
                .into_iter()
                .take(SHOWN)
                .map(|modified| view! { <Modified editor=editor modified=modified /> })
                .collect_view()}
            <More left=modified.saturating_sub(SHOWN) what="modified" />
            {diff.rules_added.into_iter().take(SHOWN).map(|rule| view! { <Whole editor=editor rule=rule added=true /> }).collect_view()}
            <More left=added.saturating_sub(SHOWN) what="added" />
            {diff.rules_removed.into_iter().take(SHOWN).map(|rule| view! { <Whole editor=editor rule=rule added=false /> }).collect_view()}
            <More left=removed.saturating_sub(SHOWN) what="removed" />
        </ul>
    }
}

#[component]
fn More(left: usize, what: &'static str) -> impl IntoView {
    (left > 0).then(|| view! { <li class="muted">{format!("and {left} more {what}")}</li> })
}

/// A rule that exists in both the draft and stable, field by field.
#[component]
fn Modified(editor: EditorState, modified: ModifiedRule) -> impl IntoView {
    let id = modified.id.clone();
    view! {
        <li class="change">
            <div class="change-head">
                <Chip tone=Tone::Accent sign="✎">"modified"</Chip>
                <RuleLink editor=editor id=id />
            </div>
            <FieldChanges fields=modified.fields />
        </li>
    }
}

/// A rule that exists only in the draft or only in stable.
#[component]
fn Whole(editor: EditorState, rule: Map<String, Value>, added: bool) -> impl IntoView {
    let id = rule::id(&rule).to_owned();
    let words = format!(
        "{} · {} → {}",
        rule::text(&rule, "agent"),
        rule::text(&rule, "action"),
        rule::text(&rule, "effect").replace('_', " ")
    );
    view! {
        <li class="change">
            <div class="change-head">
                {if added {
                    view! { <Chip tone=Tone::Good sign="+">"added"</Chip> }
                } else {
                    view! { <Chip tone=Tone::Bad sign="−">"removed"</Chip> }
                }}
                {if added {
                    view! { <RuleLink editor=editor id=id /> }.into_any()
                } else {
                    view! { <span class="finding-rule is-gone">{id}</span> }.into_any()
                }}
            </div>
            <p class="muted">{words}</p>
        </li>
    }
}

/// The values in stable, struck through, and in the draft.
#[component]
fn FieldChanges(fields: Vec<FieldChange>) -> impl IntoView {
    let rows = fields
        .into_iter()
        .map(|change| {
            let (name, before, after) = words(&change);
            view! {
                <li>
                    <span class="change-field">{name}</span>
                    {(!before.is_empty())
                        .then(|| view! { <del><span class="visually-hidden">"was "</span>{before}</del> " " })}
                    {(!after.is_empty())
                        .then(|| view! { <ins><span class="visually-hidden">"is "</span>{after}</ins> })}
                </li>
            }
        })
        .collect_view();
    view! { <ul class="change-fields">{rows}</ul> }
}

/// The field and both values in words; conditions as conditions.
fn words(change: &FieldChange) -> (String, String, String) {
    if let Some(key) = change.field.strip_prefix("conditions.") {
        let say = |value: &Value| {
            if value.is_null() {
                return String::new();
            }
            condition_words(key, value).test
        };
        return (condition_words(key, &Value::Null).field, say(&change.before), say(&change.after));
    }
    let say = |value: &Value| match value {
        Value::Null => String::new(),
        Value::Object(_) => "(an object)".to_owned(),
        value => value_words(value),
    };
    (change.field.clone(), say(&change.before), say(&change.after))
}
