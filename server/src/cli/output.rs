//! The output of a command, and its exit code.

use std::process::ExitCode;

use clap::ValueEnum;
use policy::characters::write_out_lines;
use serde::Serialize;

use crate::error::CliError;

/// The format of results on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one JSON document.
    Json,
}

/// Writes `value` as JSON, or `text` for people.
pub fn print(format: Format, value: &impl Serialize, text: impl FnOnce() -> String) {
    use std::io::Write as _;
    let written = match format {
        Format::Json => serde_json::to_string_pretty(value).unwrap_or_default(),
        // Whatever came from outside: a terminal obeys control characters.
        Format::Text => write_out_lines(&text()).into_owned(),
    };
    // A closed pipe (`… | head`) is not an error.
    let _ = writeln!(std::io::stdout().lock(), "{}", written.trim_end_matches('\n'));
}

/// Writes `error` as a sentence to standard error and, for programs, its problem to standard output.
pub fn report(error: &CliError, format: Format) {
    eprintln!("countersign: {}", write_out_lines(&error.to_string()));
    if let (Format::Json, CliError::Answered(problem)) = (format, error) {
        print(format, problem, String::new);
    }
}

/// The exit code of a check: 1 when there are findings.
pub fn exit_code(findings: bool) -> ExitCode {
    if findings { ExitCode::from(1) } else { ExitCode::SUCCESS }
}
