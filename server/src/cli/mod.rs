//! The command line: arguments in, an exit code out.

mod approvals;
mod audit;
mod backup;
mod bundle;
mod client;
mod completions;
mod db;
mod decisions;
mod drill;
mod files;
mod kpi;
mod offline_keys;
mod output;
mod packet;
mod rollout;
mod serve;
mod signing_keys;
mod storage;
mod system;
mod token;
mod user;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use self::output::{Format, report};
use crate::http::routes::assets::{self, Files};

/// A studio for the policies that govern what software agents may do.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, arg_required_else_help = true)]
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
    Serve(Box<serve::Arguments>),
    /// Manage people, on the database.
    #[command(subcommand)]
    User(user::Command),
    /// Manage API tokens, on the database.
    #[command(subcommand)]
    Token(token::Command),
    /// Manage the keys that sign, on the database.
    #[command(subcommand)]
    Keys(signing_keys::Command),
    /// Write database, keys and checkpoint to one file.
    Backup(backup::Write),
    /// Bring a backup back into an empty place.
    Restore(backup::Restore),
    /// Look after the private PostgreSQL.
    #[command(subcommand)]
    Db(db::Command),
    /// Check, compare, try and sign bundles in files; export them from a server and import them there.
    #[command(subcommand)]
    Bundle(bundle::Command),
    /// Build, read, sign and check review packets.
    #[command(subcommand)]
    Packet(packet::Command),
    /// Read and answer what agents ask people.
    #[command(subcommand)]
    Approvals(approvals::Command),
    /// Put an approved bundle into service.
    Apply(rollout::Apply),
    /// Raise the share of traffic of a bundle in rollout.
    Promote(rollout::Promote),
    /// Show the four gates of a bundle in rollout, and what holds its promotion.
    Gates(rollout::Gates),
    /// Take a bundle out of service: the previous good version takes over.
    Rollback(rollout::Rollback),
    /// Key figures of the last 30 days.
    #[command(subcommand)]
    Kpi(kpi::Command),
    /// Verify and export the audit record.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Check and bring back archived days of the decision log.
    #[command(subcommand)]
    Decisions(decisions::Command),
    /// Show the live state, and whether anything is paused or disabled.
    Status(system::Status),
    /// Engage the safety pause: nothing enters service until two people release it.
    Pause(system::Pause),
    /// Sign the release of the safety pause.
    Release(system::Release),
    /// Switch evaluation off in an emergency.
    Disable(system::Disable),
    /// Switch evaluation on again.
    Enable(system::Enable),
    /// Rehearse apply, rollback and apply again in a sandbox.
    Drill(drill::Drill),
    /// Write the completions of a shell to standard output.
    Completions(completions::Arguments),
}

/// Runs the program. Exit codes: 0 done, 1 a finding or a refusal, 2 wrong usage or unreadable input, 3 a server or
/// database that cannot be reached. `site` are the files that the program contains for browsers.
pub fn run(site: Files) -> ExitCode {
    assets::embed(site);
    let arguments = Arguments::parse();
    let format = arguments.output;
    let result = match arguments.command {
        Command::Serve(arguments) => serve::run(*arguments),
        Command::User(command) => user::run(command, format),
        Command::Token(command) => token::run(command, format),
        Command::Keys(command) => signing_keys::run(command, format),
        Command::Backup(arguments) => backup::write(&arguments, format),
        Command::Restore(arguments) => backup::restore(&arguments, format),
        Command::Db(command) => db::run(command, format),
        Command::Bundle(command) => bundle::run(command, format),
        Command::Packet(command) => packet::run(command, format),
        Command::Approvals(command) => approvals::run(command, format),
        Command::Apply(arguments) => rollout::apply(&arguments, format),
        Command::Promote(arguments) => rollout::promote(&arguments, format),
        Command::Gates(arguments) => rollout::gates(&arguments, format),
        Command::Rollback(arguments) => rollout::rollback(&arguments, format),
        Command::Kpi(command) => kpi::run(command, format),
        Command::Audit(command) => audit::run(command, format),
        Command::Decisions(command) => decisions::run(command, format),
        Command::Status(arguments) => system::status(&arguments, format),
        Command::Pause(arguments) => system::pause(&arguments, format),
        Command::Release(arguments) => system::release(&arguments, format),
        Command::Disable(arguments) => system::disable(&arguments, format),
        Command::Enable(arguments) => system::enable(&arguments, format),
        Command::Drill(arguments) => drill::run(&arguments, format),
        Command::Completions(arguments) => {
            completions::write(&arguments, &mut Arguments::command());
            Ok(ExitCode::SUCCESS)
        }
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            report(&error, format);
            error.exit_code()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            if command.has_subcommands() {
                command.get_subcommands().for_each(|below| check(below, &path));
            } else {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains(&format!("Example: {}", path.trim())), "`{path} --help` shows no example of it");
            }
        }
        check(&Arguments::command(), "");
    }
}
