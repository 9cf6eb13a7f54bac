//! The names of the keys that sign exports and records. The secrets never leave the server.

use leptos::prelude::*;
use lifecycle::signing::KeyNames;

use crate::components::{Chip, Column, Head, Table, Tone};

/// The names of the keys, and how to change a key.
#[component]
pub(super) fn SigningKeys(keys: KeyNames) -> impl IntoView {
    let KeyNames { current, previous } = keys;
    view! {
        <div class="stack">
            <p class="muted">
                "Exports, approvals and rollout records are signed with HMAC-SHA256. The secrets are kept on the server and never shown."
            </p>
            <Table label="Signing keys">
                <Head columns=&[Column::Text("Name"), Column::Text("Use")] />
                <tbody>
                    <tr>
                        <th scope="row" class="mono">{current}</th>
                        <td><Chip tone=Tone::Good>"signs and verifies"</Chip></td>
                    </tr>
                    {previous
                        .into_iter()
                        .map(|name| {
                            view! {
                                <tr>
                                    <th scope="row" class="mono">{name}</th>
                                    <td><Chip tone=Tone::Neutral>"verifies only"</Chip></td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </Table>
            <p class="muted">
                "To replace a generated key, run " <code>"countersign keys rotate"</code>
                ". To replace a key that you gave, restart each server with the new one as " <code>"HMAC_SECRET"</code>
                " and the old one in " <code>"HMAC_PREVIOUS"</code>
                " as name:secret. The new key signs once every running server has it. Other instances accept your exports when they have the same key."
            </p>
        </div>
    }
}
