//! Reading tokens.

use const_format::concatcp;
use lifecycle::authority::{Actor, Permission, Token, authorize};

use super::row::{Row, SELECT};
use crate::{Result, Store};

/// All tokens, newest first.
///
/// # Errors
/// Denied without [`Permission::Administer`].
pub async fn list(store: &Store, actor: &Actor) -> Result<Vec<Token>> {
    authorize(actor, Permission::Administer)?;
    let rows: Vec<Row> = sqlx::query_as(concatcp!(SELECT, "order by t.id desc")).fetch_all(store.pool()).await?;
    rows.into_iter().map(Row::read).collect()
}

/// The actor's own tokens, newest first.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn list_own(store: &Store, actor: &Actor) -> Result<Vec<Token>> {
    authorize(actor, Permission::Read)?;
    let rows: Vec<Row> = sqlx::query_as(concatcp!(SELECT, "where p.email = $1 order by t.id desc"))
        .bind(&actor.name)
        .fetch_all(store.pool())
        .await?;
    rows.into_iter().map(Row::read).collect()
}
