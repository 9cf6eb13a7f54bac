//! Review packets: building them, and acting on them.

mod act;
mod build;
mod queries;
pub(crate) mod row;

pub use act::act;
pub use build::{BuildPacket, CorpusRequest, build};
pub(crate) use build::{Submission, built_detail, insert};
pub use queries::{Filter, evidence, get, list, verify};
pub(crate) use queries::{WAITS, verify_evidence};
