//! What a rule does: how many cases it decides, what covers it, and what it covers.

use leptos::prelude::*;
use policy::lint::Code;

use super::{analysis::EXACT_AT_ALL, rule_link::RuleLink, state::EditorState};
use crate::{
    components::{Chip, Tone, format},
    model::{Key, rule},
};

/// How a rule stands to the inputs there are and the cases there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Disabled,
    Dead,
    Hit,
    NeverHit,
    /// Never hit, and whether some input reaches it is not known.
    Unknown,
}

/// Hits and coverage, in the *Rule* tab.
#[component]
pub fn Coverage(desk: EditorState, rule_key: Key) -> impl IntoView {
    let key = rule_key;
    move || {
        let rule = desk.rule(key)?;
        let id = rule::id(&rule.0).to_owned();
        let replayed = desk.replayed.get();
        let hits = replayed.as_ref().map(|replayed| replayed.hits.get(&key).copied().unwrap_or_default());
        let covers = desk.covers.get();
        let dead = covers.iter().find(|dead| dead.rule == id);
        let unsure = desk.checked.with(|checked| {
            checked.content.rules().len() > EXACT_AT_ALL
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
            Reach::NeverHit => (Tone::Warn, "○", "reachable, never hit"),
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
        let links =
            |ids: Vec<String>| ids.into_iter().map(|id| view! { <li><RuleLink desk=desk id=id /></li> }).collect_view();
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
                    .then(|| view! { <p class="muted">"Covers, alone or with others"</p> <ul class="coverage-rules">{links(over)}</ul> })}
            </div>
        })
    }
}
