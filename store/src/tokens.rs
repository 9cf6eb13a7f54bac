//! Bearer tokens: `csn_` and 32 random letters and digits, kept only as a hash, shown once.

use lifecycle::{
    Timestamp,
    authority::{Actor, Roles, Token},
};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Store};

/// The caller behind a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// Who acts: the person, with no more roles than both they and the token have, or the program.
    pub actor: Actor,
    /// Display name.
    pub name: String,
}

/// What to make: the body of `POST /tokens`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// The person it acts as; none for a program of its own.
    #[serde(default)]
    pub email: Option<String>,
    /// The most it may do.
    pub roles: Roles,
    /// When it stops working; none for never.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// Who holds this token; none when it is unknown, expired, revoked, or its person is disabled.
pub async fn authenticate(_store: &Store, _plain: &str) -> Result<Option<Bearer>> {
    Err(Error::Internal("tokens::authenticate".into()))
}

/// Makes a token. The second value is the token itself, which is not kept.
pub async fn create(_store: &Store, _actor: &Actor, _new: NewToken) -> Result<(Token, String)> {
    Err(Error::Internal("tokens::create".into()))
}

/// Ends a token. Ending one twice changes nothing.
pub async fn revoke(_store: &Store, _actor: &Actor, _id: i64) -> Result<Token> {
    Err(Error::Internal("tokens::revoke".into()))
}

/// All tokens, newest first.
pub async fn list(_store: &Store, _actor: &Actor) -> Result<Vec<Token>> {
    Err(Error::Internal("tokens::list".into()))
}
