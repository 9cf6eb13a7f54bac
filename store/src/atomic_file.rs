//! Writing a file whole or not at all.

use std::{
    fs::{File, Permissions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, fchown},
    path::Path,
};

use tempfile::NamedTempFile;

/// Puts a file with `content` at `path`, replacing any file there; only its owner may read or write it.
/// A reader finds the old content or the new one, never a part of either, also after a crash.
///
/// # Errors
/// The folder does not exist, is not writable, or has no room left; the old file is then untouched.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    draft(path, content)?.persist(path)?;
    sync_folder(path);
    Ok(())
}

/// Like [`write`], unless there is a file at `path` already, which is then left as it is; of several processes that do
/// this at once, one writes. Returns whether this one did.
///
/// # Errors
/// As [`write`].
pub fn create(path: &Path, content: &[u8]) -> io::Result<bool> {
    place(draft(path, content)?, path)
}

fn place(draft: NamedTempFile, path: &Path) -> io::Result<bool> {
    match draft.persist_noclobber(path) {
        Ok(_) => {
            sync_folder(path);
            Ok(true)
        }
        Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(refused) => Err(refused.error),
    }
}

/// A file that is written bit by bit and then put in its place; one that is not is removed.
#[derive(Debug)]
pub struct Draft {
    draft: NamedTempFile,
    path: std::path::PathBuf,
}

impl Draft {
    /// A draft beside `path`, which only its owner may read or write.
    ///
    /// # Errors
    /// As [`write`].
    pub fn new(path: &Path) -> io::Result<Self> {
        Ok(Self { draft: empty(path)?, path: path.to_owned() })
    }

    /// The file to write to.
    pub fn file(&mut self) -> &mut File {
        self.draft.as_file_mut()
    }

    /// Puts the draft in its place, unless there is a file already. Returns whether it did.
    ///
    /// # Errors
    /// As [`write`].
    pub fn create(self) -> io::Result<bool> {
        self.draft.as_file().sync_all()?;
        place(self.draft, &self.path)
    }
}

/// A file with `content` beside `path`: a rename is atomic only within one file system.
fn draft(path: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let mut draft = empty(path)?;
    // What root keeps in a data directory is for its owner to read: a server need not be root's.
    if rustix::process::geteuid().is_root() {
        let owner = folder(path).metadata()?;
        fchown(draft.as_file(), Some(owner.uid()), Some(owner.gid()))?;
    }
    draft.write_all(content)?;
    draft.as_file().sync_all()?;
    Ok(draft)
}

fn empty(path: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o600)).tempfile_in(folder(path))
}

/// Makes a rename survive a crash. Some file systems do not support this; the file is in place all the same.
fn sync_folder(path: &Path) {
    let _unsupported = File::open(folder(path)).and_then(|folder| folder.sync_all());
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
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

    #[test]
    fn of_many_that_create_a_file_one_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        let made: Vec<bool> = std::thread::scope(|scope| {
            let create = |number: usize| {
                let path = path.clone();
                scope.spawn(move || create(&path, number.to_string().as_bytes()).unwrap())
            };
            let threads: Vec<_> = (0..16).map(create).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let winner = made.iter().position(|made| *made).unwrap();
        assert_eq!(made.iter().filter(|made| **made).count(), 1);
        assert_eq!(fs::read_to_string(&path).unwrap(), winner.to_string());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left behind");
    }
}
