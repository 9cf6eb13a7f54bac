//! Bundles that travel between instances, as signed files.
//!
//! ```text
//! export    the signed file
//! partner   public keys of partners
//! verify    the verdict on a file
//! upload    the body of a request to verify or import a file
//! preview   what importing a file would do
//! ```

pub mod export;
pub mod partner;
pub mod preview;
pub mod upload;
pub mod verify;

#[cfg(test)]
mod tests;

pub use export::{Algorithm, Export, export, export_with};
pub use partner::{PartnerKey, PartnerKeyStatus};
pub use preview::{Preview, PreviewedDraft};
pub use upload::Upload;
pub use verify::{Verdict, Verification, open_export, open_with_partners, verify_export};
