//! The file of results. Each command replaces its own part and leaves the others.

use std::{fs, io::ErrorKind, path::Path};

use serde::{Deserialize, Serialize};

use crate::{analysis::Compared, cold::Cold, evaluate::Case, http::Http, machine::Machine, replay::Replayed};

/// All measurements.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Results {
    /// The day of the newest part, as it was passed in.
    pub date: String,
    pub machine: Machine,
    /// Decisions: agreement, then times.
    pub evaluate: Vec<Case>,
    /// Load, first request, memory.
    pub cold: Vec<Cold>,
    /// Lint and semantic diff against z3.
    pub analysis: Compared,
    /// Replay of recorded decisions.
    pub replay: Vec<Replayed>,
    /// The service.
    pub http: Http,
}

/// The path of the results.
pub const FILE: &str = "results/results.json";

impl Results {
    /// The stored results; empty if there is no file.
    ///
    /// # Errors
    /// When the file cannot be read or is malformed.
    pub fn read() -> Result<Self, String> {
        match fs::read_to_string(FILE) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| format!("{FILE}: {error}")),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("{FILE}: {error}")),
        }
    }

    /// Changes the stored results, and stamps them with this machine and the day.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn change(date: &str, change: impl FnOnce(&mut Self)) -> Result<(), String> {
        let mut results = Self::read()?;
        change(&mut results);
        results.machine = Machine::here();
        date.clone_into(&mut results.date);
        let text = serde_json::to_string_pretty(&results).map_err(|error| error.to_string())?;
        if let Some(folder) = Path::new(FILE).parent() {
            fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        }
        fs::write(FILE, text + "\n").map_err(|error| format!("{FILE}: {error}"))
    }
}
