//! Home, the first page.

use leptos::prelude::*;
use lifecycle::overview::Overview;

use crate::error::{AppError, Reply};

/// The content of the first page.
///
/// # Errors
/// `unauthenticated` without a signed-in person; `unavailable` when the database cannot be read.
#[server(prefix = "/api", endpoint = "home/overview", output = Reply)]
pub async fn read_overview() -> Result<Overview, AppError> {
    let store = crate::context::app_context()?.store;
    Ok(store::home::overview(&store, &crate::context::actor()?).await?)
}

/// Acknowledges what was done to an account without a second person.
///
/// # Errors
/// `forbidden` for anybody but a safety owner; there is no such announcement.
#[server(prefix = "/api", endpoint = "home/acknowledge", output = Reply)]
pub async fn acknowledge(id: i64) -> Result<(), AppError> {
    let store = crate::context::app_context()?.store;
    store::announcements::acknowledge(&store, &crate::context::actor()?, id).await?;
    Ok(())
}
