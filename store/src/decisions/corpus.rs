//! Recorded decisions as columns, for replays in the browser and elsewhere.

use lifecycle::{
    authority::{Actor, Permission, authorize},
    problem::{Code, Problem},
};
use policy::{
    Timestamp,
    replay::{
        CorpusCase, CorpusError, Dataset,
        corpus::{Builder, MAX_ROWS},
    },
};

use super::queries::{Filter, for_each_newest};
use crate::{Error, Result, Store};

/// Number of decisions in a corpus when no limit is given.
const DEFAULT_ROWS: u32 = 100_000;

/// Which decisions a corpus holds.
#[derive(Debug, Clone, Copy, Default)]
pub struct CorpusFilter {
    /// At most this many decisions, the newest.
    pub limit: Option<u32>,
    /// Only decisions from this time on, inclusive.
    pub since: Option<Timestamp>,
    /// Only decisions until this time, exclusive.
    pub until: Option<Timestamp>,
}

/// The newest recorded decisions as the bytes of a corpus, newest first. Outcomes are left out: a replay needs only the
/// questions, their times and the answers.
///
/// # Errors
/// Denied without [`Permission::Read`]; a limit of 0 or above what a corpus can hold; more fields than it can hold.
pub async fn encoded_corpus(store: &Store, actor: &Actor, filter: CorpusFilter) -> Result<Vec<u8>> {
    authorize(actor, Permission::Read)?;
    let limit = filter.limit.unwrap_or(DEFAULT_ROWS);
    if limit == 0 || limit as usize > MAX_ROWS {
        let detail = format!("a corpus holds 1 to {MAX_ROWS} decisions, found {limit}");
        return Err(Problem::invalid_field("/limit", detail).into());
    }
    let filter = Filter { since: filter.since, until: filter.until, ..Filter::default() };
    let mut builder = Builder::new(Dataset::Recorded);
    // One turn for all of it: the decisions are in memory meanwhile.
    let turn = store.heavy().turn(&actor.name).await?;
    let mut db = store.pool().acquire().await?;
    for_each_newest(&mut db, &filter, limit, |record| {
        let case = CorpusCase { outcome: None, ..CorpusCase::from(&record) };
        builder.add_recorded(&case).map_err(too_large)
    })
    .await?;
    drop(db);
    turn.run(move || builder.finish().and_then(|corpus| corpus.encode())).await?.map_err(too_large)
}

fn too_large(error: CorpusError) -> Error {
    Problem::new(Code::TooLarge, error.to_string()).into()
}
