//! Sentences of the linter and the engine, with text between backticks shown as code. They quote texts from outside, whose
//! odd characters are written out.

use leptos::prelude::*;
use policy::characters::write_out_lines;

/// `text` with its code spans.
pub fn prose(text: &str) -> impl IntoView + use<> {
    text.split('`')
        .enumerate()
        .map(|(at, part)| {
            let part = write_out_lines(part).into_owned();
            if at % 2 == 1 { view! { <code>{part}</code> }.into_any() } else { part.into_any() }
        })
        .collect_view()
}
