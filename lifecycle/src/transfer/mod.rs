//! Bundles that travel between instances, as signed files.
//!
//! ```text
//! export    the file, and the one verdict on it
//! upload    what comes in to be verified or imported
//! preview   what importing it would do
//! ```

pub mod export;
pub mod preview;
pub mod upload;

#[cfg(test)]
mod tests;

pub use export::{Export, Verdict, Verification, export, open_export, verify_export};
pub use preview::{Preview, PreviewedDraft};
pub use upload::Upload;
