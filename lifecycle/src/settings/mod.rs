//! The settings of the workspace, and how those that are safeguards become weaker.
//!
//! ```text
//! workspace → safeguards → groups, proposal
//! ```

pub mod groups;
pub mod proposal;
pub mod safeguards;
pub mod workspace;

pub use proposal::{ChangedSettings, Proposal, ProposalStatus};
pub use safeguards::Change;
pub use workspace::{CorpusLimit, Passwords, RetentionSettings, Settings, SignInSettings};
