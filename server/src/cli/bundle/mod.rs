//! `countersign bundle`: bundles in files, and their export from and import into a server. Exit code 1 means a finding
//! or a refusal: lint errors, a failed expectation, a difference, a signature that is not valid.

mod compare;
mod lint;
mod simulate;
mod transfer;

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use serde_json::json;

use super::{
    client::Server,
    files,
    offline_keys::OfflineKeys,
    output::{Format, print},
};
use crate::error::CliError;

/// Check, compare, try and sign bundles in files; export them from a server and import them there.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List errors, warnings and notes about a bundle.
    #[command(after_help = "Example: countersign bundle lint policy.json")]
    Lint {
        /// A bundle, or `-` for standard input.
        #[arg(default_value = "-")]
        file: PathBuf,
    },
    /// Print the content address.
    #[command(after_help = "Example: countersign bundle digest policy.json")]
    Digest {
        /// A bundle, or `-` for standard input.
        #[arg(default_value = "-")]
        file: PathBuf,
    },
    /// List the differences: rule by rule, and in meaning, proven for every input.
    #[command(after_help = "Example: countersign bundle diff live.json draft.json --fail-on-flip")]
    Diff {
        /// The older bundle, or `-` for standard input.
        before: PathBuf,
        /// The newer bundle.
        after: PathBuf,
        /// Exit with 1 only when some input may be answered differently; otherwise any difference does.
        #[arg(long)]
        fail_on_flip: bool,
    },
    /// Run cases against a bundle.
    #[command(after_help = "Example: countersign bundle simulate draft.json --dataset synthetic --seed 7 \
                            --against live.json --fail-on-flip")]
    Simulate(simulate::Arguments),
    /// Sign a bundle, so that another instance with the same key can import it.
    #[command(
        after_help = "Example: countersign bundle sign policy.json --expiry-hours 48 --to signed.json (the key: HMAC_SECRET, HMAC_KEY_ID)"
    )]
    Sign {
        /// A bundle, or `-` for standard input.
        #[arg(default_value = "-")]
        file: PathBuf,
        /// How long the signature is valid, in hours.
        #[arg(long, default_value_t = lifecycle::transfer::export::DEFAULT_HOURS, value_name = "HOURS")]
        expiry_hours: u32,
        /// How to sign: with the secret, or with a key pair, so that who can verify cannot sign.
        #[arg(long, value_enum, default_value_t, value_name = "ALGORITHM")]
        algorithm: transfer::Signature,
        /// File to write; standard output when left out.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        #[command(flatten)]
        keys: OfflineKeys,
    },
    /// Verify a signed bundle.
    #[command(
        after_help = "Example: countersign bundle verify policy-bundle-2.4.0.json (the key: HMAC_SECRET, HMAC_KEY_ID)"
    )]
    Verify {
        /// A signed bundle, or `-` for standard input.
        #[arg(default_value = "-")]
        file: PathBuf,
        /// Public keys of a partner, as published at /.well-known/countersign-keys.
        #[arg(long, value_name = "FILE")]
        partner_keys: Option<PathBuf>,
        /// Public key of a partner, 64 hexadecimal digits; may be given several times.
        #[arg(long, value_name = "HEX")]
        public_key: Vec<String>,
        #[command(flatten)]
        keys: OfflineKeys,
    },
    /// Export a bundle from a server, signed.
    #[command(after_help = "Example: countersign bundle export 2.4.0 --to policy-bundle-2.4.0.json")]
    Export {
        /// Number or version of the bundle.
        bundle: String,
        /// How long the signature is valid, in hours.
        #[arg(long, default_value_t = lifecycle::transfer::export::DEFAULT_HOURS, value_name = "HOURS")]
        expiry_hours: u32,
        /// How to sign: with the secret, or with a key pair, so that who can verify cannot sign.
        #[arg(long, value_enum, default_value_t, value_name = "ALGORITHM")]
        algorithm: transfer::Signature,
        /// File to write; standard output when left out.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        #[command(flatten)]
        server: Server,
    },
    /// Import a file into a server as a draft.
    #[command(
        after_help = "Example: countersign bundle import policy-bundle-2.4.0.json --import-as-version 2.4.1 --dry-run"
    )]
    Import {
        /// A signed bundle, or `-` for standard input.
        #[arg(default_value = "-")]
        file: PathBuf,
        /// Version of the draft instead of the file's.
        #[arg(long, value_name = "VERSION")]
        import_as_version: Option<String>,
        /// Also accept a bundle without a signature.
        #[arg(long)]
        unsigned: bool,
        /// Only show what the import would do: verdict, lint and changes against stable.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        server: Server,
    },
}

/// Runs the command.
pub fn run(command: Command, format: Format) -> Result<ExitCode, CliError> {
    match command {
        Command::Lint { file } => lint::run(&file, format),
        Command::Digest { file } => {
            let digest = files::source(&file)?.digest();
            print(format, &json!({ "digest": digest }), || digest.to_string());
            Ok(ExitCode::SUCCESS)
        }
        Command::Diff { before, after, fail_on_flip } => {
            compare::run(&files::source(&before)?, &files::source(&after)?, fail_on_flip, format)
        }
        Command::Simulate(arguments) => simulate::run(&arguments, format),
        Command::Sign { file, expiry_hours, algorithm, to, keys } => {
            transfer::sign(&file, algorithm, expiry_hours, to.as_ref(), &keys)
        }
        Command::Verify { file, partner_keys, public_key, keys } => {
            transfer::verify(&file, partner_keys.as_deref(), &public_key, &keys, format)
        }
        Command::Export { bundle, expiry_hours, algorithm, to, server } => {
            transfer::export(&server, &bundle, algorithm, expiry_hours, to.as_ref())
        }
        Command::Import { file, import_as_version, unsigned, dry_run, server } => {
            let options = transfer::ImportOptions { import_as_version, unsigned };
            transfer::import(&server, &file, &options, dry_run, format)
        }
    }
}
