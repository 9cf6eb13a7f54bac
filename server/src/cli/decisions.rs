//! `countersign decisions`: archived days of the decision log.

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use lifecycle::archive::Manifest;
use serde_json::json;
use store::decisions::{self, ArchiveError};

use super::{
    offline_keys::OfflineKeys,
    output::{Format, print},
    storage::StorageArguments,
};
use crate::{auth::local_administrator, error::CliError, signing_keys::Use};

/// Check and bring back archived days of the decision log.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the file of an archived day: that it is complete, unchanged and signed here. No server is contacted.
    #[command(after_help = "Example: countersign decisions verify decisions-2026-08-31.jsonl.gz --data-dir DIR\n\n\
                      Exit code 1 means that the file is not what was archived.")]
    Verify {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        keys: OfflineKeys,
    },
    /// Bring an archived day back into the database.
    #[command(after_help = "Example: countersign decisions restore archive/decisions-2026-08-31.jsonl.gz")]
    Restore {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        storage: StorageArguments,
    },
}

/// Runs the command.
pub fn run(command: Command, format: Format) -> Result<ExitCode, CliError> {
    let (manifest, done) = match command {
        Command::Verify { file, keys } => {
            let manifest = decisions::verify_archive(&file, &keys.ring(Use::Verify)?).map_err(|error| {
                let said = format!("`{}`: {error}", file.display());
                match error {
                    ArchiveError::Unreadable(_) => CliError::Usage(said),
                    ArchiveError::Wrong(_) => CliError::Refused(said),
                }
            })?;
            (manifest, "is complete and unchanged")
        }
        Command::Restore { file, storage } => {
            let restored = storage.with_store(async |store| {
                decisions::restore_archive(&store, &local_administrator(), &file).await.map_err(CliError::from)
            })?;
            (restored, "is in the database again")
        }
    };
    print(format, &json!({ "manifest": manifest }), || render(&manifest, done));
    Ok(ExitCode::SUCCESS)
}

fn render(manifest: &Manifest, done: &str) -> String {
    let Manifest { day, decisions, outcomes, key_id, .. } = manifest;
    format!("{day} {done}. Decisions: {decisions}, outcomes: {outcomes}, key: `{key_id}`")
}
