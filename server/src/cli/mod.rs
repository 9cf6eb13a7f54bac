//! The command line: arguments in, an exit code out.

mod bundle;
mod output;
mod serve;
mod token;
mod user;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use output::{Failure, Format};

/// A studio for the policies that govern what software agents may do.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, about, arg_required_else_help = true)]
struct Arguments {
    /// How results are written.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    output: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::Arguments),
    /// Manage people, on the database.
    #[command(subcommand)]
    User(user::Command),
    /// Manage API tokens, on the database.
    #[command(subcommand)]
    Token(token::Command),
    /// Check, compare and try bundles in files, without a server.
    #[command(subcommand)]
    Bundle(bundle::Command),
}

/// Runs the program. Exit codes: 0 done, 1 a finding or a refusal, 2 wrong usage or unreadable input, 3 a server or
/// database cannot be reached.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let format = arguments.output;
    let result = match arguments.command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::User(command) => user::run(command, format),
        Command::Token(command) => token::run(command, format),
        Command::Bundle(command) => bundle::run(command, format),
    };
    match result {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("countersign: {failure}");
            failure.exit_code()
        }
    }
}

/// A runtime for commands that talk to the database or serve.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Refused(format!("the system gives no threads to work with: {error}")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        super::Arguments::command().debug_assert();
    }
}
