//! The *meaning* of policy: rules, evaluation, analysis, lint, replay. The crate `lifecycle` covers how policy is
//! governed.
//!
//! Everything here is pure. There is no I/O, no clock (time is a parameter), no randomness and no panic, so the same
//! code serves live decisions, proves a draft while its author types in a browser, and replays an approver's evidence
//! from a file. Each module uses only names from modules above it in this list:
//!
//! ```text
//! characters, fault, limits,                 the foundation: odd characters written out, one wrong field, sizes,
//! random, spelling, timestamp                seeded numbers, "did you mean …?", time
//! json                                       the one reader of JSON
//! bundle                                     rules, conditions, the document they are written in, its digest
//! engine                                     one input, one bundle, one answer
//! analysis                                   the behaviour of a bundle for every input, proven
//! lint                                       errors, warnings and notes about a bundle
//! replay                                     a bundle over many inputs: saved, generated or recorded
//! ```

pub mod analysis;
pub mod bundle;
pub mod characters;
pub mod engine;
mod fault;
pub mod json;
pub mod limits;
pub mod lint;
pub mod random;
pub mod replay;
pub mod spelling;
pub mod timestamp;

pub use fault::Fault;
pub use timestamp::Timestamp;
