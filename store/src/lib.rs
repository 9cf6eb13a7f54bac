//! What is remembered: Postgres.
//!
//! One use case is one function is one transaction: authorize, check, write, audit. Every public use case takes the
//! [`Actor`](lifecycle::authority::Actor) and authorizes it first; what writes takes the permit. Decisions about what
//! may happen are made by `lifecycle`; this crate reads what they need, under the right locks, and keeps what they say.

pub mod audit;
pub mod bundles;
pub mod corpus;
pub mod decisions;
pub mod demo;
pub mod drills;
pub mod error;
pub mod figures;
pub mod home;
pub mod incidents;
pub mod kpi;
pub mod packets;
pub mod people;
pub mod postgres;
pub mod rollout;
pub mod sessions;
pub mod settings;
pub mod simulate;
pub mod system;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tokens;

mod baseline;
mod connection;
mod json;
mod names;
mod page;
mod password;
mod work;

pub use connection::Store;
pub use error::{Error, Result};
pub use lifecycle::{
    Page,
    authority::{Person, Token},
};
