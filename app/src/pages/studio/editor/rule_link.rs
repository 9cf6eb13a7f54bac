//! The id of a rule that opens it.

use leptos::prelude::*;

use super::state::EditorState;

/// The rule's id; opens it in the form.
#[component]
pub fn RuleLink(editor: EditorState, id: String) -> impl IntoView {
    let wanted = id.clone();
    view! {
        <button type="button" class="finding-rule" on:click=move |_| editor.select_rule_by_id(&wanted)>
            {id}
        </button>
    }
}

/// The rule that decides, or the default.
pub fn decider(editor: EditorState, id: Option<String>) -> AnyView {
    match id {
        Some(id) => view! { <RuleLink editor=editor id=id /> }.into_any(),
        None => view! { <span class="muted">"default"</span> }.into_any(),
    }
}
