//! People and their tokens, as administrators see them. Nothing secret is in these types.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Actor, Roles, Via};

/// A person who can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The id, given by the database.
    pub id: i64,
    /// Lower-case email; identifies the person everywhere.
    pub email: String,
    /// Display name.
    pub name: String,
    /// The person's roles.
    pub roles: Roles,
    /// Whether the person may sign in.
    pub enabled: bool,
}

impl Person {
    /// The person as an actor who came through `via`.
    pub fn actor(&self, via: Via) -> Actor {
        Actor { name: self.email.clone(), roles: self.roles.clone(), via }
    }
}

/// A bearer token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The id, given by the database.
    pub id: i64,
    /// The purpose of the token.
    pub name: String,
    /// The person the token acts as; `None` for a program.
    pub email: Option<String>,
    /// The token's roles; a person's token can do no more than the person.
    pub roles: Roles,
    /// The first characters of the secret, to recognise the token by.
    pub prefix: String,
    /// The creator of the token.
    pub created_by: String,
    /// When the token was created.
    pub created_at: Timestamp,
    /// When the token expires; `None` when the token never expires.
    pub expires_at: Option<Timestamp>,
    /// When the token was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When the token was revoked.
    pub revoked_at: Option<Timestamp>,
}
