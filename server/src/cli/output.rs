//! How a command ends.

use std::{fmt, process::ExitCode};

use clap::ValueEnum;
use lifecycle::problem::{Code, Problem};
use serde::Serialize;

/// How results are written to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one JSON document.
    Json,
}

/// Why a command did not do what was asked, in one sentence.
#[derive(Debug)]
pub enum Failure {
    /// It was refused, or found something. Exit code 1.
    Refused(String),
    /// The arguments or the input cannot be used. Exit code 2.
    Usage(String),
    /// A server or database cannot be reached. Exit code 3.
    Unreachable(String),
}

impl Failure {
    /// The exit code that tells scripts what kind of failure it is.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text) | Self::Usage(text) | Self::Unreachable(text) => f.write_str(text),
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        match problem.code {
            Code::Unavailable => Self::Unreachable(problem.detail),
            Code::MalformedJson | Code::InvalidField | Code::TooLarge => Self::Usage(problem.detail),
            _ => Self::Refused(problem.detail),
        }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Problem::from(error).into()
    }
}

/// Writes `value` as JSON, or `text` for people.
pub fn print(format: Format, value: &impl Serialize, text: impl FnOnce() -> String) {
    use std::io::Write as _;
    let written = match format {
        Format::Json => serde_json::to_string_pretty(value).unwrap_or_default(),
        Format::Text => text(),
    };
    // A closed pipe (`… | head`) is no reason to complain.
    let _ = writeln!(std::io::stdout().lock(), "{}", written.trim_end_matches('\n'));
}
