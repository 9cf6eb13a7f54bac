//! The decision log for the pages.

use leptos::prelude::*;
use lifecycle::{authority::Actor, bundle::State, decision::Record};
use policy::{
    Timestamp,
    analysis::nearest::WhyNot,
    bundle::Effect,
    engine::{Input, Status, trace::RuleTrace},
};

#[cfg(feature = "ssr")]
use policy::{
    analysis::{
        Meter,
        nearest::{self, nearest_change},
    },
    bundle::Source,
    engine::Prepared,
};
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use store::Store;

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
    /// The smallest change of the input that the bundle that served answers otherwise; none when there was no bundle.
    pub nearest: Option<WhyNot>,
    /// What the drafts there are make of the same input, the newest first.
    pub drafts: Vec<UnderDraft>,
    /// The server's now.
    pub as_of: Timestamp,
}

/// What a draft makes of a recorded input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnderDraft {
    /// The draft's number.
    pub id: i64,
    /// Its version.
    pub version: String,
    /// Its state.
    pub state: State,
    /// Its answer.
    pub effect: Effect,
    /// How that came about.
    pub status: Status,
    /// The rule that decides; none for the default.
    pub matched_rule: Option<String>,
}

/// Drafts asked about one decision, at most: the newest.
#[cfg(feature = "ssr")]
const MOST_DRAFTS: usize = 4;

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
    let input = Input { agent: record.agent.clone(), action: record.action.clone(), context: record.context.clone() };
    let (trace, nearest) = match &record.bundle {
        // Bundles in service never change, so that it can be asked again.
        Some(bundle) => {
            let served = prepared(&store, &me, bundle.id).await?;
            let meter = Meter::new(nearest::TRIES / 20, nearest::TRIES / 20);
            (served.trace(&input), Some(nearest_change(&served, &input, None, meter)))
        }
        None => (Vec::new(), None),
    };
    let drafts = under_drafts(&store, &me, &input).await?;
    Ok(OneDecision { record, trace, nearest, drafts, as_of: crate::context::now() })
}

/// The input of one decision, to be tried elsewhere.
#[server(prefix = "/api", endpoint = "decisions/input", output = Reply)]
pub async fn decision_input(decision_id: String) -> Result<Input, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    let Record { agent, action, context, .. } = store::decisions::get(&store, &me, &decision_id).await?;
    Ok(Input { agent, action, context })
}

/// A bundle, ready to answer.
#[cfg(feature = "ssr")]
async fn prepared(store: &Store, me: &Actor, id: i64) -> Result<Prepared, AppError> {
    let source = Source::from(&store::bundles::get(store, me, id).await?);
    Ok(Prepared::new(&source.parse_rules().bundle))
}

#[cfg(feature = "ssr")]
async fn under_drafts(store: &Store, me: &Actor, input: &Input) -> Result<Vec<UnderDraft>, AppError> {
    let newest = store::bundles::Filter { limit: Some(100), ..Default::default() };
    let bundles = store::bundles::summaries(store, me, &newest).await?.items;
    let mut drafts = Vec::new();
    for draft in bundles.into_iter().filter(|bundle| bundle.state.is_editable()).take(MOST_DRAFTS) {
        let answer = prepared(store, me, draft.id).await?.decide(input);
        drafts.push(UnderDraft {
            id: draft.id,
            version: draft.version,
            state: draft.state,
            effect: answer.effect,
            status: answer.status,
            matched_rule: answer.matched_rule,
        });
    }
    Ok(drafts)
}
