//! Cases for simulations that live in the database.

use lifecycle::{
    authority::{Actor, Permission, authorize},
    problem::Problem,
    replay::{Case, Dataset, fixtures},
};
use serde_json::Value;
use sqlx::{PgConnection, types::Json};

use crate::{Error, Result, Store, decisions, names};

/// Most recorded decisions one simulation gets.
const MAX_CASES: u32 = 100_000;
/// Recorded decisions a simulation gets when no count is asked for.
const DEFAULT_CASES: u32 = 1000;

/// The cases of a dataset: `fixtures` (built in and saved), or the newest `count` of `recorded`. The seed matters only
/// to datasets that are generated, which need no database.
///
/// # Errors
/// Denied without [`Permission::Read`]; a dataset that is not kept here; a count past 100,000.
pub async fn cases(
    store: &Store,
    actor: &Actor,
    dataset: Dataset,
    count: Option<u32>,
    _seed: Option<u64>,
) -> Result<Vec<Case>> {
    authorize(actor, Permission::Read)?;
    let mut db = store.pool().acquire().await?;
    match dataset {
        Dataset::Fixtures => Ok(fixtures::with_saved(&saved(&mut db).await?)),
        Dataset::Recorded => {
            let count = count.unwrap_or(DEFAULT_CASES);
            if !(1..=MAX_CASES).contains(&count) {
                let detail = format!("`{count}` recorded decisions were asked for; 1 to {MAX_CASES} can be had");
                return Err(Problem::invalid_field("/count", detail).into());
            }
            let records = decisions::newest(&mut db, &decisions::Filter::default(), count).await?;
            Ok(records
                .into_iter()
                .map(|record| Case {
                    case_id: record.decision_id,
                    agent: record.agent,
                    action: record.action,
                    context: record.context,
                    expected_effect: None,
                })
                .collect())
        }
        Dataset::Synthetic | Dataset::Custom => {
            let detail = "only `fixtures` and `recorded` cases are kept; the others are generated or given";
            Err(Problem::invalid_field("/dataset", detail).into())
        }
    }
}

/// Saved test cases, by id.
pub(crate) async fn saved(db: &mut PgConnection) -> Result<Vec<Case>> {
    type Row = (String, String, String, Json<Value>, Option<String>);
    let rows: Vec<Row> =
        sqlx::query_as("select case_id, agent, action, context, expected_effect from policy_fixtures order by case_id")
            .fetch_all(db)
            .await?;
    rows.into_iter()
        .map(|(case_id, agent, action, context, expected)| {
            Ok(Case {
                case_id,
                agent,
                action,
                context: serde_json::from_value(context.0).map_err(Error::damaged)?,
                expected_effect: expected.as_deref().map(names::read).transpose()?,
            })
        })
        .collect()
}
