//! A token's row.

use const_format::concatcp;
use lifecycle::authority::Token;
use time::OffsetDateTime;

use crate::{Result, names};

/// The prefix of every token, so that leaked tokens can be found.
pub(super) const PREFIX: &str = "csn_";
/// Random letters and digits of a token.
pub(super) const RANDOM_CHARS: usize = 32;

/// The columns of [`Row`], from tokens `t` and their people `p`.
pub(super) const COLUMNS: &str = "t.id, t.name, p.email, t.roles, t.agents, t.reporter, t.prefix, t.created_by, t.created_at, \
     t.expires_at, t.last_used_at, t.revoked_at";

/// Reads tokens with their people.
pub(super) const SELECT: &str =
    concatcp!("select ", COLUMNS, " from api_tokens t left join people p on p.id = t.person_id ");

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: i64,
    name: String,
    email: Option<String>,
    roles: Vec<String>,
    agents: Vec<String>,
    reporter: bool,
    prefix: String,
    created_by: String,
    created_at: OffsetDateTime,
    expires_at: Option<OffsetDateTime>,
    last_used_at: Option<OffsetDateTime>,
    revoked_at: Option<OffsetDateTime>,
}

impl Row {
    pub fn read(self) -> Result<Token> {
        Ok(Token {
            id: self.id,
            roles: names::roles(&self.roles)?,
            name: self.name,
            email: self.email,
            agents: self.agents,
            reporter: self.reporter,
            prefix: self.prefix,
            created_by: self.created_by,
            created_at: self.created_at.into(),
            expires_at: self.expires_at.map(Into::into),
            last_used_at: self.last_used_at.map(Into::into),
            revoked_at: self.revoked_at.map(Into::into),
        })
    }
}
