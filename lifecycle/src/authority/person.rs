//! People and their tokens, as administrators see them. Nothing secret is in these types.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Actor, Roles, Via};

/// Somebody who can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Number given by the database.
    pub id: i64,
    /// Lower-case email; names the person everywhere.
    pub email: String,
    /// Display name.
    pub name: String,
    /// What they are trusted with.
    pub roles: Roles,
    /// Whether they may sign in.
    pub enabled: bool,
}

impl Person {
    /// This person, acting through `via`.
    pub fn actor(&self, via: Via) -> Actor {
        Actor { name: self.email.clone(), roles: self.roles.clone(), via }
    }
}

/// A bearer token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Number given by the database.
    pub id: i64,
    /// What it is for.
    pub name: String,
    /// The person it acts as; none for a program of its own.
    pub email: Option<String>,
    /// The most it may do; a person's token can do no more than the person.
    pub roles: Roles,
    /// The first characters, to recognise it by.
    pub prefix: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it stops working; none for never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}
