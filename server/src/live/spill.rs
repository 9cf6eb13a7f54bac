//! Decisions on disk while the database is away: one JSON line each, synced before they are answered. The log ignores
//! a decision it already has, so reading the file twice does no harm.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use lifecycle::decision::Record;

use super::made::Made;

/// Most bytes of the file. Past it, evaluation answers 503 until the database is back.
const MOST_BYTES: u64 = 256 * 1024 * 1024;
const FILE: &str = "buffered-decisions.jsonl";

/// The file and how much is in it.
pub(super) struct Spill {
    path: PathBuf,
    bytes: u64,
}

impl Spill {
    /// The buffer in `folder`, with what an earlier run left there.
    pub fn in_folder(folder: &Path) -> Self {
        let path = folder.join(FILE);
        let bytes = std::fs::metadata(&path).map_or(0, |found| found.len());
        Self { path, bytes }
    }

    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Appends `decisions` and waits until they are on the disk: all or, as far as callers can tell, none.
    pub fn append(&mut self, decisions: &[Arc<Made>]) -> io::Result<()> {
        let mut lines = Vec::new();
        for made in decisions {
            serde_json::to_writer(&mut lines, &*made.whole()?)?;
            lines.push(b'\n');
        }
        let length = self.bytes + lines.len() as u64;
        if length > MOST_BYTES {
            return Err(io::Error::other(format!(
                "`{}` has reached its limit of {MOST_BYTES} bytes",
                self.path.display()
            )));
        }
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
        // What a failed write left behind is cut off first.
        if file.metadata()?.len() > self.bytes {
            file.set_len(self.bytes)?;
        }
        file.write_all(&lines)?;
        file.sync_data()?;
        self.bytes = length;
        Ok(())
    }

    /// Everything in the file. A last line without its end was never answered and is left out.
    pub fn read(&self) -> io::Result<Vec<Record>> {
        let mut records = Vec::new();
        let mut reader = BufReader::new(File::open(&self.path)?);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            if line.last() == Some(&b'\n') {
                records.push(serde_json::from_slice(&line)?);
            }
            line.clear();
        }
        Ok(records)
    }

    /// Empties the file.
    pub fn clear(&mut self) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(&self.path)?;
        file.set_len(0)?;
        file.sync_data()?;
        self.bytes = 0;
        Ok(())
    }
}
