//! The first page.

use leptos::prelude::*;
use lifecycle::overview::Overview;

use crate::error::{AppError, Reply};

/// What the first page shows.
///
/// # Errors
/// `unauthenticated` for strangers; the database cannot be read.
#[server(prefix = "/api", endpoint = "home/overview", output = Reply)]
pub async fn read_overview() -> Result<Overview, AppError> {
    let store = crate::context::app_context()?.store;
    Ok(store::home::overview(&store, &crate::context::actor()?).await?)
}
