//! Server functions, by noun. Each is a few lines that call `store`; pages call them like ordinary functions.
//!
//! Every one names its endpoint (the default would contain a hash of the source's path) and is sent by POST.

pub mod audit;
pub mod bundles;
pub mod decisions;
pub mod drills;
pub mod home;
pub mod incidents;
pub mod kpi;
pub mod live;
pub mod packets;
pub mod rollout;
pub mod session;
pub mod system;
pub mod workspace;
