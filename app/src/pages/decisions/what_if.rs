//! Ways to a different answer: the smallest change of the input, and the drafts.

use leptos::prelude::*;
use policy::{analysis::nearest::WhyNot, bundle::Effect, engine::Status};

use crate::{
    api::decisions::DraftAnswer,
    components::{Chip, EffectBadge, LinkButton, Panel, StateChip, Table, Tone, value_words},
};

/// The address of the editor with a decision's input under *One input*.
pub fn simulator_path(bundle_id: i64, decision_id: &str) -> String {
    format!("/studio/{bundle_id}?decision={decision_id}")
}

/// The nearest change of the input that flips the answer.
#[component]
pub fn Nearest(why: WhyNot, served: i64, decision_id: String) -> impl IntoView {
    let sure = matches!(why, WhyNot::Found(_));
    let nearest = match why.change().cloned() {
        Some(change) => {
            let rows = change
                .changes
                .into_iter()
                .map(|part| {
                    let words = |value: &serde_json::Value| {
                        if value.is_null() { "absent".to_owned() } else { value_words(value) }
                    };
                    view! {
                        <li>
                            <code class="condition">{crate::labels::outside(&part.field)}</code>
                            " "
                            <strong class="mono">{words(&part.to)}</strong>
                            <span class="muted">{format!(" instead of {}", words(&part.from))}</span>
                        </li>
                    }
                })
                .collect_view();
            let answer = change.answer;
            view! {
                <ul class="decided-conditions">{rows}</ul>
                <p>
                    "Then: " <EffectBadge effect=answer.effect no_match=answer.status == Status::NoMatch /> " by "
                    <span class="mono">{answer.matched_rule.unwrap_or_else(|| "default".to_owned())}</span> "."
                </p>
                {(!sure).then(|| view! { <p class="muted">"A nearer one may exist: the work budget ran out."</p> })}
            }
            .into_any()
        }
        None => {
            let words = match why {
                WhyNot::Undecided(_) => "Undecided: the work budget ran out before a change was found.",
                _ => "No change of one or two facts does it.",
            };
            view! { <p class="muted">{words}</p> }.into_any()
        }
    };
    view! {
        <Panel title="What would change this answer">
            {nearest}
            <p>
                <a href=simulator_path(served, &decision_id)>"Try other values"</a>
                <span class="muted">" in the version that answered"</span>
            </p>
        </Panel>
    }
}

/// The answer of each draft to the input of the decision.
#[component]
pub fn DraftAnswers(drafts: Vec<DraftAnswer>, decision_id: String, then: Effect) -> impl IntoView {
    if drafts.is_empty() {
        return view! {
            <Panel title="Replay under draft">
                <p class="muted">
                    "There is no draft. " <a href="/studio">"Create one in the studio"</a>
                    " and its answer to this input is shown here."
                </p>
            </Panel>
        }
        .into_any();
    }
    let rows = drafts
        .into_iter()
        .map(|draft| {
            let same = draft.effect == then;
            view! {
                <tr>
                    <td>
                        <span class="mono">{draft.version.clone()}</span>
                        " "
                        <StateChip state=draft.state />
                    </td>
                    <td>
                        <EffectBadge effect=draft.effect no_match=draft.status == Status::NoMatch />
                        {if same {
                            view! { <span class="cell-note muted">"unchanged"</span> }.into_any()
                        } else {
                            view! { <span class="cell-note"><Chip tone=Tone::Warn sign="⇄">"flips"</Chip></span> }.into_any()
                        }}
                    </td>
                    <td class="mono">{draft.matched_rule.unwrap_or_else(|| "default".to_owned())}</td>
                    <td class="num">
                        <LinkButton
                            small=true
                            href=simulator_path(draft.id, &decision_id)
                            attr:aria-label=format!("Open in the simulator of {}", draft.version)
                        >
                            "Open"
                        </LinkButton>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Panel title="Replay under draft" flush=true>
            <Table label="Answers of the drafts">
                <thead>
                    <tr>
                        <th scope="col">"Draft"</th>
                        <th scope="col">"Answer"</th>
                        <th scope="col">"Rule"</th>
                        <th scope="col"><span class="visually-hidden">"Open"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
        </Panel>
    }
    .into_any()
}
