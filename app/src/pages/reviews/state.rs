//! The state of a packet's page. It lives outside the resource, so that fetching again does not reset it.

use leptos::prelude::*;
use lifecycle::review::{PacketStatus, Verification};

use crate::{
    api::{packets::ActOnPacket, safeguards::SignException},
    components::{url_tab, use_toasts},
    frame::live_updates::use_live,
};

/// The state of *Re-run replay*.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Rerun {
    /// Not started.
    #[default]
    Idle,
    /// The stored decisions are being fetched.
    Fetching,
    /// This many decisions are being replayed.
    Replaying(usize),
    /// The result, the number of decisions, and the time in seconds.
    Done(Box<Verification>, usize, f64),
    /// The decisions could not be fetched.
    Failed(String),
}

/// The tabs of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PacketTab {
    Meaning,
    Impact,
    Text,
    Safety,
    Evidence,
    Timeline,
}

impl PacketTab {
    /// The value in the address.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Meaning => "meaning",
            Self::Impact => "impact",
            Self::Text => "text",
            Self::Safety => "safety",
            Self::Evidence => "evidence",
            Self::Timeline => "timeline",
        }
    }
}

/// The form, the replay in the browser and the chosen tab.
#[derive(Clone, Copy)]
pub(super) struct PageState {
    /// The sign-off form.
    pub act: ServerAction<ActOnPacket>,
    /// The form that signs exceptions.
    pub except: ServerAction<SignException>,
    /// The reason field of the sign-off form.
    pub reason: RwSignal<String>,
    /// The replay in this browser.
    pub rerun: RwSignal<Rerun>,
    /// The chosen tab.
    pub tab: Signal<String>,
}

impl PageState {
    /// The state for the packet with the id `packet_id`; another packet resets it.
    pub fn new(packet_id: Memo<String>) -> Self {
        let state = Self {
            act: ServerAction::new(),
            except: ServerAction::new(),
            reason: RwSignal::new(String::new()),
            rerun: RwSignal::new(Rerun::Idle),
            tab: url_tab("tab", PacketTab::Meaning.id()),
        };
        Effect::new(move |before: Option<String>| {
            let now = packet_id.get();
            if before.is_some_and(|before| before != now) {
                state.reason.set(String::new());
                state.rerun.set(Rerun::Idle);
            }
            now
        });
        state.announce();
        state
    }

    fn announce(self) {
        let (toasts, live) = (use_toasts(), use_live());
        Effect::new(move |_| {
            if let Some(Ok(status)) = self.act.value().get() {
                self.reason.set(String::new());
                toasts.good(match status {
                    PacketStatus::Approved => "Approved. The packet has all its signatures.",
                    PacketStatus::Rejected => "Rejected.",
                    PacketStatus::ChangesRequested => "Sent back to the author.",
                    PacketStatus::InReview | PacketStatus::Void => "Approved. Another signature is needed.",
                });
                live.refresh();
            }
        });
        Effect::new(move |_| {
            if let Some(Ok(())) = self.except.value().get() {
                toasts.note("Signed. An exception takes a safety owner and a runtime owner.");
                live.refresh();
            }
        });
    }
}
