//! `countersign user`: people, on the database.

use std::{io::Read, process::ExitCode};

use clap::Subcommand;
use lifecycle::authority::{Person, Role};
use policy::characters::write_out;
use rand::{RngExt, distr::Alphanumeric};
use serde_json::json;
use store::people::{self, Disabled};

use super::{
    output::{Format, print},
    storage::StorageArguments,
};
use crate::{auth::local_administrator, error::CliError};

/// Length of a generated password.
const GENERATED_PASSWORD: usize = 20;

/// Manage people, on the database.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a person.
    #[command(
        after_help = "Example: countersign user add ada@example.com --name 'Ada L' --role author --role approver"
    )]
    Add {
        /// The email, which identifies the person everywhere.
        email: String,
        /// Display name; if omitted, the part of the email before the @.
        #[arg(long)]
        name: Option<String>,
        /// A role of the person; may be given several times.
        #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role)]
        roles: Vec<Role>,
        /// Read the password from standard input; otherwise one is generated and shown.
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        storage: StorageArguments,
    },
    /// List all people.
    #[command(after_help = "Example: countersign user list --output json")]
    List {
        #[command(flatten)]
        storage: StorageArguments,
    },
    /// Set a person's roles.
    #[command(after_help = "Example: countersign user roles ada@example.com author revenue_ops")]
    Roles {
        /// Email of the person.
        email: String,
        /// All roles of the person from now on; without a role, all are removed.
        #[arg(value_name = "ROLE", value_parser = role)]
        roles: Vec<Role>,
        #[command(flatten)]
        storage: StorageArguments,
    },
    /// Disable a person: end their sessions and revoke their tokens.
    #[command(after_help = "Example: countersign user disable ada@example.com")]
    Disable {
        /// Email of the person.
        email: String,
        #[command(flatten)]
        storage: StorageArguments,
    },
    /// Let a disabled person sign in again.
    #[command(after_help = "Example: countersign user enable ada@example.com")]
    Enable {
        /// Email of the person.
        email: String,
        #[command(flatten)]
        storage: StorageArguments,
    },
    /// Set a person's password and end their sessions.
    #[command(after_help = "Example: countersign user passwd ada@example.com --password-stdin < password.txt")]
    Passwd {
        /// Email of the person.
        email: String,
        /// Read the password from standard input; otherwise one is generated and shown.
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        storage: StorageArguments,
    },
}

pub(super) fn role(text: &str) -> Result<Role, String> {
    Role::from_name(text).ok_or_else(|| {
        format!("expected one of {}", Role::ALL.iter().map(|role| role.name()).collect::<Vec<_>>().join(", "))
    })
}

/// Runs the command.
pub fn run(command: Command, format: Format) -> Result<ExitCode, CliError> {
    let actor = local_administrator();
    match command {
        Command::Add { email, name, roles, password_stdin, storage } => {
            let (password, generated) = password(password_stdin)?;
            let name = name.unwrap_or_else(|| email.split('@').next().unwrap_or(&email).to_owned());
            let roles = roles.into_iter().collect();
            let person =
                storage.with_store(async |store| people::add(&store, &actor, &email, &name, roles, &password).await)?;
            show(format, &person, "added", generated);
        }
        Command::List { storage } => {
            let people = storage.with_store(async |store| people::list(&store, &actor).await)?;
            print(format, &people, || table(&people));
        }
        Command::Roles { email, roles, storage } => {
            let roles = roles.into_iter().collect();
            let set = storage.with_store(async |store| people::set_roles(&store, &actor, &email, roles).await)?;
            show(format, &set.user, "changed", None);
        }
        Command::Disable { email, storage } => {
            let done = storage.with_store(async |store| people::set_enabled(&store, &actor, &email, false).await)?;
            print(format, &done, || ended(&done));
        }
        Command::Enable { email, storage } => {
            let done = storage.with_store(async |store| people::set_enabled(&store, &actor, &email, true).await)?;
            print(format, &done, || format!("enabled {}; tokens that were revoked stay revoked", done.user.email));
        }
        Command::Passwd { email, password_stdin, storage } => {
            let (password, generated) = password(password_stdin)?;
            let person =
                storage.with_store(async |store| people::set_password(&store, &actor, &email, &password).await)?;
            show(format, &person, "changed", generated);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What disabling a person ended, in lines.
fn ended(done: &Disabled) -> String {
    let mut text = format!("disabled {}; {} sessions ended", done.user.email, done.ended_sessions);
    for token in &done.revoked_tokens {
        text.push_str(&format!("\nrevoked token `{}` (number {})", write_out(&token.name), token.id));
    }
    text
}

fn show(format: Format, person: &Person, what: &str, generated: Option<String>) {
    let value = match &generated {
        Some(password) => json!({ "person": person, "password": password }),
        None => json!({ "person": person }),
    };
    print(format, &value, || {
        let line = format!("{what} {} ({}): {}", write_out(&person.email), write_out(&person.name), roles_of(person));
        generated.map_or(line.clone(), |password| format!("{line}\npassword, shown only now: {password}"))
    });
}

fn table(people: &[Person]) -> String {
    if people.is_empty() {
        return "nobody yet; add the first person with `countersign user add`".to_owned();
    }
    let width = people.iter().map(|person| person.email.len()).max().unwrap_or(0);
    let line = |person: &Person| {
        let state = if person.enabled { "" } else { "  (disabled)" };
        format!("{:width$}  {}  {}{state}\n", write_out(&person.email), write_out(&person.name), roles_of(person))
    };
    people.iter().map(line).collect()
}

fn roles_of(person: &Person) -> String {
    person.roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ")
}

/// The password to set; the second value repeats the password if it was generated here and must be shown.
fn password(from_stdin: bool) -> Result<(String, Option<String>), CliError> {
    if !from_stdin {
        let generated: String =
            rand::rng().sample_iter(Alphanumeric).take(GENERATED_PASSWORD).map(char::from).collect();
        return Ok((generated.clone(), Some(generated)));
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| CliError::Usage(format!("cannot read the password: {error}")))?;
    Ok((text.trim_end_matches(['\r', '\n']).to_owned(), None))
}
