//! The Evidence tab of a packet: digests and files with which anyone can verify the packet.

use leptos::prelude::*;
use lifecycle::review::Packet;

use crate::components::{Button, Chip, Digest, LinkButton, Tone, format};

/// Digests, corpus and checksums, and the packet as a file.
#[component]
pub(super) fn Evidence(packet: Packet, rule_count: usize) -> impl IntoView {
    let content = packet.content;
    let replay = content.replay;
    let span = match replay.window {
        Some((from, to)) => format!("{} to {}", format::exact(from), format::exact(to)),
        None => "no times: these are built-in cases".to_owned(),
    };
    let href = format!("/policy/packets/{}", packet.packet_id);
    let (json, evidence) = (href.clone(), format!("{href}/evidence"));
    let print = move |_| {
        // Nothing happens where printing is not possible.
        let _ = window().print();
    };
    view! {
        <div class="stack packet-body">
            <p class="lead">
                "The packet id is the hash of everything shown on this page. Nobody can change the evidence and keep the id."
            </p>
            <dl class="facts">
                <dt>"Packet"</dt>
                <dd>
                    <Digest value=packet.packet_id what="packet id" />
                </dd>
                <dt>{format!("Bundle {}", content.bundle.version)}</dt>
                <dd>
                    <Digest value=content.bundle.digest what="bundle digest" />
                    <span class="muted">{format::plural(rule_count as u64, "rule", "rules")}</span>
                </dd>
                {content
                    .base
                    .map(|base| {
                        view! {
                            <dt>{format!("Base {}", base.version)}</dt>
                            <dd>
                                <Digest value=base.digest what="base digest" />
                            </dd>
                        }
                    })} <dt>"Corpus"</dt>
                <dd>
                    <Digest value=replay.corpus_digest what="corpus digest" />
                    <span class="muted">
                        {format!(
                            "{}, {}",
                            format::plural(replay.corpus_count as u64, "decision", "decisions"),
                            replay.corpus_source,
                        )}
                    </span>
                </dd>
                <dt>"Window"</dt>
                <dd>{span}</dd>
                <dt>"Replay checksum"</dt>
                <dd>
                    <Digest value=replay.replay_checksum what="replay checksum" />
                </dd>
                <dt>"Deterministic"</dt>
                <dd>
                    {if replay.deterministic_pass {
                        view! { <Chip tone=Tone::Good sign="✓">"two replays, one checksum"</Chip> }
                    } else {
                        view! { <Chip tone=Tone::Bad sign="✕">"two replays differ"</Chip> }
                    }}
                </dd>
                <dt>"Engine"</dt>
                <dd class="mono">{replay.engine_version}</dd>
                <dt>"Written by"</dt>
                <dd>{crate::labels::all_of(packet.authors)}</dd>
                <dt>"Submitted by"</dt>
                <dd>{crate::labels::outside(&packet.built_by)}</dd>
            </dl>
            <div class="row">
                <LinkButton href=href download=true>
                    "Download packet JSON"
                </LinkButton>
                <LinkButton href=evidence download=true>
                    "Download evidence with decisions"
                </LinkButton>
                <span class="needs-script">
                    <Button on_click=print>"Print"</Button>
                </span>
                <a href=json rel="external">
                    "Show JSON"
                </a>
            </div>
            <p class="muted">
                "With the evidence file anyone can run the replay again, without this server: "
                <code>"countersign packet verify --file"</code> "."
            </p>
        </div>
    }
}
