//! `countersign db`: the private PostgreSQL.

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use serde_json::json;
use store::{backup, postgres::Binaries};

use super::{
    output::{Format, print},
    storage::{default_directory, runtime},
};
use crate::error::CliError;

/// Look after the private PostgreSQL.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Move the data to a newer major version of PostgreSQL that is installed.
    #[command(after_help = "Example: countersign db upgrade --data-dir DIR\n\n\
                      No server may run. The data is copied into a new server beside the old one, which needs as much \
                      room again, and takes its place once every table has as many rows. The old data is kept: remove it \
                      when you have seen that all is well.")]
    Upgrade {
        /// Data directory of the private PostgreSQL.
        #[arg(long, env = "COUNTERSIGN_DATA_DIR", value_name = "DIR")]
        data_dir: Option<PathBuf>,
        /// Folder of the programs to move to, instead of the newest installed. With those of the same version the data
        /// is written anew.
        #[arg(long, value_name = "FOLDER")]
        programs: Option<PathBuf>,
    },
}

/// Runs the command.
pub fn run(command: Command, format: Format) -> Result<ExitCode, CliError> {
    let Command::Upgrade { data_dir, programs } = command;
    let data_dir = match data_dir {
        Some(given) => given,
        None => default_directory()?,
    };
    if !data_dir.is_dir() {
        return Err(CliError::Usage(format!("there is no data directory `{}`", data_dir.display())));
    }
    let target = programs.as_deref().map(Binaries::in_folder).transpose();
    let target = target.map_err(|error| CliError::Usage(error.to_string()))?;
    let done = runtime()?.block_on(backup::upgrade(&data_dir, target))?;
    let (from, to, kept) = (done.from, done.to, done.kept.display());
    print(format, &json!({ "from": from, "to": to, "rows": done.rows, "kept": done.kept }), || {
        format!(
            "the data is that of PostgreSQL {to} now, with all {} rows. What PostgreSQL {from} had is kept in {kept}: \
             remove it when you have seen that all is well",
            done.rows
        )
    });
    Ok(ExitCode::SUCCESS)
}
