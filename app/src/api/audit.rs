//! The audit trail for the pages.

use leptos::prelude::*;
use lifecycle::audit::{ChainStatus, Entry, Verdict};
use policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::{AppError, Reply},
    pages::audit::labels::Query,
};

/// One page of the trail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trail {
    /// In the order asked for.
    pub items: Vec<Entry>,
    /// Where the next page begins; none at the end.
    pub next_cursor: Option<String>,
    /// How the chain stands, without computing it anew.
    pub chain: ChainStatus,
    /// The server's now.
    pub as_of: Timestamp,
}

/// Entries that fit `query`.
#[server(prefix = "/api", endpoint = "audit/list", output = Reply)]
pub async fn audit_trail(#[server(default)] query: Query) -> Result<Trail, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    let as_of = crate::context::now();
    let text = |text: String| Some(text).filter(|text| !text.is_empty());
    let filter = store::audit::Filter {
        event_type: query.event,
        actor: text(query.actor),
        subject_type: text(query.subject_type),
        subject_id: text(query.subject_id),
        since: query.range.since(as_of),
        oldest_first: query.oldest_first,
        limit: Some(50),
        cursor: query.cursor,
        ..Default::default()
    };
    let page = store::audit::list(&store, &me, &filter).await?;
    let chain = store::audit::status(&store, &me).await?;
    Ok(Trail { items: page.items, next_cursor: page.next_cursor, chain, as_of })
}

/// Computes every hash again.
#[server(prefix = "/api", endpoint = "audit/verify", output = Reply)]
pub async fn verify_chain() -> Result<Verdict, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    Ok(store::audit::verify(&store, &me).await?)
}
