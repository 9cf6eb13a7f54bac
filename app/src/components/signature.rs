//! The signature of a record, and whether it verified when the record was read.

use leptos::prelude::*;

use super::{Chip, Digest, Tone};

/// A shortened signature. A refused signature says why.
#[component]
pub fn Signature(
    /// The signature in hex.
    value: String,
    /// Why the signature was refused; `None` if it verifies.
    refused: Option<String>,
) -> impl IntoView {
    let (tone, sign, words) = match refused {
        None => (Tone::Good, "✓", "verifies"),
        Some(_) => (Tone::Bad, "✕", "refused"),
    };
    view! {
        <span class="signature">
            <Chip tone=tone sign=sign>{words}</Chip>
            <Digest value=value what="signature" />
        </span>
        {refused.map(|why| view! { <span class="cell-note bad">{crate::labels::capital(&why)} "."</span> })}
    }
}
