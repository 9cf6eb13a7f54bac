//! Finding the installed programs of PostgreSQL.

use std::{
    env, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use super::Error;

/// A folder with `initdb` and `postgres` of one major version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    folder: PathBuf,
    /// Major version, e.g. `15`.
    major: u32,
}

impl Binaries {
    /// The newest installed programs, or, if `cluster` exists, those of the version that created it.
    ///
    /// # Errors
    /// [`Error::NotInstalled`], [`Error::WrongVersion`].
    pub fn find(cluster: &Path) -> Result<Self, Error> {
        let installed = Self::installed()?;
        match (major_of(cluster), installed.first()) {
            (None, Some(newest)) => Ok(newest.clone()),
            (wanted, _) => installed
                .iter()
                .find(|one| wanted == Some(one.major))
                .cloned()
                .ok_or_else(|| wrong_version(cluster, wanted.unwrap_or_default(), &installed)),
        }
    }

    /// All installed programs, the newest first, at least one.
    ///
    /// # Errors
    /// [`Error::NotInstalled`].
    pub fn installed() -> Result<Vec<Self>, Error> {
        let folders = candidates();
        let mut installed: Vec<Self> = folders.iter().filter_map(|folder| Self::at(folder)).collect();
        // A stable sort: among equal versions the folder named first wins.
        installed.sort_by_key(|found| std::cmp::Reverse(found.major));
        if installed.is_empty() {
            return Err(Error::NotInstalled { searched: list(&folders) });
        }
        Ok(installed)
    }

    /// The programs in one folder.
    ///
    /// # Errors
    /// [`Error::NotInstalled`].
    pub fn in_folder(folder: &Path) -> Result<Self, Error> {
        Self::at(folder).ok_or_else(|| Error::NotInstalled { searched: list(&[folder.to_owned()]) })
    }

    /// These programs, if they can work on `cluster`.
    pub(super) fn fitting(self, cluster: &Path) -> Result<Self, Error> {
        match major_of(cluster) {
            Some(wanted) if wanted != self.major => Err(wrong_version(cluster, wanted, &[self])),
            _ => Ok(self),
        }
    }

    /// Whether the programs in the folder are of the same major version still.
    pub(super) fn are_unchanged(&self) -> bool {
        Self::at(&self.folder).is_some_and(|now| now.major == self.major)
    }

    /// Programs that are not there.
    #[cfg(test)]
    pub(super) fn none() -> Self {
        Self { folder: PathBuf::from("/nowhere"), major: 0 }
    }

    /// The major version.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// The path of one of the programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The programs in `folder`, if it has all of them.
    fn at(folder: &Path) -> Option<Self> {
        if !folder.join("initdb").is_file() {
            return None;
        }
        Some(Self { folder: folder.to_owned(), major: version_of(&folder.join("postgres"))? })
    }
}

/// A program as it is installed: replaced, it is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Installed {
    /// File system, file, size, and when it was written, in seconds and nanoseconds.
    file: Option<(u64, u64, u64, i64, i64)>,
}

impl Installed {
    /// The server program.
    pub fn of(binaries: &Binaries) -> Self {
        let found = fs::metadata(binaries.program("postgres")).ok();
        let file = found.map(|file| (file.dev(), file.ino(), file.size(), file.mtime(), file.mtime_nsec()));
        Self { file }
    }

    /// Whether it is there, which it is not for a moment while it is replaced.
    pub fn is_present(&self) -> bool {
        self.file.is_some()
    }
}

/// The program `name` for a server of this major version: of that version, or else of the next one installed. A program
/// of an earlier version may not know what a later server has.
///
/// # Errors
/// [`Error::NoClient`].
pub fn client_program(name: &'static str, major: u32) -> Result<PathBuf, Error> {
    let found = candidates().into_iter().map(|folder| folder.join(name)).filter(|program| program.is_file());
    let mut found: Vec<(u32, PathBuf)> = found.filter_map(|path| Some((version_of(&path)?, path))).collect();
    // A stable sort: among equal versions the folder named first wins.
    found.sort_by_key(|(version, _)| *version);
    let versions: Vec<u32> = found.iter().map(|(version, _)| *version).collect();
    found.into_iter().find(|(version, _)| *version >= major).map(|(_, path)| path).ok_or(Error::NoClient {
        program: name,
        wanted: major,
        found: versions,
    })
}

/// The major version that a program says it has.
fn version_of(program: &Path) -> Option<u32> {
    let output = Command::new(program).arg("--version").output().ok()?;
    // `postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)`
    let text = String::from_utf8(output.stdout).ok()?;
    let digits: String = text.split_whitespace().nth(2)?.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The major version that made the data in `cluster`.
pub(super) fn major_of(cluster: &Path) -> Option<u32> {
    fs::read_to_string(cluster.join("PG_VERSION")).ok()?.trim().parse().ok()
}

fn wrong_version(cluster: &Path, wanted: u32, installed: &[Binaries]) -> Error {
    let found = installed.iter().map(|one| one.major.to_string()).collect::<Vec<_>>().join(", ");
    Error::WrongVersion { cluster: cluster.to_owned(), wanted, found }
}

fn list(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| format!("`{}`", folder.display())).collect::<Vec<_>>().join(", ")
}

/// The folders the programs may be in, best first.
fn candidates() -> Vec<PathBuf> {
    if let Some(stated) = env::var_os("COUNTERSIGN_PG_BIN") {
        return vec![stated.into()];
    }
    let mut folders: Vec<PathBuf> =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
    for (parent, below) in [("/usr/lib/postgresql", "bin"), ("/usr/local/pgsql", ""), ("/opt/homebrew/opt", "bin")] {
        let Ok(entries) = fs::read_dir(parent) else { continue };
        folders.extend(entries.flatten().map(|entry| entry.path().join(below)));
    }
    folders.retain(|folder| folder.is_dir());
    folders.dedup();
    if folders.is_empty() { vec!["/usr/lib/postgresql".into()] } else { folders }
}
