//! The files that decisions are buffered in while the database is away: their names, and the locks by which each belongs to one
//! server.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// How the names of all these files begin. The first server in a data directory has `buffered-decisions.jsonl`, another one
/// at the same time `buffered-decisions.2.jsonl`, and so on.
const NAME: &str = "buffered-decisions";
/// Maximum servers with one data directory.
const MOST: usize = 64;

/// The name of the file with this number.
pub(super) fn file_name(number: usize) -> String {
    if number == 1 { format!("{NAME}.jsonl") } else { format!("{NAME}.{number}.jsonl") }
}

/// The decisions that the database will never accept, for a person to look at.
pub(super) fn refused_name(number: usize) -> String {
    if number == 1 { format!("{NAME}.refused.jsonl") } else { format!("{NAME}.{number}.refused.jsonl") }
}

/// The first file that no running server holds, locked.
pub(super) fn first_free(folder: &Path) -> io::Result<(usize, File)> {
    for number in 1..=MOST {
        if let Some(lock) = lock(&folder.join(file_name(number)))? {
            return Ok((number, lock));
        }
    }
    Err(io::Error::other(format!("{MOST} servers use this data directory already")))
}

/// A number that no other process of this system has, above those of [`first_free`].
pub(super) fn process_number() -> usize {
    MOST + std::process::id() as usize
}

/// Locks a file, which is made if it is missing; `None` while another process holds the lock. The lock ends with the file
/// that is returned, and with the process.
pub(super) fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = open_to_append(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// The buffers in `folder`, of all servers that use or used it.
pub(super) fn buffers(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_buffer = |name: &str| {
        let number = name.strip_prefix(NAME).and_then(|rest| rest.strip_suffix(".jsonl"));
        number.is_some_and(|number| {
            let digits = number.strip_prefix('.');
            number.is_empty() || digits.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
        })
    };
    let mut found: Vec<PathBuf> =
        files.filter(|file| file.file_name().to_str().is_some_and(is_buffer)).map(|file| file.path()).collect();
    found.sort();
    found
}

pub(super) fn open_to_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}
