//! The audit trail for the pages.

use leptos::prelude::*;
use lifecycle::audit::{ChainStatus, Entry, Verdict};
use policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::{AppError, Reply},
    filter::AuditFilter,
};

/// One page of the trail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trail {
    /// The entries, in the order of the filter.
    pub items: Vec<Entry>,
    /// The cursor of the next page; `None` on the last.
    pub next_cursor: Option<String>,
    /// The stored status of the chain, which is not verified here.
    pub chain: ChainStatus,
    /// The server's time.
    pub as_of: Timestamp,
}

/// Entries that match `query`.
#[server(prefix = "/api", endpoint = "audit/list", output = Reply)]
pub async fn audit_trail(#[server(default)] query: AuditFilter) -> Result<Trail, AppError> {
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

/// Verifies the chain by computing every hash again.
#[server(prefix = "/api", endpoint = "audit/verify", output = Reply)]
pub async fn verify_chain() -> Result<Verdict, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    Ok(store::audit::verify(&store, &me).await?)
}
