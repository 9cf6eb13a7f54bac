//! Review packets: building them, and acting on them.

mod act;
mod build;
mod read;
pub(crate) mod row;

pub use act::act;
pub use build::{BuildPacket, CorpusRequest, build};
pub use read::{Filter, evidence, get, list, verify};
pub(crate) use read::{WAITS, verify_evidence};
