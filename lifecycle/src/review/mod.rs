//! Review packets: the immutable, content-addressed evidence an approver looks at, and what reviewers do with it.

pub mod action;
pub mod build;
pub mod compare;
pub mod corpus;
#[cfg(test)]
mod evidence_tests;
pub mod packet;
pub mod quorum;
pub mod replaying;
pub mod risk;
pub mod verify;

pub use action::{Action, ActionRefused, Proposal, Verdict};
pub use build::{CannotBuild, Ingredients, build, packet_id};
pub use compare::{Comparison, compare};
pub use corpus::{Corpus, CorpusCase};
pub use packet::{Content, Packet, PacketStatus};
pub use quorum::{MayNotAct, ReviewSettings, Standing, may_act, standing};
pub use verify::{Verification, verify};
