//! People and their tokens, as administrators see them. Nothing secret is in these types.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Actor, Pass, Roles, Via};

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
    /// Whether the person has a password. Invited people have none until they used their link.
    #[serde(default)]
    pub has_password: bool,
    /// Whether the account is linked with a sign-in provider.
    #[serde(default)]
    pub linked: bool,
    /// The person signs nothing before this time, because an administrator handed over a link to their account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signs_from: Option<Timestamp>,
}

impl Person {
    /// The person as an actor who came through `via`.
    pub fn actor(&self, via: Via) -> Actor {
        Actor {
            pass: Pass { signs_from: self.signs_from, ..Pass::default() },
            ..Actor::new(self.email.clone(), self.roles.clone(), via)
        }
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
    /// The agents a program's token may ask for; empty for a person's token, which is limited by its roles.
    #[serde(default)]
    pub agents: Vec<String>,
    /// Whether the token may report outcomes of decisions that other tokens asked for.
    #[serde(default)]
    pub reporter: bool,
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

/// A browser session, as its person sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The number of the session, which records name.
    pub id: i64,
    /// When the person signed in.
    pub created_at: Timestamp,
    /// When the session was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// When the session ends at the latest.
    pub expires_at: Timestamp,
    /// What the browser says it is; empty until it first asked for something.
    pub user_agent: String,
    /// Whether this is the session that asks.
    pub current: bool,
}

/// What was done to an account without a second person, for safety owners who have not acknowledged it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// The number, given by the database.
    pub id: i64,
    /// When it was done.
    pub at: Timestamp,
    /// What was done and by whom: a sentence without a full stop.
    pub what: String,
}

/// A link that was made, as the administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentLink {
    /// The link, for the administrator who has to hand it over; absent when it went to the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When the link stops working.
    pub expires_at: Timestamp,
    /// Whether the link went to the person's address.
    pub sent: bool,
    /// Why the mail server did not take the message, if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_error: Option<String>,
}
