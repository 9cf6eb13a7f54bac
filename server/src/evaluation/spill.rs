//! Decisions on disk while the database is away: one JSON line each, synced before the decisions are answered. The log
//! ignores a decision that it already has, so reading the file twice does no harm.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    mem,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use lifecycle::decision::Record;

use super::pending_decision::PendingDecision;

/// Maximum bytes of the file. Beyond that, evaluation answers 503 until the database is back.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
/// Maximum bytes read at once; the line that exceeds this limit is still read to its end.
const CHUNK_BYTES: u64 = 4 * 1024 * 1024;
const FILE: &str = "buffered-decisions.jsonl";
/// The decisions that the database will never accept, for a person to look at.
const REFUSED_FILE: &str = "buffered-decisions.refused.jsonl";

/// The file, its size, and how much of it has been logged.
pub(super) struct Spill {
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
        let path = folder.join(FILE);
        let bytes = length_of_whole_lines(&path).unwrap_or_else(|error| {
            tracing::error!(%error, file = %path.display(), "buffered decisions cannot be read");
            std::fs::metadata(&path).map_or(0, |found| found.len())
        });
        Self { path, refused_path: folder.join(REFUSED_FILE), bytes, consumed: 0 }
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
        let length = self.bytes + lines.len() as u64;
        if length > MAX_BYTES {
            return Err(io::Error::other(format!(
                "`{}` has reached its limit of {MAX_BYTES} bytes",
                self.path.display()
            )));
        }
        let mut file = open_to_append(&self.path)?;
        // Anything that a failed write left behind is cut off first.
        if file.metadata()?.len() > self.bytes {
            file.set_len(self.bytes)?;
        }
        file.write_all(&lines)?;
        file.sync_data()?;
        self.bytes = length;
        Ok(())
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

fn open_to_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
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
        // A server that has just started cannot know what was consumed.
        assert_eq!(ids(&Spill::open(&folder).next_chunk(9).unwrap()), ["1", "2", "3", "4"]);

        let second = spill.next_chunk(9).unwrap();
        assert_eq!(ids(&second), ["3", "4"]);
        spill.consume_up_to(second.end).unwrap();
        assert!(spill.is_empty() && Spill::open(&folder).is_empty());
        spill.append(&[pending("5")]).unwrap();
        assert_eq!(ids(&spill.next_chunk(9).unwrap()), ["5"]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_line_without_its_end_is_left_out_and_a_line_that_is_no_decision_is_set_aside() {
        let folder = folder("lines");
        Spill::open(&folder).append(&[pending("1")]).unwrap();
        let mut file = open_to_append(&folder.join(FILE)).unwrap();
        file.write_all(b"nonsense\n{\"decision_id\":\"no").unwrap();
        let mut spill = Spill::open(&folder);
        spill.append(&[pending("2")]).unwrap();
        let chunk = spill.next_chunk(9).unwrap();
        assert_eq!(ids(&chunk), ["1", "2"]);
        spill.set_aside(&[], &chunk.unreadable).unwrap();
        spill.set_aside(&chunk.records.iter().collect::<Vec<_>>(), &[]).unwrap();
        let refused = fs::read_to_string(folder.join(REFUSED_FILE)).unwrap();
        let lines: Vec<&str> = refused.lines().collect();
        assert_eq!((lines[0], lines.len()), ("nonsense", 3));
        assert_eq!(serde_json::from_str::<Record>(lines[2]).unwrap().decision_id, "2");
        fs::remove_dir_all(folder).unwrap();
    }
}
