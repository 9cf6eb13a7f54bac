//! The example workspace, and the file with its credentials.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use store::{
    Store,
    demo::{self, DemoCredentials},
};

use crate::error::CliError;

/// Name of the file in the data directory with the demo's people, passwords and tokens.
pub const FILE: &str = "demo-credentials.json";

/// Loads the example workspace, once, and writes [`FILE`]. An existing file is left as it is; when the file is missing,
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
        write(&file, &text).map_err(|error| cannot(&error))?;
    }
    Ok(())
}

/// Writes a file that only its owner may read, whole or not at all.
fn write(file: &Path, text: &[u8]) -> io::Result<()> {
    let fresh = file.with_extension("json.new");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    out.write_all(text)?;
    out.sync_all()?;
    fs::rename(&fresh, file)
}
