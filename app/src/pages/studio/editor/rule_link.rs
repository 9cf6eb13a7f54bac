//! The id of a rule that opens it.

use leptos::prelude::*;

use super::state::EditorState;

/// The rule's id; opens it in the form.
#[component]
pub fn RuleLink(desk: EditorState, id: String) -> impl IntoView {
    let wanted = id.clone();
    view! {
        <button type="button" class="finding-rule" on:click=move |_| desk.select_id(&wanted)>
            {id}
        </button>
    }
}

/// The rule that decides, or the default.
pub fn decider(desk: EditorState, id: Option<String>) -> AnyView {
    match id {
        Some(id) => view! { <RuleLink desk=desk id=id /> }.into_any(),
        None => view! { <span class="muted">"default"</span> }.into_any(),
    }
}
