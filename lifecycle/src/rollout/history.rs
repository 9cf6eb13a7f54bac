//! The signed records of a workspace, newest first.

use serde::{Deserialize, Serialize};

use super::{ApplyRecord, RollbackRecord};
use crate::{signing::Checked, system::ReleaseRecord};

/// The records of applies, rollbacks and released pauses, newest first; each was checked when it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Applies and promotions.
    pub applies: Vec<Checked<ApplyRecord>>,
    /// Rollbacks.
    pub rollbacks: Vec<Checked<RollbackRecord>>,
    /// Releases of a safety pause.
    pub releases: Vec<Checked<ReleaseRecord>>,
}
