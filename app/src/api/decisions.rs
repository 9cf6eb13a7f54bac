//! The decision log for the pages.

use leptos::prelude::*;
#[cfg(feature = "ssr")]
use lifecycle::{authority::Actor, bundle};
use lifecycle::{bundle::State, decision::Record};
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
    filter::DecisionFilter,
};

/// One page of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Log {
    /// Newest first.
    pub items: Vec<Record>,
    /// The cursor of the next page; `None` on the last.
    pub next_cursor: Option<String>,
    /// Bundles that were in service, for the filter: number and version, newest first.
    pub bundles: Vec<(i64, String)>,
    /// The server's time.
    pub as_of: Timestamp,
}

/// One decision with its explanation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionDetail {
    /// The decision.
    pub record: Record,
    /// The rules of the bundle that served, in order, up to the one that decided; empty without a bundle.
    pub trace: Vec<RuleTrace>,
    /// The smallest change of the input that changes the answer of the bundle that served; `None` without a bundle.
    pub nearest: Option<WhyNot>,
    /// The approval request that the decision led to, or whose approval it used.
    pub approval: Option<String>,
    /// The answers of drafts to the same input, newest first.
    pub drafts: Vec<DraftAnswer>,
    /// The server's time.
    pub as_of: Timestamp,
}

/// The answer of a draft to a recorded input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DraftAnswer {
    /// The number of the draft.
    pub id: i64,
    /// The version of the draft.
    pub version: String,
    /// The state of the draft.
    pub state: State,
    /// The effect.
    pub effect: Effect,
    /// The status.
    pub status: Status,
    /// The rule that decides; `None` for the default.
    pub matched_rule: Option<String>,
}

/// The maximum number of drafts that are evaluated for one decision.
#[cfg(feature = "ssr")]
const MOST_DRAFTS: usize = 4;

/// Decisions that match `query`, newest first.
#[server(prefix = "/api", endpoint = "decisions/list", output = Reply)]
pub async fn decision_log(#[server(default)] query: DecisionFilter) -> Result<Log, AppError> {
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
        limit: Some(50),
        cursor: query.cursor,
        ..Default::default()
    };
    let page = store::decisions::list(&store, &me, &filter).await?;
    let served = store::bundles::Filter { limit: Some(100), ..Default::default() };
    let bundles = store::bundles::summaries(&store, &me, &served).await?.items.into_iter();
    let bundles = bundles.filter(|b| b.activated_at.is_some()).map(|b| (b.id, b.version)).collect();
    Ok(Log { items: page.items, next_cursor: page.next_cursor, bundles, as_of })
}

/// One decision.
#[server(prefix = "/api", endpoint = "decisions/get", output = Reply)]
pub async fn get_decision(decision_id: String) -> Result<DecisionDetail, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    let record = store::decisions::get(&store, &me, &decision_id).await?;
    let input = Input { agent: record.agent.clone(), action: record.action.clone(), context: record.context.clone() };
    let served = match &record.bundle {
        Some(bundle) => Some(store::bundles::get(&store, &me, bundle.id).await?),
        None => None,
    };
    let approval = store::approvals::request_of(&store, &me, &decision_id).await?;
    let drafts = newest_drafts(&store, &me).await?;
    let explain = move || {
        // A bundle that was in service never changes, so evaluating it again gives the recorded answer.
        let served = served.map(|served| prepared(&served));
        let trace = served.as_ref().map(|served| served.trace(&input)).unwrap_or_default();
        let meter = Meter::new(nearest::TRIES / 20, nearest::TRIES / 20);
        let nearest = served.map(|served| nearest_change(&served, &input, None, meter));
        (trace, nearest, drafts.into_iter().map(|draft| draft_answer(draft, &input)).collect::<Vec<_>>())
    };
    let (trace, nearest, drafts) = store.brief().run(&me.name, explain).await?;
    Ok(DecisionDetail { record, trace, nearest, approval, drafts, as_of: crate::context::now() })
}

/// The input of one decision, for the simulator.
#[server(prefix = "/api", endpoint = "decisions/input", output = Reply)]
pub async fn decision_input(decision_id: String) -> Result<Input, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    let Record { agent, action, context, .. } = store::decisions::get(&store, &me, &decision_id).await?;
    Ok(Input { agent, action, context })
}

/// A bundle prepared for evaluation.
#[cfg(feature = "ssr")]
fn prepared(bundle: &bundle::Record) -> Prepared {
    Prepared::new(&Source::from(bundle).parse_rules().bundle)
}

#[cfg(feature = "ssr")]
async fn newest_drafts(store: &Store, me: &Actor) -> Result<Vec<bundle::Record>, AppError> {
    let newest = store::bundles::Filter { limit: Some(100), ..Default::default() };
    let bundles = store::bundles::summaries(store, me, &newest).await?.items;
    let mut drafts = Vec::new();
    for draft in bundles.into_iter().filter(|bundle| bundle.state.is_editable()).take(MOST_DRAFTS) {
        drafts.push(store::bundles::get(store, me, draft.id).await?);
    }
    Ok(drafts)
}

#[cfg(feature = "ssr")]
fn draft_answer(draft: bundle::Record, input: &Input) -> DraftAnswer {
    let answer = prepared(&draft).decide(input);
    DraftAnswer {
        id: draft.id,
        version: draft.version,
        state: draft.state,
        effect: answer.effect,
        status: answer.status,
        matched_rule: answer.matched_rule,
    }
}
