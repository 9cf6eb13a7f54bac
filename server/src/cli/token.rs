//! `countersign token`: API tokens, on the database.

use std::process::ExitCode;

use clap::Subcommand;
use lifecycle::authority::{Role, Roles};
use policy::characters::write_out;
use serde_json::json;
use store::tokens::{self, NewOwnToken, NewServiceToken};

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
    #[command(
        after_help = "Example: countersign token create 'mail gateway' --role service --agent 'inbox.*' --expires-in-days 90"
    )]
    Create {
        /// Purpose of the token.
        name: String,
        /// A role that the token has at most; may be given several times.
        #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role)]
        roles: Vec<Role>,
        /// The person the token acts as; without an email, the token belongs to a program.
        #[arg(long)]
        email: Option<String>,
        /// Agents that the program may ask for: a name, a prefix such as `inbox.*`, or `*`; may be given several times
        /// [default: *].
        #[arg(long = "agent", value_name = "PATTERN", conflicts_with = "email")]
        agents: Vec<String>,
        /// The program may report outcomes of decisions that other tokens asked for.
        #[arg(long, conflicts_with = "email")]
        reporter: bool,
        /// Days until the token expires [default: 90].
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
        Command::Create { name, roles, email, agents, reporter, expires_in_days, storage } => {
            let roles: Roles = roles.into_iter().collect();
            let (token, plain) = match email {
                Some(email) => {
                    let new = NewOwnToken { name, roles, expires_in_days, password: None };
                    storage.with_store(async |store| tokens::create_on_host(&store, &actor, &email, new).await)?
                }
                None => {
                    if roles != Roles::from([Role::Service]) {
                        let detail = "a token without a person can only have the role `service`; name one with --email";
                        return Err(CliError::Usage(detail.to_owned()));
                    }
                    let agents = if agents.is_empty() { vec!["*".to_owned()] } else { agents };
                    let new = NewServiceToken { name, agents, reporter, expires_in_days };
                    storage.with_store(async |store| tokens::create_service(&store, &actor, new).await)?
                }
            };
            let until = token.expires_at.map(|at| format!("; it expires {at}")).unwrap_or_default();
            print(format, &json!({ "token": plain, "details": token }), || {
                format!("{plain}\nnumber {}; it is shown only now{until}", token.id)
            });
        }
        Command::Revoke { id, storage } => {
            let token = storage.with_store(async |store| tokens::revoke(&store, &actor, id).await)?;
            print(format, &token, || format!("`{}` (number {}) is revoked", write_out(&token.name), token.id));
        }
    }
    Ok(ExitCode::SUCCESS)
}
