//! The text of every file in the repository, read once. Tests of the rules pass in a few lines instead.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Files whose text some rule reads; of all other files only the name matters.
const READ: [&str; 5] = ["rs", "css", "ts", "toml", "md"];

/// Folders that are never part of the sources, for when git is not available to say so.
const SKIPPED: [&str; 4] = [".git", ".data", "node_modules", "target"];

/// The files of the repository: path from the root, with `/`, and text.
#[derive(Debug, Default)]
pub struct Sources {
    files: BTreeMap<String, String>,
    folders: BTreeSet<String>,
}

impl Sources {
    /// The repository that contains this crate. New files count before they are added to git, so that a check gives the
    /// same result before and after a commit; files that git ignores do not count.
    ///
    /// # Panics
    /// When a file cannot be read.
    pub fn of_repository() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let tracked = git(&root, &["ls-files", "-z"]).unwrap_or_else(|| walk(&root, ""));
        let new = git(&root, &["ls-files", "-z", "--others", "--exclude-standard"]).unwrap_or_default();
        let mut sources = Self::default();
        // Only tracked folders count: a scratch folder at the top breaks no rule.
        sources.folders.extend(tracked.iter().filter_map(|path| Some(path.split_once('/')?.0.to_owned())));
        for path in tracked.into_iter().chain(new) {
            let at = root.join(&path);
            // The file was deleted, but git does not know yet.
            if !at.is_file() {
                continue;
            }
            let text = if READ.contains(&extension(&path)) {
                fs::read_to_string(&at).unwrap_or_else(|error| panic!("{path} cannot be read: {error}"))
            } else {
                String::new()
            };
            sources.files.insert(path, text);
        }
        sources
    }

    /// Sources for a test of a rule: path and text of each file.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files: BTreeMap<_, _> = files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
        let folders = files.keys().filter_map(|path| Some(path.split_once('/')?.0.to_owned())).collect();
        Self { files, folders }
    }

    /// The text of a file.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Path and text of every file.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Path and text of every file whose name ends in `.extension`.
    pub fn with_extension(&self, wanted: &str) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(move |(path, _)| extension(path) == wanted)
    }

    /// The tracked folders at the top of the repository.
    pub fn top_folders(&self) -> impl Iterator<Item = &str> {
        self.folders.iter().map(String::as_str)
    }
}

fn extension(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// The output of a git command that lists paths separated by zero bytes; `None` if git or its repository is not
/// available.
fn git(root: &Path, arguments: &[&str]) -> Option<Vec<String>> {
    let output = Command::new("git").current_dir(root).args(arguments).output().ok()?;
    let listed = String::from_utf8(output.stdout).ok()?;
    let paths: Vec<_> = listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    output.status.success().then_some(paths)
}

/// Every file below a folder; `prefix` is the folder's path from the root, empty or ending in `/`.
fn walk(root: &Path, prefix: &str) -> Vec<String> {
    let folder: PathBuf = root.join(prefix);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{} cannot be read: {error}", folder.display()));
    let mut paths = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                paths.extend(walk(root, &format!("{prefix}{name}/")));
            }
        } else {
            paths.push(format!("{prefix}{name}"));
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_walk_finds_this_file_and_no_build_output() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let walked = walk(&root, "");
        assert!(walked.contains(&"checks/src/sources.rs".to_owned()));
        assert!(!walked.iter().any(|path| path.starts_with("target/") || path.contains("node_modules/")));
    }

    #[test]
    fn top_folders_are_those_with_files_in_them() {
        let sources = Sources::of([("README.md", ""), ("app/src/lib.rs", ""), ("style/main.css", "")]);
        assert_eq!(sources.top_folders().collect::<Vec<_>>(), ["app", "style"]);
        assert_eq!(sources.with_extension("css").map(|(path, _)| path).collect::<Vec<_>>(), ["style/main.css"]);
    }
}
