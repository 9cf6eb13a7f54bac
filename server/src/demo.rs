//! The example workspace, and the file with its credentials.

use std::{fs, path::Path};

use store::{
    Store, atomic_file,
    demo::{self, DemoCredentials},
};

use crate::error::CliError;

/// Name of the file in the data directory with the demo's people, passwords and tokens.
pub const FILE: &str = "demo-credentials.json";

/// Loads the example workspace, once, and writes [`FILE`]. An existing file is left as it is; if the file is missing,
/// all people get a new password and token.
///
/// # Errors
/// The database refuses, or the file cannot be written.
pub async fn load(store: &Store, data_dir: &Path) -> Result<(), CliError> {
    let file = data_dir.join(FILE);
    let known = fs::read(&file).is_ok_and(|text| serde_json::from_slice::<DemoCredentials>(&text).is_ok());
    if let Some(credentials) = demo::load(store, known).await? {
        let cannot =
            |error: &dyn std::fmt::Display| CliError::Usage(format!("cannot write {}: {error}", file.display()));
        let text = serde_json::to_vec_pretty(&credentials).map_err(|error| cannot(&error))?;
        atomic_file::write(&file, &text).map_err(|error| cannot(&error))?;
    }
    Ok(())
}
