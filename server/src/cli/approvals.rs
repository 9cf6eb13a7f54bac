//! `countersign approvals`: what agents ask people, on a server.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use lifecycle::approval::{Request, Status};
use policy::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    client::{Server, segment},
    output::{Format, print},
};
use crate::error::CliError;

/// Read and answer what agents ask people.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List requests; those that wait for you, unless another status is named.
    #[command(after_help = "Example: countersign approvals list\n\
                      Example: countersign approvals list --status denied --output json")]
    List {
        /// Only requests that stand so, whoever they wait for.
        #[arg(long, value_enum)]
        status: Option<RequestStatus>,
        /// At most this many.
        #[arg(long, value_name = "COUNT", default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        server: Server,
    },
    /// Show a request.
    #[command(after_help = "Example: countersign approvals show apr_…")]
    Show {
        /// The request.
        id: String,
        #[command(flatten)]
        server: Server,
    },
    /// Approve a call: once, unless a time is named.
    #[command(after_help = "Example: countersign approvals approve apr_…\n\
                      Example: countersign approvals approve apr_… --until 2026-01-31T18:00:00Z --count 20")]
    Approve {
        /// The request.
        id: String,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Approve calls of the agent's session.
        #[arg(long, conflicts_with = "until")]
        session: bool,
        /// Approve calls like it until this time, within 24 hours.
        #[arg(long, value_name = "TIME")]
        until: Option<Timestamp>,
        /// How often, with --session or --until.
        #[arg(long, value_name = "COUNT")]
        count: Option<u32>,
        #[command(flatten)]
        server: Server,
    },
    /// Deny a call.
    #[command(after_help = "Example: countersign approvals deny apr_… --reason 'The order was refunded yesterday'")]
    Deny {
        /// The request.
        id: String,
        /// Why: whoever runs the agent reads it.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        server: Server,
    },
    /// Revoke an approval: it allows nothing more.
    #[command(after_help = "Example: countersign approvals revoke apr_…")]
    Revoke {
        /// The request that was approved.
        id: String,
        #[command(flatten)]
        server: Server,
    },
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RequestStatus {
    /// It waits for people.
    Pending,
    /// Enough people approved.
    Approved,
    /// A person denied it.
    Denied,
    /// Nobody answered in time.
    Expired,
    /// The agent took it back.
    Cancelled,
}

impl From<RequestStatus> for Status {
    fn from(status: RequestStatus) -> Self {
        match status {
            RequestStatus::Pending => Self::Pending,
            RequestStatus::Approved => Self::Approved,
            RequestStatus::Denied => Self::Denied,
            RequestStatus::Expired => Self::Expired,
            RequestStatus::Cancelled => Self::Cancelled,
        }
    }
}

#[derive(Deserialize)]
struct Listed {
    approvals: Vec<Value>,
    next_cursor: Option<String>,
}

/// Runs the command.
pub fn run(command: Command, format: Format) -> Result<ExitCode, CliError> {
    match command {
        Command::List { status, limit, server } => {
            let limit = limit.to_string();
            let which = match status {
                Some(status) => ("status", Status::from(status).name()),
                None => ("waiting_for_me", "true"),
            };
            let listed: Listed = server.client()?.get("/policy/approvals", &[which, ("limit", &limit)])?;
            let Listed { approvals, next_cursor } = listed;
            print(format, &json!({ "approvals": approvals, "next_cursor": next_cursor }), || {
                if approvals.is_empty() {
                    return "No request.".to_owned();
                }
                approvals.iter().map(|one| with_request(one, line)).collect::<Vec<_>>().join("\n")
            });
        }
        Command::Show { id, server } => {
            let request: Value = server.client()?.get(&path(&id), &[])?;
            print(format, &request, || with_request(&request, text));
        }
        Command::Approve { id, reason, session, until, count, server } => {
            let mut body = json!({ "decision": "approve", "reason": reason });
            let kind = match until {
                _ if session => "session",
                Some(_) => "until",
                None => "once",
            };
            body["scope"] = json!({ "kind": kind });
            if let Some(until) = until {
                body["scope"]["until"] = json!(until);
            }
            if let Some(count) = count {
                body["scope"]["count"] = json!(count);
            }
            let request: Value = server.client()?.post(&format!("{}/actions", path(&id)), &body)?;
            print(format, &request, || with_request(&request, text));
        }
        Command::Deny { id, reason, server } => {
            let body = json!({ "decision": "deny", "reason": reason });
            let request: Value = server.client()?.post(&format!("{}/actions", path(&id)), &body)?;
            print(format, &request, || with_request(&request, text));
        }
        Command::Revoke { id, server } => {
            let request: Value = server.client()?.delete(&format!("/policy/approvals/scopes/{}", segment(&id)))?;
            print(format, &request, || with_request(&request, text));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn path(id: &str) -> String {
    format!("/policy/approvals/{}", segment(id))
}

/// The text for people; the answer itself when it is of a newer server that says it otherwise.
fn with_request(value: &Value, text: impl FnOnce(&Request) -> String) -> String {
    Request::deserialize(value).map_or_else(|_| value.to_string(), |request| text(&request))
}

fn line(request: &Request) -> String {
    let terms = &request.terms;
    let subject = terms.subject.as_deref().map(|subject| format!(" of {subject}")).unwrap_or_default();
    format!(
        "{}  {}  {}: {}{subject}  until {}",
        terms.id,
        request.status.name(),
        terms.agent,
        terms.action,
        terms.expires_at
    )
}

fn text(request: &Request) -> String {
    let terms = &request.terms;
    let mut lines = vec![
        format!("{} asks to {}", terms.agent, terms.action),
        format!("  request  {}, {}", terms.id, request.status.name()),
    ];
    let mut add = |name: &str, value: Option<String>| lines.extend(value.map(|value| format!("  {name:<8} {value}")));
    add("subject", terms.subject.clone());
    add("for", terms.on_behalf_of.clone());
    add("rule", Some(format!("{}: {}", terms.rule, request.reason)));
    add("until", Some(terms.expires_at.to_string()));
    add("needs", Some(format!("{} of {}", terms.quorum, terms.approvers.join(", "))));
    add("context", Some(Value::Object(request.context.clone()).to_string()));
    for action in &request.actions {
        let reason = action.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        lines.push(format!("  {:<8} by {} at {}{reason}", action.decision.name(), action.actor, action.at));
    }
    if let Some(last) = &request.last_use {
        lines.push(format!("  used     {} times, last for decision {}", request.used, last.decision_id));
    }
    if let Some(revoked) = &request.revoked {
        lines.push(format!("  revoked  by {} at {}", revoked.by, revoked.at));
    }
    lines.join("\n")
}
