//! Review packets: building them, and acting on them.

mod act;
mod build;
mod read;
pub(crate) mod row;

pub use act::act;
pub(crate) use act::insert as keep;
pub use build::{BuildPacket, CorpusRequest, build};
pub(crate) use build::{Submission, built_detail, insert};
pub use read::{Filter, evidence, get, list, verify};
pub(crate) use read::{WAITS, verify_evidence};
