//! Writing a file whole or not at all.

use std::{
    fs::{File, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

/// Puts a file with `content` at `path`, replacing any file there; only its owner may read or write it.
/// A reader finds the old content or the new one, never a part of either, also after a crash.
///
/// # Errors
/// The folder does not exist, is not writable, or has no room left; the old file is then untouched.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // In the same folder, because a rename is atomic only within one file system.
    let mut draft = tempfile::Builder::new().permissions(Permissions::from_mode(0o600)).tempfile_in(folder)?;
    draft.write_all(content)?;
    draft.as_file().sync_all()?;
    draft.persist(path)?;
    // Makes the rename itself survive a crash. Some file systems do not support this; the file is in place all the
    // same.
    let _unsupported = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_replaced_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        fs::write(&path, "old").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left behind");
        assert!(write(&folder.path().join("missing/key.json"), b"new").is_err());
    }
}
