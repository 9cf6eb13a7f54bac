//! `countersign completions`: the script with which a shell completes the commands.

use clap_complete::Shell;

/// Write the completions of a shell to standard output.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: countersign completions bash > /etc/bash_completion.d/countersign")]
pub struct Arguments {
    /// Which shell.
    shell: Shell,
}

/// Writes the script.
pub fn write(arguments: &Arguments, command: &mut clap::Command) {
    // Generated in memory first: a closed pipe (`… | head`) is not an error.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, command, "countersign", &mut script);
    let _ = std::io::Write::write_all(&mut std::io::stdout().lock(), &script);
}
