//! Server functions, by noun. Each is a few lines that call `store`; pages call it like an ordinary function.
//!
//! Each function names its endpoint, since the default contains a hash of the source's path. All are sent by POST.

pub mod approval_settings;
pub mod approval_view;
pub mod approvals;
pub mod audit;
pub mod bundles;
pub mod decisions;
pub mod drills;
pub mod frame;
pub mod home;
pub mod incidents;
pub mod kpi;
pub mod me;
pub mod packets;
pub mod partner_keys;
pub mod people;
pub mod rollout;
pub mod safeguards;
pub mod session;
pub mod sign_in_settings;
pub mod system;
pub mod workspace;
