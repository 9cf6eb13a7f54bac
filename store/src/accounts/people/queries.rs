//! Reading people.

use const_format::concatcp;
use lifecycle::authority::{Actor, Permission, Person, authorize};

use super::row::{self, COLUMNS, Row};
use crate::{Error, Result, Store};

/// The person with this number, enabled or not. Takes no actor, because authentication itself calls this function.
///
/// # Errors
/// The database failed.
pub async fn by_id(store: &Store, id: i64) -> Result<Option<Person>> {
    let row: Option<Row> = sqlx::query_as(concatcp!("select ", COLUMNS, " from people where id = $1"))
        .bind(id)
        .fetch_optional(store.pool())
        .await?;
    row.map(Row::read).transpose()
}

/// The enabled person with this email; no password is checked. Only for the demo's one-click cards.
///
/// # Errors
/// The database failed.
pub async fn by_email(store: &Store, email: &str) -> Result<Option<Person>> {
    let row = row::find(store.pool(), email).await?;
    row.map(Row::read).transpose().map(|person| person.filter(|person| person.enabled))
}

/// All people, by email.
///
/// # Errors
/// Denied without [`Permission::Administer`].
pub async fn list(store: &Store, actor: &Actor) -> Result<Vec<Person>> {
    authorize(actor, Permission::Administer)?;
    let rows: Vec<Row> =
        sqlx::query_as(concatcp!("select ", COLUMNS, " from people order by email")).fetch_all(store.pool()).await?;
    rows.into_iter().map(Row::read).collect()
}

/// The person with this number, for administrators.
///
/// # Errors
/// Denied without [`Permission::Administer`]; no such person.
pub async fn get(store: &Store, actor: &Actor, id: i64) -> Result<Person> {
    authorize(actor, Permission::Administer)?;
    by_id(store, id).await?.ok_or_else(|| Error::not_found("person", id))
}
