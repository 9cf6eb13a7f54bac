//! Decisions on disk while the database is away: one JSON line each, synced before the decisions are answered. The log
//! ignores a decision that it already has, so reading the file twice does no harm.
//!
//! Several servers may share a data directory. Each has a file of its own and holds a lock on it while it runs; what a server
//! that is gone left in its file is taken over by one that runs.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    mem,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use lifecycle::decision::Record;

use super::{
    pending_decision::PendingDecision,
    spill_files::{buffers, file_name, first_free, lock, open_to_append, process_number, refused_name},
};

/// Maximum bytes of the file. Beyond that, evaluation answers 503 until the database is back.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
/// Maximum bytes read at once; the line that exceeds this limit is still read to its end.
const CHUNK_BYTES: u64 = 4 * 1024 * 1024;
/// A buffer this close to its limit counts as full.
const FULL_BYTES: u64 = MAX_BYTES - 1024 * 1024;
/// How often to look for files of servers that are gone.
const ADOPT_EVERY: Duration = Duration::from_secs(5);

/// How full the buffer is, as others see it.
#[derive(Debug, Default)]
pub(super) struct SpillLevel(AtomicU64);

impl SpillLevel {
    /// Takes the level of `spill`.
    pub fn set(&self, spill: &Spill) {
        self.0.store(spill.bytes, Ordering::Relaxed);
    }

    /// Bytes in the file.
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether the file takes no more.
    pub fn is_full(&self) -> bool {
        self.bytes() >= FULL_BYTES
    }
}

/// The file, its size, and how much of it has been logged.
pub(super) struct Spill {
    folder: PathBuf,
    /// Holds the lock on the file; `None` if the file cannot be opened, and before it is needed.
    lock: Option<File>,
    adopted_at: Instant,
    path: PathBuf,
    refused_path: PathBuf,
    bytes: u64,
    /// The offset up to which everything is logged or set aside. It is not stored: after a crash the file is read from
    /// its start again.
    consumed: u64,
}

/// The next decisions in the file.
pub(super) struct Chunk {
    pub records: Vec<Record>,
    /// Lines that are not decisions.
    pub unreadable: Vec<Vec<u8>>,
    /// The offset of the chunk's end in the file.
    pub end: u64,
}

impl Spill {
    /// The buffer in `folder`, with what an earlier run left there. A last line without its end was never answered, and
    /// is left out.
    pub fn open(folder: &Path) -> Self {
        let (number, lock) = match first_free(folder) {
            Ok((number, lock)) => (number, Some(lock)),
            Err(error) => {
                tracing::error!(%error, folder = %folder.display(), "decisions cannot be buffered on disk");
                // Unlocked, a file of this process alone does no harm to any other.
                (process_number(), None)
            }
        };
        let path = folder.join(file_name(number));
        let bytes = length_of_whole_lines(&path).unwrap_or_else(|error| {
            tracing::error!(%error, file = %path.display(), "buffered decisions cannot be read");
            fs::metadata(&path).map_or(0, |found| found.len())
        });
        let mut spill = Self {
            folder: folder.to_owned(),
            lock,
            adopted_at: Instant::now(),
            path,
            refused_path: folder.join(refused_name(number)),
            bytes,
            consumed: 0,
        };
        spill.adopt();
        spill
    }

    /// Takes over what servers that are gone have left behind; looks for it now and then.
    pub fn adopt_left_behind(&mut self) {
        if self.is_empty() && self.adopted_at.elapsed() >= ADOPT_EVERY {
            self.adopt();
        }
    }

    fn adopt(&mut self) {
        self.adopted_at = Instant::now();
        let mut others = buffers(&self.folder);
        others.retain(|path| *path != self.path);
        for path in others {
            if let Err(error) = self.adopt_file(&path) {
                tracing::error!(%error, file = %path.display(), "buffered decisions cannot be taken over");
            }
        }
    }

    /// Takes over the decisions in the file at `path`, unless the server that it belongs to runs.
    fn adopt_file(&mut self, path: &Path) -> io::Result<()> {
        let length = length_of_whole_lines(path)?;
        if length == 0 {
            return Ok(());
        }
        let Some(left) = lock(path)? else { return Ok(()) };
        let mut lines = Vec::new();
        File::open(path)?.take(length_of_whole_lines(path)?).read_to_end(&mut lines)?;
        self.append_lines(&lines)?;
        left.set_len(0)?;
        tracing::warn!(file = %path.display(), bytes = lines.len(), "buffered decisions of a server that is gone were taken over");
        Ok(())
    }

    /// Whether all decisions in the file are logged or set aside.
    pub fn is_empty(&self) -> bool {
        self.consumed >= self.bytes
    }

    /// Appends `decisions` and waits until they are on disk: all of them or, as far as callers can see, none.
    pub fn append(&mut self, decisions: &[Arc<PendingDecision>]) -> io::Result<()> {
        let mut lines = Vec::new();
        for decision in decisions {
            serde_json::to_writer(&mut lines, &*decision.to_record()?)?;
            lines.push(b'\n');
        }
        self.append_lines(&lines)
    }

    fn append_lines(&mut self, lines: &[u8]) -> io::Result<()> {
        let length = self.bytes + lines.len() as u64;
        if length > MAX_BYTES {
            return Err(io::Error::other(format!(
                "`{}` has reached its limit of {MAX_BYTES} bytes",
                self.path.display()
            )));
        }
        self.keep_locked()?;
        let mut file = open_to_append(&self.path)?;
        // Anything that a failed write left behind is cut off first.
        if file.metadata()?.len() > self.bytes {
            file.set_len(self.bytes)?;
        }
        file.write_all(lines)?;
        file.sync_data()?;
        self.bytes = length;
        Ok(())
    }

    /// Refuses to write to a file whose lock is not held, or that was replaced.
    fn keep_locked(&mut self) -> io::Result<()> {
        let is_ours = |held: &File| Ok::<_, io::Error>(held.metadata()?.ino() == fs::metadata(&self.path)?.ino());
        if self.lock.as_ref().is_some_and(|held| is_ours(held).unwrap_or(false)) {
            return Ok(());
        }
        self.lock = lock(&self.path)?;
        if self.lock.is_some() {
            return Ok(());
        }
        Err(io::Error::other(format!("`{}` belongs to another server", self.path.display())))
    }

    /// The next decisions, from up to `most` lines.
    pub fn next_chunk(&self, most: usize) -> io::Result<Chunk> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.consumed))?;
        let mut lines = BufReader::new(file.take(self.bytes.saturating_sub(self.consumed)));
        let mut chunk = Chunk { records: Vec::new(), unreadable: Vec::new(), end: self.consumed };
        let mut line = Vec::new();
        for _ in 0..most {
            line.clear();
            let length = lines.read_until(b'\n', &mut line)? as u64;
            if length == 0 {
                break;
            }
            chunk.end += length;
            match serde_json::from_slice(&line) {
                Ok(record) => chunk.records.push(record),
                Err(_) => chunk.unreadable.push(mem::take(&mut line)),
            }
            if chunk.end - self.consumed >= CHUNK_BYTES {
                break;
            }
        }
        if chunk.end == self.consumed {
            tracing::error!(file = %self.path.display(), "buffered decisions were cut off by another program");
            chunk.end = self.bytes;
        }
        Ok(chunk)
    }

    /// Writes decisions and lines that the log does not accept to a second file.
    pub fn set_aside(&self, records: &[&Record], lines: &[Vec<u8>]) -> io::Result<()> {
        let mut text = Vec::new();
        for record in records {
            serde_json::to_writer(&mut text, record)?;
            text.push(b'\n');
        }
        for line in lines {
            text.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
            text.push(b'\n');
        }
        let mut file = open_to_append(&self.refused_path)?;
        file.write_all(&text)?;
        file.sync_data()
    }

    /// Records that everything before `end` is logged or set aside. The file is emptied if that is all of it.
    pub fn consume_up_to(&mut self, end: u64) -> io::Result<()> {
        self.consumed = end;
        if !self.is_empty() {
            return Ok(());
        }
        // If emptying the file fails, the next append cuts off its old content.
        (self.bytes, self.consumed) = (0, 0);
        let file = OpenOptions::new().write(true).open(&self.path)?;
        file.set_len(0)?;
        file.sync_data()
    }
}

/// Bytes up to the end of the last whole line.
fn length_of_whole_lines(path: &Path) -> io::Result<u64> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        file => file?,
    };
    let (mut reader, mut line, mut bytes) = (BufReader::new(file), Vec::new(), 0);
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)? as u64;
        if line.last() != Some(&b'\n') {
            return Ok(bytes);
        }
        bytes += length;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use lifecycle::decision::Mode;
    use policy::{
        Timestamp,
        bundle::Effect,
        engine::{Arm, Status},
    };

    use super::*;

    fn pending(id: &str) -> Arc<PendingDecision> {
        let record = Record {
            decision_id: id.to_owned(),
            decided_at: Timestamp::EPOCH,
            agent: "a".to_owned(),
            action: "b".to_owned(),
            subject: "s".to_owned(),
            context: serde_json::Map::new(),
            effect: Effect::Deny,
            status: Status::NoMatch,
            matched_rule: None,
            reason: "because".to_owned(),
            budget: None,
            bundle: None,
            arm: Arm::None,
            mode: Mode::Degraded,
            errors: Vec::new(),
            other_arm: None,
            outcome: None,
            asked_by: None,
        };
        Arc::new(record.into())
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("countersign-spill-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn ids(chunk: &Chunk) -> Vec<&str> {
        chunk.records.iter().map(|record| record.decision_id.as_str()).collect()
    }

    #[test]
    fn the_buffer_is_consumed_in_chunks_while_it_grows_and_from_its_start_after_a_crash() {
        let folder = folder("pieces");
        let mut spill = Spill::open(&folder);
        assert!(spill.is_empty());
        spill.append(&["1", "2", "3"].map(pending)).unwrap();
        let first = spill.next_chunk(2).unwrap();
        assert_eq!(ids(&first), ["1", "2"]);
        spill.consume_up_to(first.end).unwrap();
        spill.append(&[pending("4")]).unwrap();
        let second = spill.next_chunk(9).unwrap();
        assert_eq!(ids(&second), ["3", "4"]);
        // A server that has just started cannot know what was consumed.
        drop(spill);
        let mut spill = Spill::open(&folder);
        let all = spill.next_chunk(9).unwrap();
        assert_eq!(ids(&all), ["1", "2", "3", "4"]);
        spill.consume_up_to(all.end).unwrap();
        assert!(spill.is_empty());
        drop(spill);
        let mut spill = Spill::open(&folder);
        assert!(spill.is_empty());
        spill.append(&[pending("5")]).unwrap();
        assert_eq!(ids(&spill.next_chunk(9).unwrap()), ["5"]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn servers_that_share_a_data_directory_keep_to_their_own_files_and_inherit_from_those_that_are_gone() {
        let folder = folder("shared");
        let mut one = Spill::open(&folder);
        one.append(&[pending("1")]).unwrap();
        let mut two = Spill::open(&folder);
        two.append(&[pending("2"), pending("3")]).unwrap();
        one.append(&[pending("4")]).unwrap();
        assert_eq!(ids(&one.next_chunk(9).unwrap()), ["1", "4"]);
        assert_eq!(ids(&two.next_chunk(9).unwrap()), ["2", "3"]);

        // The first server is killed; the second gets no notice of it, and looks now and then.
        drop(one);
        let end = two.next_chunk(9).unwrap().end;
        two.consume_up_to(end).unwrap();
        two.adopted_at = Instant::now() - ADOPT_EVERY;
        two.adopt_left_behind();
        assert_eq!(ids(&two.next_chunk(9).unwrap()), ["1", "4"]);
        assert_eq!(fs::metadata(folder.join(file_name(1))).unwrap().len(), 0, "nobody reads them a second time");
        two.append(&[pending("5")]).unwrap();

        // A server that starts takes over the file of the second, too.
        drop(two);
        let three = Spill::open(&folder);
        assert_eq!(ids(&three.next_chunk(9).unwrap()), ["1", "4", "5"]);
        assert_eq!(three.path, folder.join(file_name(1)));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_line_without_its_end_is_left_out_and_a_line_that_is_no_decision_is_set_aside() {
        let folder = folder("lines");
        Spill::open(&folder).append(&[pending("1")]).unwrap();
        let mut file = open_to_append(&folder.join(file_name(1))).unwrap();
        file.write_all(b"nonsense\n{\"decision_id\":\"no").unwrap();
        let mut spill = Spill::open(&folder);
        spill.append(&[pending("2")]).unwrap();
        let chunk = spill.next_chunk(9).unwrap();
        assert_eq!(ids(&chunk), ["1", "2"]);
        spill.set_aside(&[], &chunk.unreadable).unwrap();
        spill.set_aside(&chunk.records.iter().collect::<Vec<_>>(), &[]).unwrap();
        let refused = fs::read_to_string(folder.join(refused_name(1))).unwrap();
        let lines: Vec<&str> = refused.lines().collect();
        assert_eq!((lines[0], lines.len()), ("nonsense", 3));
        assert_eq!(serde_json::from_str::<Record>(lines[2]).unwrap().decision_id, "2");
        fs::remove_dir_all(folder).unwrap();
    }
}
