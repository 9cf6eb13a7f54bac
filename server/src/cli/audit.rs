//! `countersign audit`: verifies the audit record, on a server or in an exported file, and exports it.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Subcommand;
use lifecycle::{
    audit::{Checkpoint, Verdict, Verifier},
    signing::KeyRing,
};
use policy::{characters::write_out, json};
use serde_json::{Map, Value, json};

use super::{
    client::Server,
    files,
    offline_keys::OfflineKeys,
    output::{Format, exit_code, print},
};
use crate::{error::CliError, json::convert_known, signing_keys::Use};

/// Verify and export the audit record.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compute every hash of the record again and name the first entry that is wrong.
    #[command(after_help = "Example: countersign audit verify\n\
                      Example: countersign audit verify --file audit.jsonl --data-dir DIR\n\n\
                      Exit code 1 means that the record was changed. Without the key only numbers and links of a file \
                      can be compared, which shows careless changes and no others.")]
    Verify {
        /// An exported record, or `-` for standard input. No server is contacted.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        keys: OfflineKeys,
        #[command(flatten)]
        server: Server,
    },
    /// Write the whole record as lines of JSON, with its hashes and a closing checkpoint.
    #[command(after_help = "Example: countersign audit export --to audit.jsonl")]
    Export {
        /// File to write; standard output when left out.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        #[command(flatten)]
        server: Server,
    },
}

/// Runs the command.
pub fn run(command: Command, format: Format) -> Result<ExitCode, CliError> {
    match command {
        Command::Verify { file, keys, server } => {
            let verdict: Verdict = match file {
                Some(file) => verify_file(&file, keys.ring_if_any(Use::Verify)?.as_ref())?,
                None => server.client()?.get("/policy/audit/verify", &[])?,
            };
            print(format, &verdict, || render(&verdict));
            Ok(exit_code(!verdict.valid))
        }
        Command::Export { to, server } => {
            let client = server.client()?;
            match to.filter(|file| file.as_os_str() != "-") {
                Some(file) => {
                    let bytes = write_file(&file, |out| client.download("/policy/audit/export", &[], out))?;
                    let shown = file.display();
                    print(format, &json!({ "file": file, "bytes": bytes }), || format!("{bytes} bytes in {shown}"));
                }
                None => {
                    client.download("/policy/audit/export", &[], &mut std::io::stdout().lock())?;
                }
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Writes a file. If writing fails, the incomplete file is removed.
fn write_file(file: &Path, write: impl FnOnce(&mut std::fs::File) -> Result<u64, CliError>) -> Result<u64, CliError> {
    let fail = |error: std::io::Error| CliError::Usage(format!("cannot write `{}`: {error}", file.display()));
    let mut out = std::fs::File::create(file).map_err(fail)?;
    match write(&mut out) {
        Ok(bytes) => out.flush().map(|()| bytes).map_err(fail),
        Err(error) => {
            drop(out);
            let _ = std::fs::remove_file(file);
            Err(error)
        }
    }
}

/// A line of an exported record.
pub enum Line {
    /// One entry with its hashes.
    Entry(Map<String, Value>),
    /// The closing line: a checkpoint, and the time of the export.
    Closing(Checkpoint, Option<String>),
}

/// The lines of an exported record.
///
/// # Errors
/// [`CliError::Usage`] when the file cannot be read or is not an exported record.
pub fn lines(file: &Path) -> Result<Vec<Line>, CliError> {
    let bytes = files::bytes(file)?;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let wrong = |detail: &str| files::wrong(file, &format!("line {number}: {detail}"));
        // Each line is a document of its own, so only the column of a mistake is of use.
        let document = json::parse(line)
            .map_err(|malformed| wrong(&format!("column {}: {}", malformed.column, malformed.message)))?;
        let Value::Object(mut members) = document else { return Err(wrong("an entry is a JSON object")) };
        if members.contains_key("seq") {
            lines.push(Line::Entry(members));
            continue;
        }
        let checkpoint = members.remove("checkpoint").ok_or_else(|| wrong("neither an entry nor a checkpoint"))?;
        let checkpoint = convert_known(checkpoint)
            .map_err(|problem| wrong(&format!("this is no checkpoint: {}", problem.detail)))?;
        let exported_at = members.get("exported_at").and_then(Value::as_str).map(str::to_owned);
        lines.push(Line::Closing(checkpoint, exported_at));
    }
    if lines.is_empty() {
        return Err(files::wrong(file, "there is nothing in it; `countersign audit export` writes such a file"));
    }
    Ok(lines)
}

fn verify_file(file: &Path, keys: Option<&KeyRing>) -> Result<Verdict, CliError> {
    let lines = lines(file)?;
    let bound = keys.map(|keys| bind(keys, &lines));
    let mut verifier = Verifier::new(bound.as_ref(), None);
    for line in lines {
        match line {
            Line::Entry(members) => verifier.add(&members),
            Line::Closing(checkpoint, _) => verifier.add_checkpoint(checkpoint),
        }
    }
    Ok(verifier.finish())
}

/// The keys for the workspace that the closing checkpoint names.
fn bind(keys: &KeyRing, lines: &[Line]) -> KeyRing {
    let closing = lines.iter().rev().find_map(|line| match line {
        Line::Closing(checkpoint, _) => Some(checkpoint),
        Line::Entry(_) => None,
    });
    closing.map_or_else(|| keys.clone(), |checkpoint| checkpoint.bind(keys))
}

fn render(verdict: &Verdict) -> String {
    let mut text = verdict.message.clone();
    if let Some(bad) = &verdict.first_bad {
        text.push_str(&format!("\nfirst bad entry: {}", bad.seq));
    }
    text.push_str(&format!("\n{} entries read; the last that is right is {}", verdict.entries, verdict.head_seq));
    if verdict.head_seq > 0 {
        text.push_str(&format!(" ({}…)", verdict.head_hash.short()));
    }
    if let Some(checkpoint) = &verdict.checkpoint {
        text.push_str(&format!("\nnewest checkpoint: {} entries at {}", checkpoint.count, checkpoint.at));
    }
    for problem in &verdict.checkpoint_problems {
        text.push_str(&format!("\n{}", write_out(problem)));
    }
    text
}

#[cfg(test)]
mod tests {
    use lifecycle::{
        audit::{Entry, EventType, Flaw, Hash, seal_entry},
        signing::Key,
    };
    use policy::Timestamp;

    use super::*;

    fn exported(keys: &KeyRing) -> String {
        let mut head = Hash::GENESIS;
        let mut text = String::new();
        for seq in 1..=4 {
            let mut entry = Entry {
                seq,
                at: Timestamp::from_unix_seconds(seq),
                event_type: EventType::DraftEdited,
                actor: "ada@example.com".into(),
                roles: vec!["author".into()],
                via: "session".into(),
                credential: None,
                subject_type: "bundle".into(),
                subject_id: "1".into(),
                summary: "saved".into(),
                detail: json!({"version": "1.0.0"}),
                seal: None,
            };
            let seal = seal_entry(&keys.current, head, &entry);
            head = seal.entry_hash;
            entry.seal = Some(seal);
            text.push_str(&(serde_json::to_string(&entry).unwrap() + "\n"));
        }
        let checkpoint = Checkpoint::sign(keys, 4, head, Timestamp::from_unix_seconds(9)).unwrap();
        text + &json!({"checkpoint": checkpoint, "exported_at": "1970-01-01T00:01:00Z"}).to_string()
    }

    fn verify(text: &str, keys: Option<&KeyRing>) -> Result<Verdict, CliError> {
        let file = std::env::temp_dir().join(format!("countersign-audit-{}.jsonl", uuid::Uuid::now_v7()));
        std::fs::write(&file, text).unwrap();
        let verdict = verify_file(&file, keys);
        std::fs::remove_file(file).unwrap();
        verdict
    }

    #[test]
    fn an_exported_record_is_verified_without_a_server() {
        let keys = KeyRing { current: Key::new("k", "a secret for tests"), previous: Vec::new() };
        let good = exported(&keys);
        assert!(verify(&good, Some(&keys)).unwrap().valid);
        let edited = good.replacen("ada@example.com", "eve@example.com", 3);
        let verdict = verify(&edited, Some(&keys)).unwrap();
        assert_eq!(verdict.first_bad.as_ref().map(|bad| (bad.seq, bad.flaw)), Some((1, Flaw::Edited)));
        assert!(render(&verdict).contains("first bad entry: 1"));
        let cut: Vec<&str> = good.lines().filter(|line| !line.contains("\"seq\":4")).collect();
        let broken = verify(&cut.join("\n"), Some(&keys)).unwrap().first_bad.unwrap();
        assert_eq!((broken.seq, broken.flaw), (4, Flaw::CutTail));

        let keyless = verify(&edited, None).unwrap();
        assert!(keyless.valid && !keyless.keyed && keyless.message.contains("Without the key"));
        assert!(verify("", None).is_err());
        assert!(verify("{\"actor\":1}", None).is_err());
        assert!(verify("{\"seq\":1,\"seq\":2}", None).is_err(), "a name used twice");
    }
}
