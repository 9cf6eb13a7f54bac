//! `countersign drill`: rehearsing a rollback on a server, in a sandbox.

use std::process::ExitCode;

use lifecycle::rollout::DrillReport;
use policy::characters::write_out;
use serde_json::json;

use super::{
    client::Server,
    output::{Format, print},
};
use crate::error::CliError;

/// Rehearse apply, rollback and apply again in a sandbox; the live state is not touched. Exit code 1 if the rehearsal
/// fails.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: countersign drill --output json")]
pub struct Drill {
    #[command(flatten)]
    server: Server,
}

/// Runs `countersign drill`.
pub fn run(arguments: &Drill, format: Format) -> Result<ExitCode, CliError> {
    let report: DrillReport = arguments.server.client()?.post("/policy/drills", &json!({}))?;
    print(format, &report, || render(&report));
    Ok(if report.safety_passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn render(report: &DrillReport) -> String {
    let verdict = if report.safety_passed { "passed" } else { "FAILED" };
    let mut lines = vec![format!("Drill {} with {}: {verdict}", report.id, report.candidate_version)];
    lines.extend(report.failures.iter().map(|failure| format!("- {}", write_out(failure))));
    for (name, took, checksum) in [
        ("apply", report.apply_duration_ms, &report.first_apply_verification_checksum),
        ("roll back", report.rollback_duration_ms, &report.rollback_verification_checksum),
        ("apply again", report.reapply_duration_ms, &report.reapply_verification_checksum),
    ] {
        match (took, checksum) {
            (Some(took), Some(checksum)) => lines.push(format!("{name:<12}{took:>10.1} ms  {checksum}")),
            _ => lines.push(format!("{name:<12}not reached")),
        }
    }
    if let Some(version) = &report.final_policy_version {
        lines.push(format!("in service at the end: {version}; what is live was not touched"));
    }
    lines.join("\n")
}
