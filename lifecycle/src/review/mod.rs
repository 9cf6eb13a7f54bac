//! Review packets: the immutable, content-addressed evidence an approver looks at, and what reviewers do with it.

pub mod action;
pub mod packet;
pub mod quorum;

pub use action::{Action, Verdict};
pub use packet::{Content, Packet, PacketStatus};
pub use quorum::{MayNotAct, ReviewSettings, Standing, may_act, standing};
