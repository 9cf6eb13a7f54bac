//! A person's row.

use const_format::concatcp;
use lifecycle::authority::Person;
use sqlx::PgExecutor;

use crate::{Error, Result, names, text::storable, work::Work};

/// The columns of [`Row`].
pub(super) const COLUMNS: &str = "id, email, name, roles, enabled";

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: i64,
    email: String,
    name: String,
    roles: Vec<String>,
    pub enabled: bool,
}

impl Row {
    pub fn read(self) -> Result<Person> {
        Ok(Person {
            id: self.id,
            roles: names::roles(&self.roles)?,
            email: self.email,
            name: self.name,
            enabled: self.enabled,
        })
    }
}

/// The person with this email.
pub(super) async fn find(db: impl PgExecutor<'_>, email: &str) -> Result<Option<Row>> {
    Ok(sqlx::query_as(concatcp!("select ", COLUMNS, " from people where email = $1"))
        .bind(&*storable(&email.trim().to_lowercase()))
        .fetch_optional(db)
        .await?)
}

/// The person with this email, locked until the transaction ends.
pub(super) async fn find_locked(work: &mut Work, email: &str) -> Result<Person> {
    let row: Option<Row> = sqlx::query_as(concatcp!("select ", COLUMNS, " from people where email = $1 for update"))
        .bind(&*storable(&email.trim().to_lowercase()))
        .fetch_optional(work.db())
        .await?;
    row.ok_or_else(|| Error::not_found("person", email))?.read()
}
