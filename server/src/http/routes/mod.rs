//! One file per resource, each with its own `router()`.

pub mod accounts;
pub mod assets;
pub mod audit;
pub mod bundles;
pub mod contract;
pub mod decisions;
pub mod drills;
pub mod evaluate;
pub mod events;
pub mod health;
pub mod incidents;
pub mod kpi;
pub mod lint;
pub mod me;
pub mod metrics;
pub mod oidc;
pub mod packets;
pub mod pages;
pub mod public_keys;
pub mod rollout;
pub mod server_functions;
pub mod settings;
pub mod simulate;
pub mod system;
pub mod transfer;
