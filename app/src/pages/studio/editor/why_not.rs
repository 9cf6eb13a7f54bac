//! How an answer could change: the smallest change of the input that changes it.

use leptos::prelude::*;
use policy::{
    analysis::{
        Meter,
        nearest::{self, WhyNot, nearest_change},
    },
    bundle::Effect,
    engine::Input,
};

use super::state::{EditorState, parsed_draft::SharedDraft};
use crate::components::{EffectBadge, effect_words, value_words};

/// The smallest change of the input that changes the answer.
#[component]
pub fn WhyNotView(editor: EditorState, draft: SharedDraft, input: Input, now: Effect) -> impl IntoView {
    let wanted = RwSignal::new(None::<Effect>);
    let choose = move |event: leptos::ev::Event| {
        let chosen = event_target_value(&event);
        wanted.set(Effect::ALL.into_iter().find(|effect| effect.name() == chosen));
    };
    let found = move || {
        let meter = Meter::new(nearest::TRIES / 4, nearest::TRIES / 4);
        let why = nearest_change(draft.prepared(), &input, wanted.get(), meter);
        let words = why.change().map(|change| {
            let parts: Vec<String> = change
                .changes
                .iter()
                .map(|part| {
                    let from = if part.from.is_null() { "absent".to_owned() } else { value_words(&part.from) };
                    let to = if part.to.is_null() { "absent".to_owned() } else { value_words(&part.to) };
                    format!("{} {to} instead of {from}", part.field)
                })
                .collect();
            (parts.join(" and "), change.answer.effect, change.answer.matched_rule.clone(), change.input.clone())
        });
        match (words, why) {
            (Some((words, effect, rule, input)), why) => {
                let sure = matches!(why, WhyNot::Found(_));
                view! {
                    <span class="mono">{words}</span>
                    " → "
                    <EffectBadge effect=effect no_match=rule.is_none() />
                    " by "
                    <span class="mono">{rule.unwrap_or_else(|| "default".to_owned())}</span>
                    ". "
                    {(!sure).then_some("A nearer one may exist: the work budget ran out. ")}
                    <button type="button" class="link-button" on:click=move |_| editor.try_input(input.clone())>"Try it"</button>
                }
                .into_any()
            }
            (None, WhyNot::Already) => "The answer is that already.".into_any(),
            (None, WhyNot::None) => "No change of one or two fields does it.".into_any(),
            (None, _) => "Undecided: the work budget ran out before a change was found.".into_any(),
        }
    };
    view! {
        <div class="why-not">
            <label>
                <span>"What would change this answer"</span>
                <select class="input input-small" on:change=choose>
                    <option value="">"to anything else"</option>
                    {Effect::ALL
                        .into_iter()
                        .filter(|effect| *effect != now)
                        .map(|effect| {
                            view! { <option value=effect.name()>{format!("to {}", effect_words(effect))}</option> }
                        })
                        .collect_view()}
                </select>
            </label>
            <p>{found}</p>
        </div>
    }
}
