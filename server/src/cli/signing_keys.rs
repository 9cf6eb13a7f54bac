//! `countersign keys`: the keys that sign, on the database.

use std::{
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Subcommand;
use lifecycle::signing::KeyRing;
use serde_json::json;
use store::{
    Store,
    key_rotation::{self, Announced},
};

use super::{
    output::{Format, exit_code, print},
    storage::StorageArguments,
};
use crate::{
    auth::local_administrator,
    error::CliError,
    signing_keys::{self, SigningKeyArguments, Use},
};

/// The interval at which to look whether every server has the new key.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Manage the keys that sign, on the database.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Replace the key that signs; earlier keys go on verifying.
    #[command(after_help = "Example: countersign keys rotate --data-dir DIR\n\n\
                      A generated key is replaced by another one, which servers on the same data directory read by \
                      themselves. With HMAC_SECRET, give the new key as HMAC_SECRET and the former one as HMAC_PREVIOUS. \
                      A new key signs once every running server has it, so no server meets a signature it does not know. \
                      Exit code 1 means that it waits for servers, which are named.")]
    Rotate {
        /// Seconds to wait until every server has the new key.
        #[arg(long, default_value_t = 30, value_name = "SECONDS")]
        wait: u64,
        #[command(flatten)]
        storage: Box<StorageArguments>,
    },
}

/// Runs the command.
pub fn run(command: Command, format: Format) -> Result<ExitCode, CliError> {
    let Command::Rotate { wait, storage } = command;
    let data_dir = storage.directory()?;
    let patience = Duration::from_secs(wait);
    let (ring, outcome) =
        storage.with_any_key(async |store| rotate(&store, &storage.keys, &data_dir, patience).await)?;
    let key = &ring.current.id;
    let (state, waiting) = match &outcome {
        Announced::InUse => ("in_use", Vec::new()),
        Announced::Waiting(servers) => ("waiting", servers.clone()),
    };
    print(format, &json!({ "key_id": key, "state": state, "waiting_for": waiting }), || {
        if waiting.is_empty() {
            format!("records are signed with the key `{key}` from now on; earlier keys go on verifying")
        } else {
            format!(
                "the key `{key}` was announced and signs once every running server has it. Still without it: {}. \
                 Restart these with the new key as HMAC_PREVIOUS or HMAC_SECRET, or with the same data directory",
                waiting.join(", ")
            )
        }
    });
    Ok(exit_code(!waiting.is_empty()))
}

async fn rotate(
    store: &Store,
    given: &SigningKeyArguments,
    data_dir: &Path,
    patience: Duration,
) -> Result<(KeyRing, Announced), CliError> {
    let actor = local_administrator();
    let mut ring = ring(given, data_dir)?;
    // A generated key that was kept and not put to use yet is the new one.
    if key_rotation::status(store, &actor, &ring.current).await? == Some(Announced::InUse) {
        if given.has_secret() {
            return Err(CliError::Refused(format!(
                "HMAC_SECRET is a key that this workspace has used already. To replace it, give a new secret as \
                 HMAC_SECRET, and this one as HMAC_PREVIOUS={}:SECRET",
                ring.current.id
            )));
        }
        signing_keys::generate_next(data_dir)?;
        ring = self::ring(given, data_dir)?;
    }
    let deadline = Instant::now() + patience;
    loop {
        let outcome = key_rotation::announce(store, &actor, &ring).await?;
        if outcome == Announced::InUse || Instant::now() >= deadline {
            return Ok((ring, outcome));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn ring(given: &SigningKeyArguments, data_dir: &Path) -> Result<KeyRing, CliError> {
    signing_keys::ring(given, data_dir, Use::Sign)?
        .ok_or_else(|| CliError::Refused("there is no key here to replace".to_owned()))
}
