//! Says that this server runs and which keys it has, and follows a change of the key that signs.

use std::path::PathBuf;

use lifecycle::{
    authority::{Actor, Role, Via},
    signing::KeyRing,
};
use store::{Store, key_rotation};

use super::periodic::{Schedule, log_error};
use crate::{heartbeats::Heartbeat, signing_keys};

pub(super) async fn run(store: Store, started_with: KeyRing, data_dir: PathBuf, heartbeat: Heartbeat) {
    let host = host();
    let mut ring = started_with;
    let mut schedule = Schedule::every(key_rotation::HEARTBEAT, &store, heartbeat);
    while schedule.next().await {
        match signing_keys::reread(&ring, &data_dir) {
            Ok(found) => ring = found,
            Err(error) => tracing::warn!(%error, "the key file cannot be read; the keys stay as they are"),
        }
        if let Err(error) = key_rotation::beat(&store, &host, ring.clone()).await {
            log_error("the signing keys cannot be compared with the workspace's now", &error);
        }
    }
}

/// How this server is named to operators.
pub fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = match name.trim() {
        "" => "a server",
        name => name,
    };
    format!("{name} (process {})", std::process::id())
}

/// The servers, when they act together.
pub fn servers() -> Actor {
    Actor::new("system", [Role::Admin].into(), Via::Job)
}
