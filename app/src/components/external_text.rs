//! Text that came from outside, shown to people who sign what it says.

use leptos::prelude::*;
use policy::characters::{Lines, Piece, pieces};

/// A text from outside: a reason, a note, a title. Characters that cannot be seen or that would turn the text around are
/// written out as their codes, and nothing in the text changes the direction of what stands around it.
#[component]
pub fn ExternalText(
    /// The text.
    #[prop(into)]
    text: String,
    /// Whether the text may have several lines.
    #[prop(optional)]
    lines: bool,
) -> impl IntoView {
    let shown = pieces(&text, if lines { Lines::Many } else { Lines::One });
    let shown = shown.into_iter().map(|piece| match &piece {
        Piece::Plain(text) => (*text).to_owned().into_any(),
        Piece::Odd { oddity, .. } => {
            let (code, title) = (piece.code().into_owned(), oddity.words());
            view! { <span class="odd-character" title=title>{code}</span> }.into_any()
        }
    });
    view! { <bdi class="external-text">{shown.collect_view()}</bdi> }
}
