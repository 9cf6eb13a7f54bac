//! The settings of the workspace.

use policy::replay::Limits;
use serde::{Deserialize, Serialize};

use crate::{approval::ApprovalSettings, metrics::GateConfig, review::ReviewSettings, rollout::WatchConfig};

/// Everything an administrator may set. A missing member has its default.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Quality gates of a rollout.
    pub gates: GateConfig,
    /// Automatic rollback.
    pub watch: WatchConfig,
    /// Reviews.
    pub review: ReviewSettings,
    /// Approvals at run time.
    pub approvals: ApprovalSettings,
    /// Spending limits of simulations.
    pub simulation: Limits,
    /// Number of recorded decisions that a packet replays, the newest of the last days; see `review.evidence_days`.
    pub corpus: CorpusLimit,
    /// Signing in.
    pub sign_in: SignInSettings,
    /// How long decisions stay in the database.
    pub retention: RetentionSettings,
}

/// A number of recorded decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CorpusLimit(pub u32);

impl Default for CorpusLimit {
    fn default() -> Self {
        Self(5000)
    }
}

/// How long decisions stay in the database; then their day is archived to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RetentionSettings {
    /// The age at which a day of the log is archived, in days.
    pub days: u32,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        Self { days: 90 }
    }
}

/// Who may sign in with a password, and how often the sign-in provider is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SignInSettings {
    /// A session that began at the sign-in provider ends when the provider did not confirm it within this many minutes.
    pub check_minutes: u32,
    /// Who may sign in with a password.
    pub passwords: Passwords,
    /// The number of the administrator who may always sign in with a password.
    pub break_glass: Option<i64>,
}

impl Default for SignInSettings {
    fn default() -> Self {
        Self { check_minutes: 15, passwords: Passwords::Everyone, break_glass: None }
    }
}

impl SignInSettings {
    /// Whether the person with this number may sign in with a password.
    pub fn allows_password(&self, person_id: i64) -> bool {
        self.passwords == Passwords::Everyone || self.break_glass == Some(person_id)
    }
}

/// Who may sign in with a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Passwords {
    /// Everyone who has one.
    #[default]
    Everyone,
    /// One administrator, for when the sign-in provider fails.
    BreakGlass,
}

impl Passwords {
    /// All values.
    pub const ALL: [Self; 2] = [Self::Everyone, Self::BreakGlass];

    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
