//! Accounts: people with their passwords and identities at a sign-in provider, one-time links, browser sessions and bearer
//! tokens, and what was refused.

pub mod attempts;
pub mod identities;
pub mod links;
pub mod people;
pub mod sessions;
pub mod tokens;

mod given_roles;
mod own_password;
mod password;
mod refused;
mod sealed;
mod secret;

pub use refused::audit_refusals;
