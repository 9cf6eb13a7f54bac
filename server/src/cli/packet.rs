//! `countersign packet`: review packets on a server. Verifying a packet in a file needs no server.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Subcommand, ValueEnum};
use lifecycle::review::{self, Content, Packet, Verdict, Verification, content::EvidenceGap};
use policy::{characters::write_out, replay::Corpus};
use serde_json::{Map, Value, json};

use super::{
    client::{Server, segment},
    files,
    output::{Format, exit_code, print},
};
use crate::{error::CliError, json::convert_known};

/// Build, read, sign and check review packets.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build the packet of a draft: it goes into review.
    #[command(
        after_help = "Example: countersign packet build 2.4.0 --fallback-plan 'Roll back to 2.3.0 and page the owner'"
    )]
    Build {
        /// Number or version of the draft.
        bundle: String,
        /// The plan for when the bundle goes wrong.
        #[arg(long, value_name = "TEXT")]
        fallback_plan: String,
        /// Which decisions to replay instead of those that the settings name. The packet says then that it is short of
        /// evidence, and is high risk.
        #[arg(long, value_enum)]
        corpus: Option<Source>,
        /// Replay decisions from this time on, e.g. 2026-01-31T08:00:00Z.
        #[arg(long, value_name = "TIME", requires = "corpus")]
        since: Option<String>,
        /// Replay decisions before this time.
        #[arg(long, value_name = "TIME", requires = "corpus")]
        until: Option<String>,
        /// Replay at most this many decisions.
        #[arg(long, value_name = "COUNT", requires = "corpus")]
        limit: Option<u32>,
        #[command(flatten)]
        server: Server,
    },
    /// Approve a packet, reject it, or ask for changes.
    #[command(
        after_help = "Example: countersign packet action pktv1:… --decision reject --reason 'Too wide a wildcard'"
    )]
    Action {
        /// The packet.
        packet_id: String,
        /// The decision.
        #[arg(long, value_enum)]
        decision: Decision,
        /// Why; required to reject and to ask for changes.
        #[arg(long, value_name = "TEXT", required_if_eq_any = [("decision", "reject"), ("decision", "request_changes")])]
        reason: Option<String>,
        #[command(flatten)]
        server: Server,
    },
    /// Show a packet.
    #[command(after_help = "Example: countersign packet show pktv1:… --output json\n\
                      Example: countersign packet show pktv1:… --evidence --to packet.json")]
    Show {
        /// The packet.
        packet_id: String,
        /// The packet with its corpus, as a file that `packet verify --file` replays without a server.
        #[arg(long)]
        evidence: bool,
        /// File to write the evidence to; standard output when left out.
        #[arg(long, value_name = "FILE", requires = "evidence")]
        to: Option<PathBuf>,
        #[command(flatten)]
        server: Server,
    },
    /// Replay a packet's evidence again and compare the checksum: on the server, or here from a file.
    #[command(after_help = "Example: countersign packet verify pktv1:…\n\
                      Example: countersign packet verify --file packet.json")]
    Verify {
        /// The packet, on a server.
        #[arg(required_unless_present = "file", conflicts_with = "file")]
        packet_id: Option<String>,
        /// A packet downloaded with its corpus, or `-` for standard input. No server is asked.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// The corpus, when it is in a file of its own.
        #[arg(long, value_name = "FILE", requires = "file")]
        corpus: Option<PathBuf>,
        #[command(flatten)]
        server: Server,
    },
}

/// Source of the decisions to replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Source {
    /// The decision log.
    Recorded,
    /// Saved and built-in cases.
    Fixtures,
}

/// A reviewer's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Decision {
    /// Sign off.
    Approve,
    /// Refuse for good.
    Reject,
    /// Send back to the author.
    RequestChanges,
}

impl From<Decision> for Verdict {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Approve => Self::Approve,
            Decision::Reject => Self::Reject,
            Decision::RequestChanges => Self::RequestChanges,
        }
    }
}

/// Runs the command.
pub fn run(command: Command, format: Format) -> Result<ExitCode, CliError> {
    match command {
        Command::Build { bundle, fallback_plan, corpus, since, until, limit, server } => {
            let client = server.client()?;
            let mut body = json!({ "bundle_id": client.bundle_id(&bundle)?, "fallback_plan": fallback_plan });
            if let Some(source) = corpus {
                let source = if source == Source::Recorded { "recorded" } else { "fixtures" };
                body["corpus"] = json!({ "source": source, "since": since, "until": until, "limit": limit });
            }
            let packet: Packet = client.post("/policy/packets", &body)?;
            print(format, &packet, || packet_text(&packet));
            Ok(ExitCode::SUCCESS)
        }
        Command::Action { packet_id, decision, reason, server } => {
            let body = json!({ "decision": Verdict::from(decision).name(), "reason": reason });
            let packet: Packet =
                server.client()?.post(&format!("/policy/packets/{}/actions", segment(&packet_id)), &body)?;
            print(format, &packet, || packet_text(&packet));
            Ok(ExitCode::SUCCESS)
        }
        Command::Show { packet_id, evidence: true, to, server } => {
            let mut file = Vec::new();
            let path = format!("/policy/packets/{}/evidence", segment(&packet_id));
            server.client()?.download(&path, &[], &mut file)?;
            files::write(to.as_ref(), &String::from_utf8_lossy(&file))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Show { packet_id, server, .. } => {
            let packet: Value = server.client()?.get(&format!("/policy/packets/{}", segment(&packet_id)), &[])?;
            print(format, &packet, || {
                serde_json::from_value(packet.clone())
                    .map_or_else(|_| packet.to_string(), |packet| packet_text(&packet))
            });
            Ok(ExitCode::SUCCESS)
        }
        Command::Verify { packet_id, file, corpus, server } => {
            let verification: Verification = match (file, packet_id) {
                (Some(file), _) => verify_file(&file, corpus.as_deref())?,
                (None, Some(packet_id)) => {
                    server.client()?.post(&format!("/policy/packets/{}/verify", segment(&packet_id)), &Map::new())?
                }
                (None, None) => return Err(CliError::Usage("name a packet, or a file with --file".to_owned())),
            };
            print(format, &verification, || verification_text(&verification));
            Ok(exit_code(!verification.passed))
        }
    }
}

/// Replays a packet from a file, with the engine of this program.
fn verify_file(file: &Path, corpus: Option<&Path>) -> Result<Verification, CliError> {
    let mut members = match files::document(file)? {
        Value::Object(members) => members,
        _ => return Err(files::wrong(file, "this is not a packet")),
    };
    let enclosed = members.remove("corpus");
    // `{packet, corpus}`, the packet's members with its corpus among them, or `{packet_id, content, corpus}`.
    if let Some(Value::Object(packet)) = members.remove("packet") {
        members = packet;
    }
    let corpus: Corpus = match (corpus, enclosed) {
        (Some(corpus), _) => files::json_from(corpus)?,
        (None, Some(corpus)) => read(file, corpus)?,
        (None, None) => {
            return Err(files::wrong(
                file,
                "it has no `corpus`: download the packet with its evidence, or give --corpus",
            ));
        }
    };
    let Some(packet_id) = members.get("packet_id").and_then(Value::as_str).map(str::to_owned) else {
        return Err(files::wrong(file, "this is not a packet: `packet_id` is missing"));
    };
    let content = members.remove("content").unwrap_or(Value::Object(members));
    let content: Content = read(file, content)?;
    Ok(review::verify(&packet_id, &content, &corpus))
}

fn read<T: serde::de::DeserializeOwned>(file: &Path, value: Value) -> Result<T, CliError> {
    convert_known(value).map_err(|problem| files::wrong(file, &problem.detail))
}

fn packet_text(packet: &Packet) -> String {
    let base = packet.content.base.as_ref().map_or_else(|| "nothing".to_owned(), |base| base.version.clone());
    let mut text = format!(
        "{}\n  status    {}{}\n  bundle    {} against {base}, built by {} at {}\n  risk      {} bps, needs {} {}\n  \
         replay    {} of {} decisions flip, {}",
        packet.packet_id,
        packet.status.name(),
        if packet.stale { " (stale: another bundle became stable since)" } else { "" },
        packet.content.bundle.version,
        write_out(&packet.built_by),
        packet.built_at,
        packet.content.risk_score_bps,
        packet.content.required_approvals,
        if packet.content.required_approvals == 1 { "approval" } else { "approvals" },
        packet.content.replay.total_flips,
        packet.content.replay.corpus_count,
        packet.replay_checksum,
    );
    let replay = &packet.content.replay;
    if replay.insufficient_evidence {
        let gap = replay.evidence_gap.unwrap_or(EvidenceGap::TooFew);
        text.push_str(&format!("\n  INSUFFICIENT EVIDENCE: {}", gap.words(replay.corpus_count)));
    }
    for name in &packet.overridden {
        text.push_str(&format!("\n  EXCEPTION: {} failed and is overridden", name.words()));
    }
    for retired in &packet.content.retires {
        let (kind, id, reason) = (retired.kind.words(), write_out(&retired.id), write_out(&retired.reason));
        text.push_str(&format!("\n  RETIRES   {kind} {id}: {reason}"));
    }
    for line in packet.missing.iter().chain(&packet.nobody_can_complete) {
        text.push_str(&format!("\n  missing   {}", write_out(line)));
    }
    for action in &packet.actions {
        let reason = action.reason.as_ref().map(|reason| format!(": {}", write_out(reason))).unwrap_or_default();
        text.push_str(&format!(
            "\n  {}  {} by {}{reason}",
            action.at,
            action.decision.name(),
            write_out(&action.actor)
        ));
    }
    text
}

fn verification_text(verification: &Verification) -> String {
    let mut text = if verification.passed {
        format!("passed: the replay gives {}, as the packet states", verification.replay_checksum)
    } else {
        "failed".to_owned()
    };
    for problem in &verification.problems {
        text.push_str(&format!("\n  {}", write_out(problem)));
    }
    text
}
