//! The review queue and its history.

mod diff;
mod evidence;
pub(crate) mod exceptions;
mod impact;
mod lint;
mod meaning;
mod notices;
pub mod packet;
mod rerun;
mod review_status;
pub mod risk;
mod safety;
mod sign_off;
mod state;
mod text;
mod timeline;

use leptos::prelude::*;
use lifecycle::{
    authority::{Actor, Permission},
    review::{PacketStatus, packet::PacketSummary},
};
use policy::Timestamp;

use self::risk::RiskChip;
use crate::{
    api::packets::{Queue, review_queue},
    components::{EmptyState, ErrorPanel, Kbd, LinkButton, PacketStatusChip, PageHead, Panel, RelativeTime, Skeleton},
    frame::live_updates::use_live,
    keyboard::use_queue_keys,
    labels,
};

/// The review queue and its history.
#[component]
pub fn Reviews() -> impl IntoView {
    let live = use_live();
    let queue = Resource::new(move || live.pulse(), |_| review_queue());
    use_queue_keys();
    view! {
        <PageHead
            title="Reviews"
            meta=|| {
                view! {
                    <span class="faint needs-keyboard">
                        <Kbd key="J" />
                        " "
                        <Kbd key="K" />
                        " move, "
                        <Kbd key="Enter" />
                        " opens"
                    </span>
                }
            }
        />
        <Transition fallback=|| {
            view! { <Skeleton lines=6 /> }
        }>
            {move || Suspend::new(async move {
                match queue.await {
                    Ok(queue) => view! { <Lists queue=queue /> }.into_any(),
                    Err(error) => view! { <ErrorPanel error=error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Lists(queue: Queue) -> impl IntoView {
    let Queue { waiting, in_review, history, me, as_of } = queue;
    let signs = me.may(Permission::ActOnPackets);
    let writes = me.may(Permission::BuildPackets);
    let (me_waiting, me_open) = (me.clone(), me.clone());
    let nothing = if signs {
        "When an author submits a bundle that you may sign, it appears here with all its evidence."
    } else {
        "Your roles do not include signing packets. What others are reviewing is listed below."
    };
    view! {
        <div class="stack">
            <Panel title="Waiting for you" note=waiting.len().to_string() flush=true>
                {if waiting.is_empty() {
                    view! {
                        <EmptyState title="Nothing waits for you">
                            <p>{nothing}</p>
                            {writes.then(|| view! { <LinkButton href="/studio">"Open the studio"</LinkButton> })}
                        </EmptyState>
                    }
                        .into_any()
                } else {
                    view! { <Rows packets=waiting me=me_waiting as_of=as_of /> }.into_any()
                }}
            </Panel>
            {(!in_review.is_empty())
                .then(|| {
                    view! {
                        <Panel title="In review" note=in_review.len().to_string() flush=true>
                            <Rows packets=in_review me=me_open as_of=as_of />
                        </Panel>
                    }
                })}
            <Panel title="History" flush=true>
                {if history.is_empty() {
                    view! {
                        <EmptyState title="Nothing has been decided yet">
                            <p>"Packets that were approved, rejected or sent back stay here for ever."</p>
                        </EmptyState>
                    }
                        .into_any()
                } else {
                    view! { <Rows packets=history me=me as_of=as_of /> }.into_any()
                }}
            </Panel>
        </div>
    }
}

#[component]
fn Rows(packets: Vec<PacketSummary>, me: Actor, as_of: Timestamp) -> impl IntoView {
    view! {
        <ul class="queue">
            {packets.into_iter().map(|packet| view! { <Row packet=packet me=me.clone() as_of=as_of /> }).collect_view()}
        </ul>
    }
}

#[component]
fn Row(packet: PacketSummary, me: Actor, as_of: Timestamp) -> impl IntoView {
    let title = labels::first_line(&packet.notes).unwrap_or_else(|| format!("Review {}", packet.bundle_version));
    let versions = match &packet.base_version {
        Some(base) => format!("{base} → {}", packet.bundle_version),
        None => packet.bundle_version.clone(),
    };
    let signed = match packet.status {
        PacketStatus::InReview => format!("{} of {} signed", packet.approved_by.len(), packet.required_approvals),
        PacketStatus::Approved => {
            format!("signed by {}", labels::outside(&labels::all_of(packet.approved_by.iter().map(String::as_str))))
        }
        _ => String::new(),
    };
    let mine = packet.authors.contains(&me.name) || packet.built_by == me.name;
    view! {
        <li class="queue-row">
            <a class="queue-link queue-item" href=format!("/reviews/{}", packet.packet_id)>
                <span class="queue-title">{title}</span>
                <span class="queue-versions mono">{versions}</span>
            </a>
            <span class="queue-by faint">
                {labels::outside(&packet.built_by)} {mine.then_some(" (you)")} " · " <RelativeTime at=packet.built_at as_of=as_of />
            </span>
            <span class="queue-signed muted">{signed}</span>
            <span class="queue-chips">
                <RiskChip bps=packet.risk_score_bps />
                <PacketStatusChip status=packet.status />
            </span>
        </li>
    }
}
