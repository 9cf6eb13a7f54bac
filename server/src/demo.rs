//! The example workspace, and the file that says how to sign in to it.

use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use store::Store;

use crate::cli::Failure;

/// Name of the file with the demo's people, passwords and tokens, in the data directory.
pub const FILE: &str = "demo-credentials.json";

/// Loads the example workspace, once, and writes [`FILE`].
///
/// # Errors
/// The database refuses, or the file cannot be written.
pub async fn load(store: &Store, data_dir: &Path) -> Result<(), Failure> {
    let path = data_dir.join(FILE);
    let known = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let credentials = store::demo::load(store, known).await?;
    let fail = |error: &dyn std::fmt::Display| Failure::Usage(format!("cannot write `{}`: {error}", path.display()));
    let text = serde_json::to_vec_pretty(&credentials).map_err(|error| fail(&error))?;
    let draft = path.with_extension("json.new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .map_err(|error| fail(&error))?;
    file.write_all(&text).map_err(|error| fail(&error))?;
    std::fs::rename(&draft, &path).map_err(|error| fail(&error))
}
