//! Links to rules: the id of a rule as a button that opens the rule.

use leptos::prelude::*;

use super::state::EditorState;

/// The id of a rule, as a button that opens the rule in the form.
#[component]
pub fn RuleLink(editor: EditorState, id: String) -> impl IntoView {
    let wanted = id.clone();
    view! {
        <button type="button" class="finding-rule" on:click=move |_| editor.select_rule_by_id(&wanted)>
            {id}
        </button>
    }
}

/// The rule that decides, or the word "default".
pub fn decider(editor: EditorState, id: Option<String>) -> AnyView {
    match id {
        Some(id) => view! { <RuleLink editor=editor id=id /> }.into_any(),
        None => view! { <span class="muted">"default"</span> }.into_any(),
    }
}
