//! `countersign bundle sign`, `verify`, `export` and `import`: bundles as signed files.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use lifecycle::{
    signing::{Key, KeyRing, PublicKey},
    transfer::{Algorithm, Preview, Upload, Verdict, Verification, export as signed, open_with_partners},
};
use policy::{Timestamp, characters::write_out};
use rand::RngExt;
use serde_json::Value;

use super::{compare, lint};
use crate::{
    cli::{
        client::{Server, with_query},
        files,
        offline_keys::OfflineKeys,
        output::{Format, exit_code, print},
    },
    error::CliError,
    signing_keys::Use,
};

/// How a file is imported.
#[derive(Debug, Default)]
pub struct ImportOptions {
    /// The version of the draft, instead of the one in the file.
    pub import_as_version: Option<String>,
    /// Whether a file without a signature is accepted.
    pub unsigned: bool,
}

impl ImportOptions {
    fn query(&self, dry_run: bool) -> Vec<(&str, &str)> {
        let mut query = Vec::new();
        if let Some(version) = &self.import_as_version {
            query.push(("import_as_version", version.as_str()));
        }
        query.extend(
            [("unsigned", self.unsigned), ("dry_run", dry_run)]
                .into_iter()
                .filter(|(_, on)| *on)
                .map(|(name, _)| (name, "true")),
        );
        query
    }
}

/// How a bundle is signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Signature {
    /// With the secret: who can verify can sign, too.
    #[default]
    HmacSha256,
    /// With a key pair: anyone with the public key can verify.
    Ed25519,
}

impl Signature {
    fn algorithm(self) -> Algorithm {
        match self {
            Self::HmacSha256 => Algorithm::HmacSha256,
            Self::Ed25519 => Algorithm::Ed25519,
        }
    }

    /// The name in the API.
    fn name(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::Ed25519 => "ed25519",
        }
    }
}

/// Signs the bundle in a file.
pub fn sign(
    file: &Path,
    signature: Signature,
    hours: u32,
    to: Option<&PathBuf>,
    keys: &OfflineKeys,
) -> Result<ExitCode, CliError> {
    let source = files::source(file)?;
    let export = signed::export_with(&keys.ring(Use::Sign)?, signature.algorithm(), &source, None, now(), hours)
        .map_err(|refused| CliError::Usage(format!("{}: {refused}", files::shown(file))))?;
    files::write(to, &format!("{}\n", export.to_text()))?;
    Ok(ExitCode::SUCCESS)
}

/// Verifies a signed file.
pub fn verify(
    file: &Path,
    partner_keys: Option<&Path>,
    public_key: &[String],
    keys: &OfflineKeys,
    format: Format,
) -> Result<ExitCode, CliError> {
    let mut partners = partner_keys.map(public_keys).transpose()?.unwrap_or_default();
    for text in public_key {
        let key = PublicKey::from_hex(text.trim());
        let wrong =
            || CliError::Usage(format!("--public-key {text}: expected the 64 hexadecimal digits of an Ed25519 key"));
        partners.push(key.ok_or_else(wrong)?);
    }
    let ring = match keys.ring_if_any(Use::Verify)? {
        Some(ring) => ring,
        // A partner's public keys are enough. A secret that nobody knows verifies nothing else.
        None if !partners.is_empty() => {
            let unknown: [u8; 32] = rand::rng().random();
            KeyRing { current: Key::named_by_fingerprint(unknown), previous: Vec::new() }
        }
        None => keys.ring(Use::Verify)?,
    };
    let upload = Upload::parse(files::document(file)?)?;
    let (verification, _) = open_with_partners(&ring, &partners, &upload.document, now());
    print(format, &verification, || verdict(&verification));
    Ok(exit_code(verification.verdict != Verdict::Valid))
}

/// The public keys in a file.
fn public_keys(file: &Path) -> Result<Vec<PublicKey>, CliError> {
    let document = files::document(file)?;
    let keys: Vec<PublicKey> = document
        .get("keys")
        .and_then(|keys| serde_json::from_value(keys.clone()).ok())
        .ok_or_else(|| files::wrong(file, "expected `{\"keys\": [{\"key_id\", \"algorithm\", \"public_key\"}]}`"))?;
    match keys.iter().find(|key| !key.is_consistent()) {
        None => Ok(keys),
        Some(wrong) => Err(files::wrong(file, &format!("`{}` is not the id of its public key", wrong.key_id))),
    }
}

fn verdict(verification: &Verification) -> String {
    let mut text = format!("{}: {}", verification.verdict.name(), verification.message);
    let stated = [
        ("version", verification.version.clone()),
        ("digest", verification.digest.clone()),
        ("key", verification.key_id.clone()),
        ("exported", verification.exported_at.map(|at| at.to_string())),
        ("expires", verification.expires_at.map(|at| at.to_string())),
    ];
    for (name, value) in stated {
        if let Some(value) = value {
            text.push_str(&format!("\n  {name:9} {}", write_out(&value)));
        }
    }
    text
}

/// Exports from a server.
pub fn export(
    server: &Server,
    bundle: &str,
    signature: Signature,
    hours: u32,
    to: Option<&PathBuf>,
) -> Result<ExitCode, CliError> {
    let client = server.client()?;
    let id = client.bundle_id(bundle)?;
    let mut file = Vec::new();
    let hours = hours.to_string();
    let options = [("expiry_hours", hours.as_str()), ("algorithm", signature.name())];
    client.download(&format!("/policy/bundles/{id}/export/download"), &options, &mut file)?;
    files::write(to, &String::from_utf8_lossy(&file))?;
    if let Some(to) = to {
        eprintln!("bundle {bundle} was exported to {}", files::shown(to));
    }
    Ok(ExitCode::SUCCESS)
}

/// Imports into a server.
pub fn import(
    server: &Server,
    file: &Path,
    options: &ImportOptions,
    dry_run: bool,
    format: Format,
) -> Result<ExitCode, CliError> {
    let bytes = files::bytes(file)?;
    let client = server.client()?;
    let path = with_query("/policy/bundles/import", &options.query(dry_run));
    if dry_run {
        let preview: Preview = client.post_bytes(&path, bytes)?;
        print(format, &preview, || preview_text(&preview));
        let blocked = preview.draft.as_ref().is_none_or(|draft| draft.version_taken);
        return Ok(exit_code(blocked));
    }
    let imported: Value = client.post_bytes(&path, bytes)?;
    print(format, &imported, || {
        let text = |pointer: &str| imported.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let number = |pointer: &str| imported.pointer(pointer).and_then(Value::as_i64).unwrap_or_default();
        format!(
            "bundle {}: {}; {} errors, {} warnings",
            number("/id"),
            text("/message"),
            number("/lint/summary/errors"),
            number("/lint/summary/warnings")
        )
    });
    Ok(ExitCode::SUCCESS)
}

fn preview_text(preview: &Preview) -> String {
    let mut lines = vec![verdict(&preview.verification)];
    if let Some(draft) = &preview.draft {
        let taken = if draft.version_taken {
            format!(" (taken: use --import-as-version {})", draft.next_version)
        } else {
            String::new()
        };
        lines.push(format!("would become draft {}{taken}, {}", draft.version, draft.digest));
        lines.push(lint::render(&draft.lint));
        if let (Some(stable), Some(changes)) = (&draft.stable_version, &draft.changes) {
            lines.push(format!("against stable {stable}: {}", compare::render(changes)));
        }
    }
    lines.join("\n")
}

/// The clock of this machine, because there is no database whose clock could be used.
fn now() -> Timestamp {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Timestamp::from_unix_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}
