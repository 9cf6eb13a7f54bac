//! The record of who decided what. Use cases add their entries through [`chain`], each in its own transaction; the
//! other files read, seal and verify the record.

pub(crate) mod chain;
mod checkpoint_file;
mod export;
mod queries;
pub(crate) mod row;
mod sealing;
mod verify;

pub use export::{Export, export};
pub use queries::{Filter, list};
pub use sealing::{checkpoint, seal};
pub use verify::{status, verify};
