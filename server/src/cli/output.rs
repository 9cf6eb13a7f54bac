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
pub enum CliError {
    /// It was refused, or found something. Exit code 1.
    Refused(String),
    /// The arguments or the input cannot be used. Exit code 2.
    Usage(String),
    /// A server or database cannot be reached. Exit code 3.
    Unreachable(String),
    /// The problem that a use case or a server answered; its code decides the exit code.
    Answered(Box<Problem>),
}

impl CliError {
    /// The exit code that tells scripts what kind of failure it is.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
            Self::Answered(problem) => match problem.code {
                Code::Unavailable => 3,
                Code::MalformedJson | Code::InvalidField | Code::TooLarge => 2,
                _ => 1,
            },
        })
    }

    /// Says it: a sentence on standard error, and for programs the problem on standard output.
    pub fn report(&self, format: Format) {
        eprintln!("countersign: {self}");
        if let (Format::Json, Self::Answered(problem)) = (format, self) {
            print(format, problem, String::new);
        }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text) | Self::Usage(text) | Self::Unreachable(text) => f.write_str(text),
            Self::Answered(problem) => {
                write!(f, "{}: {}", problem.title, problem.detail)?;
                // The detail repeats the only one.
                for fault in problem.errors.iter().filter(|_| problem.errors.len() > 1) {
                    let place = if fault.pointer.is_empty() { "/" } else { &fault.pointer };
                    write!(f, "\n    {place}: {}", fault.detail)?;
                }
                Ok(())
            }
        }
    }
}

impl From<Problem> for CliError {
    fn from(problem: Problem) -> Self {
        Self::Answered(Box::new(problem))
    }
}

impl From<store::Error> for CliError {
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
