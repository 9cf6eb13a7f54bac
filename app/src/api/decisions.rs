//! The decision log for the pages.

use leptos::prelude::*;
use lifecycle::{Timestamp, decision::Record, engine::trace::RuleTrace};
use serde::{Deserialize, Serialize};

use crate::{
    error::{AppError, Reply},
    pages::decisions::query::Query,
};

/// One page of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Log {
    /// Newest first.
    pub items: Vec<Record>,
    /// Where the next page begins; none at the end.
    pub next_cursor: Option<String>,
    /// Bundles that have served, for the filter: number and version, newest first.
    pub bundles: Vec<(i64, String)>,
    /// The server's now.
    pub as_of: Timestamp,
}

/// One decision with the server's now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OneDecision {
    /// The decision.
    pub record: Record,
    /// Every rule of the bundle that served, in order, until one decided; empty when there was no bundle.
    pub trace: Vec<RuleTrace>,
    /// The server's now.
    pub as_of: Timestamp,
}

/// Decisions that fit `query`, newest first.
#[server(prefix = "/api", endpoint = "decisions/list", output = Reply)]
pub async fn decision_log(#[server(default)] query: Query) -> Result<Log, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    let as_of = crate::context::now();
    let text = |text: String| Some(text).filter(|text| !text.is_empty());
    let filter = store::decisions::Filter {
        bundle_id: query.bundle,
        status: query.status,
        effect: query.effect,
        agent: text(query.agent),
        action: text(query.action),
        since: query.range.since(as_of),
        until: None,
        limit: Some(50),
        cursor: query.cursor,
    };
    let page = store::decisions::list(&store, &me, &filter).await?;
    let served = store::bundles::Filter { limit: Some(100), ..Default::default() };
    let bundles = store::bundles::summaries(&store, &me, &served).await?.items.into_iter();
    let bundles = bundles.filter(|b| b.activated_at.is_some()).map(|b| (b.id, b.version)).collect();
    Ok(Log { items: page.items, next_cursor: page.next_cursor, bundles, as_of })
}

/// One decision.
#[server(prefix = "/api", endpoint = "decisions/get", output = Reply)]
pub async fn get_decision(decision_id: String) -> Result<OneDecision, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    let record = store::decisions::get(&store, &me, &decision_id).await?;
    let trace = trace(&store, &me, &record).await?;
    Ok(OneDecision { record, trace, as_of: crate::context::now() })
}

/// Asks the bundle that served again, to see every rule it considered. Bundles in service never change.
#[cfg(feature = "ssr")]
async fn trace(
    store: &store::Store,
    me: &lifecycle::authority::Actor,
    record: &Record,
) -> Result<Vec<RuleTrace>, AppError> {
    use lifecycle::{
        bundle::Source,
        engine::{Input, Prepared},
    };
    let Some(bundle) = &record.bundle else { return Ok(Vec::new()) };
    let served = store::bundles::get(store, me, bundle.id).await?;
    let source = Source {
        rules: served.rules,
        default_effect: served.default_effect,
        on_error: served.on_error,
        schema: served.schema,
        ..Source::default()
    };
    let input = Input { agent: record.agent.clone(), action: record.action.clone(), context: record.context.clone() };
    Ok(Prepared::new(&source.understand().bundle).trace(&input))
}
