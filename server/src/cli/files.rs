//! Reading and writing files; `-` stands for standard input and standard output.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use policy::{
    bundle::Source,
    json::{self, Literals},
    limits::MAX_BUNDLE_BYTES,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{error::CliError, json::convert_known};

/// Maximum bytes of a file: a packet of the largest size with its corpus.
const MOST: u64 = 16 * MAX_BUNDLE_BYTES as u64;

/// The name of a file for people.
pub fn shown(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".to_owned() } else { format!("`{}`", file.display()) }
}

/// The content of a file.
///
/// # Errors
/// [`CliError::Usage`] when the file cannot be read or is too large.
pub fn bytes(file: &Path) -> Result<Vec<u8>, CliError> {
    let shown = shown(file);
    let fail = |error: std::io::Error| CliError::Usage(format!("cannot read {shown}: {error}"));
    let mut content = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin().take(MOST + 1).read_to_end(&mut content).map_err(fail)?;
    } else {
        std::fs::File::open(file).map_err(fail)?.take(MOST + 1).read_to_end(&mut content).map_err(fail)?;
    }
    if content.len() as u64 > MOST {
        return Err(CliError::Usage(format!("{shown} is larger than the limit of {MOST} bytes")));
    }
    Ok(content)
}

/// The JSON in a file, as a `T`. Members that a later version may have written are dropped.
///
/// # Errors
/// [`CliError::Usage`] with line and column, or with the pointer to a value of a wrong type.
pub fn json_from<T: DeserializeOwned>(file: &Path) -> Result<T, CliError> {
    convert_known(document(file)?).map_err(|problem| wrong(file, &problem.detail))
}

/// The JSON document in a file; duplicate members are refused.
///
/// # Errors
/// [`CliError::Usage`] with line and column.
pub fn document(file: &Path) -> Result<Value, CliError> {
    json::parse(&bytes(file)?).map_err(|malformed| wrong(file, &malformed.to_string()))
}

/// The bundle in a file: bare, a list of rules, or inside a signed file (whose signature is not checked).
///
/// # Errors
/// As [`json_from`].
pub fn source(file: &Path) -> Result<Source, CliError> {
    let bytes = bytes(file)?;
    let mut document = json::parse(&bytes).map_err(|malformed| wrong(file, &malformed.to_string()))?;
    let mut literals = Literals::of(&bytes);
    if let Value::Object(members) = &mut document
        && !members.contains_key("rules")
        && let Some(bundle) = members.remove("bundle")
    {
        document = bundle;
        literals = literals.below("/bundle");
    }
    Source::read_with(document, literals).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        wrong(file, &lines.join("; "))
    })
}

/// Writes `text` to a file, or to standard output if no file is given.
///
/// # Errors
/// [`CliError::Usage`] when the file cannot be written.
pub fn write(to: Option<&PathBuf>, text: &str) -> Result<(), CliError> {
    use std::io::Write as _;
    match to.filter(|file| file.as_os_str() != "-") {
        Some(file) => std::fs::write(file, text)
            .map_err(|error| CliError::Usage(format!("cannot write `{}`: {error}", file.display()))),
        None => {
            // A closed pipe (`… | head`) is not an error.
            let _ = std::io::stdout().lock().write_all(text.as_bytes());
            Ok(())
        }
    }
}

/// The error about a file that does not contain what the command needs.
pub fn wrong(file: &Path, detail: &str) -> CliError {
    CliError::Usage(format!("{}: {detail}", shown(file)))
}
