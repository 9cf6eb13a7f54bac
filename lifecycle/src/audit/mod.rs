//! The record of who decided what, and the keyed hash chain that shows when the record was tampered with.
//!
//! ```text
//! seal → entry → chain        an entry, and the seal that ties it to the entry before it
//! checkpoint → status         signed statements of the chain's length
//! verdict → suspect → verify  reading a chain from its beginning and naming the first bad entry
//! ```

pub mod checkpoint;
pub mod entry;
pub mod seal;
pub mod seal_entry;
mod status;
mod suspect;
#[cfg(test)]
mod tests;
pub mod verdict;
pub mod verify;

pub use checkpoint::Checkpoint;
pub use entry::{Entry, EventType};
pub use seal::{Hash, Seal, SealCheck, check_seal};
pub use seal_entry::seal_entry;
pub use status::ChainStatus;
pub use verdict::{Broken, Flaw, Verdict};
pub use verify::Verifier;
