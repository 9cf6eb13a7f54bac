//! `countersign apply`, `promote`, `rollback` and `gates`: what serves traffic, on a server.

use std::process::ExitCode;

use lifecycle::rollout::{CanaryStatus, Gate, GateVerdict};
use serde_json::{Value, json};

use super::{
    client::{Client, Server},
    output::{Format, exit_code, print},
};
use crate::error::CliError;

/// Put an approved bundle into service.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: countersign apply 2.4.0 --packet pktv1:… --canary-pct 10")]
pub struct Apply {
    /// Number or version of the bundle.
    bundle: String,
    /// The approved packet.
    #[arg(long = "packet", alias = "packet-id", value_name = "PACKET_ID")]
    packet_id: String,
    /// Share of traffic to begin with, in percent: 0 for a shadow, or 10.
    #[arg(long, value_name = "PERCENT")]
    canary_pct: Option<i16>,
    #[command(flatten)]
    server: Server,
}

/// Raise the share of traffic of a bundle in rollout.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: countersign promote 2.4.0 --to 50")]
pub struct Promote {
    /// Number or version of the bundle.
    bundle: String,
    /// The next share of traffic, in percent: 10, 50 or 100.
    #[arg(long = "to", alias = "target-pct", value_name = "PERCENT")]
    target_pct: i16,
    #[command(flatten)]
    server: Server,
}

/// Take a bundle out of service: the previous good version takes over.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: countersign rollback 2.4.0 --reason 'Error rate 7.2 % exceeds 5 % in the canary'")]
pub struct Rollback {
    /// Number or version of the bundle; if omitted, the one put into service last.
    bundle: Option<String>,
    /// Reason, in at least ten characters, or the one word `Emergency`.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The person on whose behalf the bundle is rolled back.
    #[arg(long, value_name = "NAME")]
    rolled_back_by: Option<String>,
    /// Do not open an incident.
    #[arg(long)]
    no_incident: bool,
    /// When the trouble was noticed, e.g. 2026-01-31T08:00:00Z; if omitted, now.
    #[arg(long, value_name = "TIME")]
    triggered_at: Option<String>,
    #[command(flatten)]
    server: Server,
}

/// Show the four gates of a bundle in rollout, and what holds its promotion; exit code 1 while something does.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: countersign gates 2.4.0 --output json")]
pub struct Gates {
    /// Number or version of the bundle; if omitted, the one put into service last.
    bundle: Option<String>,
    #[command(flatten)]
    server: Server,
}

/// Runs `countersign gates`.
pub fn gates(arguments: &Gates, format: Format) -> Result<ExitCode, CliError> {
    let client = arguments.server.client()?;
    let id = named_or_newest(&client, arguments.bundle.as_deref())?;
    let status: CanaryStatus = client.get(&format!("/policy/bundles/{id}/canary-status"), &[])?;
    print(format, &status, || render_gates(&status));
    Ok(exit_code(!status.can_promote))
}

/// A line for each gate, and one for everything else that holds the promotion.
fn render_gates(status: &CanaryStatus) -> String {
    let line = |gate: &Gate| {
        let verdict = match gate.verdict {
            GateVerdict::Pass => "pass",
            GateVerdict::Hold => "hold",
            GateVerdict::Fail => "fail",
        };
        format!("{verdict}  {:<13}  {}", gate.name.name(), gate.message)
    };
    let mut lines = vec![format!("{} at {} % ({})", status.version, status.canary_pct, status.state)];
    lines.extend(status.gates.gates.iter().map(line));
    let others = status.blocked_by.iter().filter(|reason| !status.gates.failures.contains(reason));
    lines.extend(others.map(|reason| format!("hold  {:<13}  {reason}", "promotion")));
    lines.join("\n")
}

/// The bundle that was named, or the one in service: the canary, if there is one, is first in the list.
fn named_or_newest(client: &Client, named: Option<&str>) -> Result<i64, CliError> {
    if let Some(bundle) = named {
        return client.bundle_id(bundle);
    }
    let live: Value = client.get("/policy/bundles", &[("active_only", "true"), ("fields", "summary")])?;
    let id = live.pointer("/bundles/0/id").and_then(Value::as_i64);
    id.ok_or_else(|| CliError::Refused("nothing is in service".to_owned()))
}

/// Runs `countersign apply`.
pub fn apply(arguments: &Apply, format: Format) -> Result<ExitCode, CliError> {
    let client = arguments.server.client()?;
    let id = client.bundle_id(&arguments.bundle)?;
    let body = json!({ "packet_id": arguments.packet_id, "canary_pct": arguments.canary_pct });
    print_answer(format, &client.post(&format!("/policy/bundles/{id}/activate"), &body)?);
    Ok(ExitCode::SUCCESS)
}

/// Runs `countersign promote`.
pub fn promote(arguments: &Promote, format: Format) -> Result<ExitCode, CliError> {
    let client = arguments.server.client()?;
    let id = client.bundle_id(&arguments.bundle)?;
    print_answer(
        format,
        &client.post(&format!("/policy/bundles/{id}/promote"), &json!({ "target_pct": arguments.target_pct }))?,
    );
    Ok(ExitCode::SUCCESS)
}

/// Runs `countersign rollback`.
pub fn rollback(arguments: &Rollback, format: Format) -> Result<ExitCode, CliError> {
    let client = arguments.server.client()?;
    let id = named_or_newest(&client, arguments.bundle.as_deref())?;
    let body = json!({
        "reason": arguments.reason, "rolled_back_by": arguments.rolled_back_by, "create_incident": !arguments.no_incident,
        "triggered_at": arguments.triggered_at,
    });
    print_answer(format, &client.post(&format!("/policy/bundles/{id}/rollback"), &body)?);
    Ok(ExitCode::SUCCESS)
}

/// The server's sentence, and the incident it opened.
fn print_answer(format: Format, answer: &Value) {
    print(format, answer, || {
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let message = text("message").unwrap_or("done");
        text("incident_id").map_or_else(|| message.to_owned(), |incident| format!("{message} (incident {incident})"))
    });
}
