//! The keys that offline commands sign and verify with.

use std::path::PathBuf;

use lifecycle::signing::KeyRing;

use super::{CliError, serve::Place};
use crate::keys;

/// Keys from the environment, or the one that a server keeps in its data directory.
#[derive(Debug, Clone, clap::Args)]
pub struct Keys {
    /// Data directory whose key is used when HMAC_SECRET is not given.
    #[arg(long, env = "COUNTERSIGN_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    given: keys::Given,
}

impl Keys {
    /// The key ring, or none when there is no key. No key is made here: one that nobody else has would prove nothing.
    ///
    /// # Errors
    /// [`CliError::Usage`] when the key cannot be read.
    pub fn known(&self) -> Result<Option<KeyRing>, CliError> {
        let directory = self.directory()?;
        if !self.given.has_secret() && !directory.join(keys::FILE).exists() {
            return Ok(None);
        }
        keys::ring(&self.given, &directory).map(Some)
    }

    fn directory(&self) -> Result<PathBuf, CliError> {
        match &self.data_dir {
            Some(given) => Ok(given.clone()),
            None => Place::default_directory(),
        }
    }

    /// The key ring.
    ///
    /// # Errors
    /// [`CliError::Usage`] when there is no key, or it cannot be read.
    pub fn ring(&self) -> Result<KeyRing, CliError> {
        let directory = self.directory()?;
        self.known()?.ok_or_else(|| {
            CliError::Usage(format!(
                "there is no key to work with: give HMAC_SECRET (and HMAC_KEY_ID), or the data directory of a server with \
                 --data-dir; `{}` has none",
                directory.display()
            ))
        })
    }
}
