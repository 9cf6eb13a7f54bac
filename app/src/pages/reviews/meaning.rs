//! What a packet changes in meaning: the regions of inputs that are answered otherwise than now, proven and not sampled.

use leptos::prelude::*;
use lifecycle::{
    analysis::diff::{NewAllows, Outcome, Region, Scope},
    review::packet,
};

use crate::components::{EffectBadge, EmptyState, Notice, Table, Tone, format};

/// Regions drawn at once.
const SHOWN: usize = 100;

/// The certificate and the regions, each with how many replayed decisions it explains.
#[component]
pub(super) fn Meaning(
    meaning: Option<packet::Meaning>,
    /// The region of every replayed decision that flips; none when not all of them are known here.
    flips: Option<Vec<usize>>,
) -> impl IntoView {
    let Some(meaning) = meaning else {
        return view! {
            <EmptyState title="Nothing to compare with">
                <p>"Nothing was live when this packet was built, so every answer it gives is new."</p>
            </EmptyState>
        }
        .into_any();
    };
    let (tone, headline, detail) = certificate(meaning.new_allows, meaning.complete);
    let total = meaning.total_regions;
    let rows: Vec<Row> = meaning
        .regions
        .into_iter()
        .take(SHOWN)
        .enumerate()
        .map(|(at, region)| {
            let flips = flips.as_ref().map(|flips| flips.iter().filter(|flip| **flip == at).count());
            Row::of(region, flips)
        })
        .collect();
    let shown = rows.len();
    let title = match (total, shown < total) {
        (_, true) => format!("Regions that change: {shown} of {}", format::count(total as u64)),
        _ => "Regions that change".to_owned(),
    };
    view! {
        <div class="stack packet-body">
            <Notice tone=tone>
                <strong>{headline}</strong>
                <p>{detail}</p>
            </Notice>
            {if rows.is_empty() {
                view! {
                    <EmptyState title="No input is answered differently">
                        <p>"Words, ids or order may differ; what is decided does not."</p>
                    </EmptyState>
                }
                    .into_any()
            } else {
                view! {
                    <h3 class="section-title">{title}</h3>
                    <Regions rows=rows />
                }
                    .into_any()
            }}
        </div>
    }
    .into_any()
}

#[component]
fn Regions(rows: Vec<Row>) -> impl IntoView {
    view! {
        <Table label="Regions of inputs that change">
            <thead>
                <tr>
                    <th scope="col">"When"</th>
                    <th scope="col">"Before"</th>
                    <th scope="col">"After"</th>
                    <th scope="col">"Decided by"</th>
                    <th scope="col" class="num">"Replayed flips"</th>
                </tr>
            </thead>
            <tbody>
                {rows
                    .into_iter()
                    .map(|row| {
                        view! {
                            <tr>
                                <td>
                                    <strong>{row.who}</strong>
                                    <br />
                                    <span class="muted">{row.when}</span>
                                </td>
                                <td>{outcome(row.before)}</td>
                                <td>{outcome(row.after)}</td>
                                <td class="mono">{row.rules}</td>
                                <td class="num">{row.flips.map_or_else(|| "–".to_owned(), |flips| format::count(flips as u64))}</td>
                            </tr>
                        }
                    })
                    .collect_view()}
            </tbody>
        </Table>
    }
}

/// One line of the table, in words.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    who: String,
    when: String,
    before: Outcome,
    after: Outcome,
    rules: String,
    flips: Option<usize>,
}

impl Row {
    fn of(region: Region, flips: Option<usize>) -> Self {
        let by = |rule: Option<String>| rule.unwrap_or_else(|| "default".to_owned());
        let (before_rule, after_rule) = (by(region.before_rule), by(region.after_rule));
        let conditions: Vec<String> =
            region.conditions.iter().map(|phrase| format!("{} {}", phrase.field, phrase.values)).collect();
        Self {
            who: scopes(&region.scopes),
            when: if conditions.is_empty() { "always".to_owned() } else { conditions.join(", ") },
            before: region.before,
            after: region.after,
            rules: if before_rule == after_rule { after_rule } else { format!("{before_rule} → {after_rule}") },
            flips,
        }
    }
}

fn outcome(outcome: Outcome) -> impl IntoView {
    view! {
        <EffectBadge effect=outcome.effect />
        {outcome.error.then(|| view! { <span class="faint">" on error"</span> })}
    }
}

/// `inbox.triage · quarantine`, `any other agent · delete`, and how many more.
fn scopes(scopes: &[Scope]) -> String {
    const NAMED: usize = 3;
    let mut words: Vec<String> = scopes
        .iter()
        .take(NAMED)
        .map(|scope| {
            let agent = if scope.any_other_agent { "any other agent" } else { scope.agent.as_str() };
            let action = if scope.any_other_action { "any other action" } else { scope.action.as_str() };
            format!("{agent} · {action}")
        })
        .collect();
    if scopes.len() > NAMED {
        words.push(format!("{} more", scopes.len() - NAMED));
    }
    words.join("; ")
}

/// Colour, headline and explanation of what is certain about new allows.
fn certificate(new_allows: NewAllows, complete: bool) -> (Tone, String, String) {
    let every = "Proven for every possible input, recorded or not.".to_owned();
    match new_allows {
        NewAllows::None => (Tone::Good, "New allows: none".to_owned(), every),
        NewAllows::Some(count) => {
            let detail = if complete { every } else { "There may be more: the work budget ran out.".to_owned() };
            (Tone::Warn, format!("New allows: {}", format::plural(count as u64, "region", "regions")), detail)
        }
        NewAllows::Undecided => (
            Tone::Warn,
            "New allows: undecided".to_owned(),
            "The work budget ran out before every input was covered. Judge by the replay and the rules.".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_named_and_the_rest_counted() {
        let scope = |agent: &str, other: bool| Scope {
            agent: agent.into(),
            action: "delete".into(),
            any_other_agent: other,
            any_other_action: false,
        };
        assert_eq!(scopes(&[scope("inbox.triage", false)]), "inbox.triage · delete");
        let many = [scope("a", false), scope("b", false), scope("c", true), scope("d", false)];
        assert_eq!(scopes(&many), "a · delete; b · delete; any other agent · delete; 1 more");
    }

    #[test]
    fn only_a_whole_search_proves_that_nothing_is_newly_allowed() {
        assert_eq!(certificate(NewAllows::None, true).0, Tone::Good);
        assert_eq!(certificate(NewAllows::Some(2), true).1, "New allows: 2 regions");
        assert_eq!(certificate(NewAllows::Undecided, false).0, Tone::Warn);
    }
}
