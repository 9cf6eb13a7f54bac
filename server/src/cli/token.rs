//! `countersign token`: API tokens, on the database.

use std::{
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::Subcommand;
use lifecycle::authority::Role;
use policy::Timestamp;
use serde_json::json;
use store::tokens::NewToken;

use super::{
    output::{Format, print},
    storage::StorageArguments,
    user::role,
};
use crate::{auth::local_administrator, error::CliError};

/// Manage API tokens, on the database.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a token and show it, this once.
    #[command(after_help = "Example: countersign token create 'mail gateway' --role service --expires-in-days 90")]
    Create {
        /// Purpose of the token.
        name: String,
        /// A role that the token has at most; may be given several times.
        #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role)]
        roles: Vec<Role>,
        /// The person the token acts as; without an email, the token belongs to a program.
        #[arg(long)]
        email: Option<String>,
        /// Days until the token expires; without a number, the token never expires.
        #[arg(long, value_name = "DAYS")]
        expires_in_days: Option<u32>,
        #[command(flatten)]
        storage: StorageArguments,
    },
    /// Revoke a token.
    #[command(after_help = "Example: countersign token revoke 3")]
    Revoke {
        /// Number of the token.
        id: i64,
        #[command(flatten)]
        storage: StorageArguments,
    },
}

/// Runs the command.
pub fn run(command: Command, format: Format) -> Result<ExitCode, CliError> {
    let actor = local_administrator();
    match command {
        Command::Create { name, roles, email, expires_in_days, storage } => {
            let new =
                NewToken { name, email, roles: roles.into_iter().collect(), expires_at: expires_in_days.map(in_days) };
            let (token, plain) = storage.with_store(async |store| store::tokens::create(&store, &actor, new).await)?;
            print(format, &json!({ "token": plain, "details": token }), || {
                format!("{plain}\nnumber {}; it is shown only now", token.id)
            });
        }
        Command::Revoke { id, storage } => {
            let token = storage.with_store(async |store| store::tokens::revoke(&store, &actor, id).await)?;
            print(format, &token, || format!("`{}` (number {}) is revoked", token.name, token.id));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn in_days(days: u32) -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Timestamp::from_unix_seconds(i64::try_from(now).unwrap_or(i64::MAX))
        .plus(Duration::from_secs(u64::from(days) * 24 * 60 * 60))
}
