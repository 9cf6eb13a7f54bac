//! Times measured in a browser: a file next to the results, written by the program that drives the browser.

use std::{fs, io::ErrorKind};

use serde::{Deserialize, Serialize};

const FILE: &str = "results/browser.json";

/// The content of the file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Browser {
    /// Number of rules of the draft in the editor.
    pub rules: usize,
    /// Number of decisions that are simulated after each key.
    pub decisions: usize,
    /// Time from the keystroke until lint, diff and simulation are up to date.
    pub keystroke_ms: Option<Percentiles>,
    /// The longest task on the page's main thread meanwhile.
    pub longest_task_ms: Option<f64>,
    /// Replay of a million decisions.
    pub replay_1m_ms: Option<f64>,
    pub machine: String,
}

/// Percentiles over several keystrokes.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Percentiles {
    pub median: f64,
    pub p95: f64,
}

impl Browser {
    /// The measured times; empty if there is no file.
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
}
