//! The keys that offline commands sign and verify with.

use std::path::PathBuf;

use lifecycle::signing::KeyRing;

use super::storage::default_directory;
use crate::{
    error::CliError,
    signing_keys::{self, SigningKeyArguments, Use},
};

/// Keys from the environment, or the key in the data directory of a server.
#[derive(Debug, Clone, clap::Args)]
pub struct OfflineKeys {
    /// Data directory whose key is used when HMAC_SECRET is not given.
    #[arg(long, env = "COUNTERSIGN_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    given: SigningKeyArguments,
}

impl OfflineKeys {
    /// The key ring; `None` if there is no key. No key is generated here: a key that no server has proves nothing.
    ///
    /// # Errors
    /// [`CliError::Usage`] when the key cannot be read.
    pub fn ring_if_any(&self, wanted: Use) -> Result<Option<KeyRing>, CliError> {
        signing_keys::ring(&self.given, &self.directory()?, wanted)
    }

    fn directory(&self) -> Result<PathBuf, CliError> {
        match &self.data_dir {
            Some(given) => Ok(given.clone()),
            None => default_directory(),
        }
    }

    /// The key ring.
    ///
    /// # Errors
    /// [`CliError::Usage`] when there is no key, or when it cannot be read.
    pub fn ring(&self, wanted: Use) -> Result<KeyRing, CliError> {
        let directory = self.directory()?;
        self.ring_if_any(wanted)?.ok_or_else(|| {
            CliError::Usage(format!(
                "there is no key to work with: give HMAC_SECRET, or the data directory of a server with \
                 --data-dir; `{}` has none",
                directory.display()
            ))
        })
    }
}
