//! Decisions whose id is already in the log: a caller repeats a request, or uses an id for a second one.

use std::collections::HashMap;

use lifecycle::decision::Record;
use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::{
    pending::{Decision, is_same_question, stored_id},
    queries::by_ids,
};
use crate::{Error, Result};

/// A decision that was not added, because its id is already in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct DuplicateDecision {
    /// The decision's index among the decisions that were to be added.
    pub place: usize,
    /// The decision in the log, if it answers the same question: agent, action, subject and context. `None` if the id
    /// belongs to another question.
    pub answered: Option<Box<Record>>,
}

/// The decision in the log under the id of `decision`, whose context is `context`: `None` if there is none, and `Some(None)` if
/// the id stands for another question.
pub(crate) async fn repeated(
    db: &mut PgConnection,
    decision: &Record,
    context: &Map<String, Value>,
) -> Result<Option<Option<Box<Record>>>> {
    let Some(row) = by_ids(db, &[&decision.decision_id]).await?.into_iter().next() else { return Ok(None) };
    let stored = row.read()?;
    let asked = Record { context: context.clone(), ..decision.clone() };
    let answers = is_same_question(&asked, &stored)?;
    Ok(Some(answers.then(|| Box::new(stored))))
}

/// For those of `decisions` at `places`, which were not added, finds the decisions in the log.
pub(super) async fn find<D: Decision>(
    db: &mut PgConnection,
    decisions: &[D],
    places: &[usize],
) -> Result<Vec<DuplicateDecision>> {
    let repeated: Vec<(usize, &D)> =
        places.iter().filter_map(|&place| decisions.get(place).map(|decision| (place, decision))).collect();
    if repeated.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&str> = repeated.iter().map(|(_, decision)| decision.record().decision_id.as_str()).collect();
    let mut stored = HashMap::with_capacity(ids.len());
    for row in by_ids(db, &ids).await? {
        let record = row.read()?;
        stored.insert(record.decision_id.clone(), record);
    }
    repeated
        .into_iter()
        .map(|(place, decision)| {
            let id = stored_id(decision);
            let found = stored
                .get(&*id)
                .ok_or_else(|| Error::damaged(format!("decision `{id}` conflicts and cannot be found")))?;
            let answered = if is_same_question(decision, found)? { Some(Box::new(found.clone())) } else { None };
            Ok(DuplicateDecision { place, answered })
        })
        .collect()
}
