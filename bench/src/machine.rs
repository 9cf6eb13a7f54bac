//! The machine that the measurements ran on.

use std::{collections::BTreeMap, fs, process::Command};

use serde::{Deserialize, Serialize};

/// The machine, its state, and the versions of what was compared.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub memory_gib: f64,
    pub system: String,
    pub compiler: String,
    /// The commit of the repository, with `+` appended if the measured code was changed.
    pub commit: String,
    /// The versions by crate, from the committed lock file.
    pub versions: BTreeMap<String, String>,
}

/// The lock file that this program was built with.
const LOCK: &str = include_str!("../Cargo.lock");

/// Crates whose versions the report names.
const REPORTED_CRATES: [&str; 6] = ["cedar-policy", "datalogic-rs", "regorus", "zen-engine", "policy", "serde_json"];

impl Machine {
    /// The machine that this program runs on.
    pub fn here() -> Self {
        let processor = line("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
        let kib: f64 =
            line("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse().ok()).unwrap_or(0.0);
        let changed = !output(
            "git",
            &[
                "status",
                "--porcelain",
                "--untracked-files=no",
                "--",
                "../policy",
                "../lifecycle",
                "../server",
                "../store",
                "src",
            ],
        )
        .is_empty();
        Self {
            processor,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: (kib / 1024.0 / 1024.0 * 10.0).round() / 10.0,
            system: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            compiler: output("rustc", &["--version"]),
            commit: output("git", &["rev-parse", "--short=10", "HEAD"]) + if changed { "+" } else { "" },
            versions: versions(),
        }
    }
}

/// The load average over one minute.
pub fn load() -> f64 {
    fs::read_to_string("/proc/loadavg").ok().and_then(|text| text.split(' ').next()?.parse().ok()).unwrap_or(0.0)
}

fn line(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn versions() -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    let mut lines = LOCK.lines();
    while let Some(line) = lines.next() {
        let name = line.strip_prefix("name = ").map(|name| name.trim_matches('"'));
        if let Some(name) = name.filter(|name| REPORTED_CRATES.contains(name))
            && let Some(version) = lines.next().and_then(|line| line.strip_prefix("version = "))
        {
            versions.insert(name.to_owned(), version.trim_matches('"').to_owned());
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_lock_file_names_every_version() {
        let versions = super::versions();
        assert!(super::REPORTED_CRATES.iter().all(|name| versions.contains_key(*name)), "{versions:?}");
    }
}
