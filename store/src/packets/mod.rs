//! Review packets: building them, and acting on them.

mod act;
mod build;
mod exception_rows;
mod exceptions;
mod for_reviewer;
mod queries;
mod removed_guards;
pub(crate) mod row;

pub use act::act;
pub use build::{BuildPacket, CorpusRequest, build};
pub(crate) use build::{Submission, built_detail, insert};
pub(crate) use exceptions::overridden_now;
pub use exceptions::sign_exception;
pub use queries::{Filter, evidence, exceptions_in_service, get, list, verify};
pub(crate) use queries::{WAITS, verify_evidence};
pub use removed_guards::removed_guards;
