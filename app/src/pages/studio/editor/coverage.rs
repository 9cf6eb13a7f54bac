//! The number of cases that a rule decides, the rules that cover it, and the rules that it covers.

use leptos::prelude::*;
use policy::lint::Code;

use super::{
    rule_link::RuleLink,
    state::{EditorState, checked::MAX_ANALYSED_RULES},
};
use crate::{
    components::{Chip, Tone, format},
    model::{RuleKey, rule},
};

/// Whether inputs reach a rule, and whether replayed cases do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Disabled,
    Dead,
    Hit,
    NeverHit,
    /// Never hit, and not known to be reachable.
    Unknown,
}

/// Hits and coverage, in the *Rule* tab.
#[component]
pub fn Coverage(editor: EditorState, rule_key: RuleKey) -> impl IntoView {
    let key = rule_key;
    move || {
        let rule = editor.document.rule(key)?;
        let id = rule::id(&rule.0).to_owned();
        let replayed = editor.results.replay().get();
        let hits = replayed.as_ref().map(|replayed| replayed.hits.get(&key).copied().unwrap_or_default());
        let covers = editor.results.unreachable().get();
        let dead = covers.iter().find(|dead| dead.rule == id);
        let unsure = editor.results.checked().with(|checked| {
            checked.content.rules().len() > MAX_ANALYSED_RULES
                || checked.report.all().any(|f| f.code == Code::Undecided && checked.key(f) == Some(key))
        });
        let reach = match hits {
            _ if !rule::enabled(&rule.0) => Reach::Disabled,
            _ if dead.is_some() => Reach::Dead,
            Some(hits) if hits > 0 => Reach::Hit,
            _ if unsure => Reach::Unknown,
            _ => Reach::NeverHit,
        };
        let (tone, sign, words) = match reach {
            Reach::Disabled => (Tone::Neutral, "○", "disabled"),
            Reach::Dead => (Tone::Bad, "✕", "dead: no input reaches it"),
            Reach::Hit => (Tone::Good, "✓", "hit"),
            Reach::NeverHit => (Tone::Warn, "○", "can match, but no recorded case does"),
            Reach::Unknown => (Tone::Neutral, "○", "never hit"),
        };
        let counted = replayed.zip(hits).map(|(replayed, hits)| {
            let mut words =
                format!("{} of {}", format::count(hits as u64), format::plural(replayed.done as u64, "case", "cases"));
            if let Some(daily) = replayed.per_day(hits) {
                words.push_str(&format!(" · {daily:.1} a day"));
            }
            words
        });
        let links = |ids: Vec<String>| {
            ids.into_iter().map(|id| view! { <li><RuleLink editor=editor id=id /></li> }).collect_view()
        };
        let by = dead.map(|dead| dead.covered_by.clone()).filter(|by| !by.is_empty());
        let over: Vec<String> =
            covers.iter().filter(|dead| dead.covered_by.contains(&id)).map(|dead| dead.rule.clone()).collect();
        Some(view! {
            <div class="coverage" role="group" aria-label="Hits and coverage">
                <p>
                    <Chip tone=tone sign=sign>{words}</Chip>
                    " "
                    <span class="muted">{counted}</span>
                </p>
                {by.map(|by| view! { <p class="muted">"Covered by"</p> <ul class="coverage-rules">{links(by)}</ul> })}
                {(!over.is_empty())
                    .then(|| view! { <p class="muted">"Overrides these rules"</p> <ul class="coverage-rules">{links(over)}</ul> })}
            </div>
        })
    }
}
