//! Decisions whose id is there already: a caller asks again what was asked before, or gives an id a second time.

use std::{borrow::Cow, collections::HashMap};

use lifecycle::decision::Record;
use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgConnection};

use super::{
    append::Decision,
    copy::keepable,
    row::{COLUMNS, FROM, Row},
};
use crate::{Error, Result};

/// A decision that was not added, because its id is there already.
#[derive(Debug, Clone, PartialEq)]
pub struct Repeated {
    /// Its place among those that were to be added.
    pub place: usize,
    /// What is on record, where that answers the same question: agent, action, subject and context. None where the id
    /// stands for another one.
    pub answered: Option<Box<Record>>,
}

/// Finds what is on record for those of `decisions` at `places`.
pub(super) async fn find<D: Decision>(
    db: &mut PgConnection,
    decisions: &[D],
    places: &[usize],
) -> Result<Vec<Repeated>> {
    let repeated: Vec<(usize, &D)> =
        places.iter().filter_map(|&place| decisions.get(place).map(|decision| (place, decision))).collect();
    if repeated.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<String> = repeated.iter().map(|(_, decision)| id(*decision).into_owned()).collect();
    let sql = format!("select {COLUMNS} from {FROM} where d.decision_id = any($1)");
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql)).bind(ids).fetch_all(db).await?;
    let mut stored = HashMap::with_capacity(rows.len());
    for row in rows {
        let record = row.read()?;
        stored.insert(record.decision_id.clone(), record);
    }
    repeated
        .into_iter()
        .map(|(place, decision)| {
            let id = id(decision);
            let found =
                stored.get(&*id).ok_or_else(|| Error::damaged(format!("decision `{id}` is there and is not")))?;
            let answered = if is_same_question(decision, found)? { Some(Box::new(found.clone())) } else { None };
            Ok(Repeated { place, answered })
        })
        .collect()
}

/// The id as it is kept.
pub(super) fn id<D: Decision>(decision: &D) -> Cow<'_, str> {
    keepable(&decision.record().decision_id)
}

fn is_same_question(decision: &impl Decision, stored: &Record) -> Result<bool> {
    let asked = decision.record();
    let same = |asked: &str, stored: &str| keepable(asked) == stored;
    Ok(same(&asked.agent, &stored.agent)
        && same(&asked.action, &stored.action)
        && same(&asked.subject, &stored.subject)
        && *context(decision)? == stored.context)
}

fn context(decision: &impl Decision) -> Result<Cow<'_, Map<String, Value>>> {
    match decision.context() {
        None => Ok(Cow::Borrowed(&decision.record().context)),
        Some(text) => serde_json::from_str(text)
            .map(Cow::Owned)
            .map_err(|error| Error::Internal(format!("the context of a decision cannot be read: {error}"))),
    }
}
