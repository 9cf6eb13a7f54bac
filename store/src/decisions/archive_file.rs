//! The file of an archived day: gzip, with lines of JSON; see [`lifecycle::archive`].

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use lifecycle::{
    archive::{self, Lines, Manifest, Wrong},
    signing::KeyRing,
};

/// Longest line. A context has at most 64 KiB, which JSON may spell up to six times as long.
const MAX_LINE: u64 = 16 * 1024 * 1024;

/// Why an archive is not to be relied on.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It is not what was archived.
    #[error(transparent)]
    Wrong(#[from] Wrong),
}

/// What a line of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    Decision,
    Outcome,
}

/// Checks the file of an archived day: that it is complete and unchanged, and signed by a key of `keys`. No database is
/// needed.
///
/// # Errors
/// [`ArchiveError`].
pub fn verify_archive(file: &Path, keys: &KeyRing) -> Result<Manifest, ArchiveError> {
    let manifest = read(file, |_, _| Ok(()))?;
    manifest.verify(keys).map_err(Wrong::Signature)?;
    Ok(manifest)
}

/// Reads a file and gives each line to `take`; its content is compared with the manifest, whose signature is not checked.
pub(super) fn read(
    file: &Path,
    mut take: impl FnMut(Line, &str) -> Result<(), ArchiveError>,
) -> Result<Manifest, ArchiveError> {
    let mut lines = BufReader::new(MultiGzDecoder::new(BufReader::new(File::open(file)?)));
    let (mut decisions, mut outcomes) = (Lines::default(), Lines::default());
    let mut line = String::new();
    loop {
        line.clear();
        (&mut lines).take(MAX_LINE).read_line(&mut line).map_err(undecodable)?;
        let Some(text) = line.strip_suffix('\n') else { return Err(Wrong::NoManifest.into()) };
        if text.starts_with("{\"format\":") {
            let manifest = archive::manifest(text)?;
            if lines.read(&mut [0]).map_err(undecodable)? != 0 {
                return Err(Wrong::NoManifest.into());
            }
            archive::compare(&manifest, &decisions, &outcomes)?;
            return Ok(manifest);
        }
        let kind = if text.starts_with("{\"outcome_of\":") { Line::Outcome } else { Line::Decision };
        match kind {
            Line::Decision => decisions.push(text),
            Line::Outcome => outcomes.push(text),
        }
        take(kind, text)?;
    }
}

/// What cannot be unpacked was cut off, or is of another kind; anything else is a disk that fails.
fn undecodable(error: io::Error) -> ArchiveError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            Wrong::NoManifest.into()
        }
        _ => error.into(),
    }
}

/// A file that is being written. It has its name only once it is whole.
pub(super) struct Writer {
    path: PathBuf,
    part: PathBuf,
    out: GzEncoder<BufWriter<File>>,
}

impl Writer {
    /// Begins a file in `folder`, which is made if it is missing.
    pub fn begin(folder: &Path, name: &str) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let (path, part) = (folder.join(name), folder.join(format!("{name}.part")));
        let out = GzEncoder::new(BufWriter::new(File::create(&part)?), Compression::default());
        Ok(Self { path, part, out })
    }

    /// Adds a line, given without its end.
    pub fn line(&mut self, line: &str) -> io::Result<()> {
        self.out.write_all(line.as_bytes())?;
        self.out.write_all(b"\n")
    }

    /// Writes the file to the disk and gives it its name; returns where it is.
    pub fn finish(self) -> io::Result<PathBuf> {
        let file = self.out.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        std::fs::rename(&self.part, &self.path)?;
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(self.path)
    }
}
