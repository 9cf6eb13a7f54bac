//! Finding the installed programs of PostgreSQL.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::Error;

/// A folder with `initdb` and `postgres` of one major version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    folder: PathBuf,
    /// Major version, e.g. `15`.
    major: String,
}

impl Binaries {
    /// The newest installed programs, or, if `cluster` exists, those of the version that created it.
    ///
    /// # Errors
    /// [`Error::NotInstalled`], [`Error::WrongVersion`].
    pub fn find(cluster: &Path) -> Result<Self, Error> {
        let folders = candidates();
        let mut installed: Vec<Self> = folders.iter().filter_map(|folder| Self::at(folder)).collect();
        // A stable sort: among equal versions the folder named first wins.
        installed.sort_by_key(|found| std::cmp::Reverse(found.major.parse::<u32>().unwrap_or(0)));
        let wanted = fs::read_to_string(cluster.join("PG_VERSION")).ok().map(|text| text.trim().to_owned());
        match wanted {
            _ if installed.is_empty() => Err(Error::NotInstalled {
                searched: folders.iter().map(|folder| format!("`{}`", folder.display())).collect::<Vec<_>>().join(", "),
            }),
            None => installed.into_iter().next().ok_or(Error::NotInstalled { searched: String::new() }),
            Some(wanted) => {
                let found = installed.iter().map(|one| one.major.as_str()).collect::<Vec<_>>().join(", ");
                installed.into_iter().find(|one| one.major == wanted).ok_or_else(|| Error::WrongVersion {
                    cluster: cluster.to_owned(),
                    wanted,
                    found,
                })
            }
        }
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
        let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
        // `postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)`
        let text = String::from_utf8(output.stdout).ok()?;
        let major = text.split_whitespace().nth(2)?.split('.').next()?.to_owned();
        major.parse::<u32>().ok()?;
        Some(Self { folder: folder.to_owned(), major })
    }
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
