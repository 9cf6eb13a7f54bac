//! What stands above a packet's evidence when it cannot be relied on any more.

use leptos::prelude::*;

use crate::{
    api::packets::Moved,
    components::{Notice, Tone},
};

/// What of the packet was changed in the database, past the program.
#[component]
pub(super) fn Altered(what: Vec<String>) -> impl IntoView {
    view! {
        <Notice tone=Tone::Bad>
            <strong>"This packet is not as it was signed"</strong>
            <ul class="reasons">
                {what.into_iter().map(|text| view! { <li>{crate::labels::capital(&text)} "."</li> }).collect_view()}
            </ul>
            <p>"It can neither be approved nor applied. Verify the audit record, and find out who changed the database."</p>
        </Notice>
    }
}

/// What approving and applying it all the same would undo.
#[component]
pub(super) fn MovedBase(moved: Moved, version: String, base: Option<String>) -> impl IntoView {
    let was = base.unwrap_or_else(|| "nothing".to_owned());
    let live = moved.version.clone();
    let lead = if moved.overwritten.is_empty() {
        format!("It was built when {was} was live. {live} is now, and {version} has everything that changed there.")
    } else {
        format!("It was built when {was} was live. {version} would overwrite these changes of {live}:")
    };
    view! {
        <Notice tone=Tone::Warn>
            <strong>{format!("The base has moved to {live}")}</strong>
            <p>{lead}</p>
            {(!moved.overwritten.is_empty())
                .then(|| {
                    view! {
                        <ul class="moved">
                            {moved
                                .overwritten
                                .into_iter()
                                .map(|lost| {
                                    view! {
                                        <li>
                                            <code>{lost.what}</code>
                                            " "
                                            {lost.kind.word()}
                                        </li>
                                    }
                                })
                                .collect_view()}
                        </ul>
                    }
                })}
        </Notice>
    }
}
