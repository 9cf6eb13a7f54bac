//! Accounts: people with their passwords, browser sessions and bearer tokens.

pub mod people;
pub mod sessions;
pub mod tokens;

mod password;
