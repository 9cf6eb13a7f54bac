//! `countersign status`, `pause`, `release`, `disable` and `enable`: the state of a server, the safety pause and the
//! emergency switch.

use std::process::ExitCode;

use clap::ValueEnum;
use lifecycle::system::{Changed, ServingBundle, System};
use policy::{bundle::Effect, characters::write_out};
use serde_json::json;

use super::{
    client::Server,
    output::{Format, print},
};
use crate::error::CliError;

/// Show the live state, and whether anything is paused or disabled.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: countersign status --output json")]
pub struct Status {
    #[command(flatten)]
    server: Server,
}

/// Engage the safety pause: nothing enters service and nothing is approved until two people release it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: countersign pause --reason \"margins fall\" --trigger error_rate_5m")]
pub struct Pause {
    /// Reason for the pause.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Ticket in which the pause is tracked; without one, an incident is opened.
    #[arg(long, value_name = "ID")]
    ticket: Option<String>,
    /// A metric that triggered the pause; may be given several times.
    #[arg(long = "trigger", value_name = "METRIC")]
    trigger_metrics: Vec<String>,
    #[command(flatten)]
    server: Server,
}

/// Sign the release of the safety pause. A release takes a safety owner and a runtime owner.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: countersign release --remediation \"partner prices were corrected\"")]
pub struct Release {
    /// The remedy: what was fixed.
    #[arg(long, value_name = "TEXT")]
    remediation: String,
    #[command(flatten)]
    server: Server,
}

/// Switch evaluation off in an emergency: every question gets the same answer.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: countersign disable --reason \"Emergency bypass\" --bypass-effect allow")]
pub struct Disable {
    /// Reason for switching evaluation off.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The answer to every question.
    #[arg(long, value_enum, default_value_t = Bypass::Allow)]
    bypass_effect: Bypass,
    #[command(flatten)]
    server: Server,
}

/// Switch evaluation on again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: countersign enable")]
pub struct Enable {
    #[command(flatten)]
    server: Server,
}

/// The answer to every question while evaluation is off.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Bypass {
    /// Everything is allowed.
    Allow,
    /// Everything is denied.
    Deny,
    /// Everything is held for a person.
    NeedsApproval,
}

impl From<Bypass> for Effect {
    fn from(bypass: Bypass) -> Self {
        match bypass {
            Bypass::Allow => Self::Allow,
            Bypass::Deny => Self::Deny,
            Bypass::NeedsApproval => Self::NeedsApproval,
        }
    }
}

/// Runs `countersign status`.
pub fn status(arguments: &Status, format: Format) -> Result<ExitCode, CliError> {
    let system: System = arguments.server.client()?.get("/policy/system", &[])?;
    print(format, &system, || render(&system));
    Ok(ExitCode::SUCCESS)
}

/// Runs `countersign pause`.
pub fn pause(arguments: &Pause, format: Format) -> Result<ExitCode, CliError> {
    let body = json!({
        "reason": arguments.reason, "ticket": arguments.ticket, "trigger_metrics": arguments.trigger_metrics,
    });
    print_change(format, &arguments.server.client()?.post("/policy/system/pause", &body)?)
}

/// Runs `countersign release`.
pub fn release(arguments: &Release, format: Format) -> Result<ExitCode, CliError> {
    let body = json!({ "remediation": arguments.remediation });
    print_change(format, &arguments.server.client()?.post("/policy/system/pause/release", &body)?)
}

/// Runs `countersign disable`. Typing the command is confirmation enough, so the confirming header is sent with it.
pub fn disable(arguments: &Disable, format: Format) -> Result<ExitCode, CliError> {
    let effect = Effect::from(arguments.bypass_effect);
    let body = json!({"enabled": false, "reason": arguments.reason, "bypass_effect": effect});
    let header = [("X-Emergency-Override", "true")];
    print_change(format, &arguments.server.client()?.post_with("/policy/system/disable", &header, &body)?)
}

/// Runs `countersign enable`.
pub fn enable(arguments: &Enable, format: Format) -> Result<ExitCode, CliError> {
    print_change(format, &arguments.server.client()?.post("/policy/system/disable", &json!({ "enabled": true }))?)
}

fn print_change(format: Format, changed: &Changed) -> Result<ExitCode, CliError> {
    print(format, changed, || changed.message.clone());
    Ok(ExitCode::SUCCESS)
}

/// The state of the system in a few lines.
fn render(system: &System) -> String {
    let mut lines = Vec::new();
    if !system.enabled {
        let why = system
            .disabled
            .as_ref()
            .map(|off| format!(": {} ({}, since {})", write_out(&off.reason), write_out(&off.by), off.since));
        lines.push(format!(
            "Evaluation is DISABLED, everything is answered {}{}",
            system.bypass_effect,
            why.unwrap_or_default()
        ));
    }
    if let Some(pause) = &system.pause {
        let ticket = write_out(pause.ticket.as_deref().unwrap_or("no ticket"));
        lines.push(format!(
            "PAUSED: {} ({}, since {}, {ticket})",
            write_out(&pause.reason),
            write_out(&pause.by),
            pause.since
        ));
        let signed = pause.release_signatures.len();
        lines.push(format!("Release: {signed} of 2 signed; still needed: {}", pause.still_needed()));
    }
    let line = |name: &str, bundle: &ServingBundle| {
        format!("{name}: {} at {} % ({})", bundle.version, bundle.canary_pct, bundle.digest)
    };
    match &system.stable {
        Some(stable) => lines.push(line("Stable", stable)),
        None => lines.push("No bundle is live: every question is denied".to_owned()),
    }
    if let Some(canary) = &system.canary {
        let name = if canary.canary_pct == 0 { "Shadow" } else { "Canary" };
        lines.push(line(name, canary));
    }
    lines.join("\n")
}
