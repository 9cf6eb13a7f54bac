//! `countersign bundle lint`: the findings of the linter.

use std::{path::Path, process::ExitCode};

use policy::{
    characters::write_out,
    lint::{self, Report},
};
use serde_json::json;

use crate::{
    cli::{
        files,
        output::{Format, exit_code, print},
    },
    error::CliError,
};

/// Lints the bundle in `file`. Exit code 1: there are errors.
pub fn run(file: &Path, format: Format) -> Result<ExitCode, CliError> {
    let report = lint::lint(&files::source(file)?);
    print(format, &report, || render(&report));
    Ok(exit_code(!report.passed))
}

/// Findings for people, one per line, and their counts.
pub(super) fn render(report: &Report) -> String {
    let mut text = String::new();
    for finding in report.all() {
        let severity = json!(finding.severity);
        let code = json!(finding.code);
        let place = write_out(finding.rule_id.as_deref().unwrap_or(&finding.path));
        let (severity, code) = (severity.as_str().unwrap_or_default(), code.as_str().unwrap_or_default());
        text.push_str(&format!("{severity}[{code}] {place}: {}\n", write_out(&finding.message)));
        if let Some(suggestion) = &finding.suggestion {
            text.push_str(&format!("    {}\n", write_out(suggestion)));
        }
    }
    let summary = report.summary;
    text.push_str(&format!(
        "{} rules: {} errors, {} warnings, {} notes",
        summary.total_rules, summary.errors, summary.warnings, summary.info
    ));
    text
}
