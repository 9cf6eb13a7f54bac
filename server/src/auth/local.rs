//! The actor on this machine.

use lifecycle::authority::{Actor, Role, Via};

/// The actor on the command line: a user who can reach the database may do anything to it anyway.
pub fn local_administrator() -> Actor {
    let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
    Actor::new(format!("cli:{user}"), [Role::Admin].into(), Via::Cli)
}
