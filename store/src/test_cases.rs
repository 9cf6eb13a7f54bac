//! Saved test cases, and the cases of a simulation: fixtures or recorded decisions.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, authorize},
    problem::Problem,
};
use policy::{
    bundle::Effect,
    replay::{Case, Dataset, fixtures},
};
use serde_json::{Value, json};
use sqlx::{PgConnection, types::Json};

use crate::{Error, Result, Store, decisions, json, names, work::Work};

/// Maximum number of recorded decisions in one simulation.
const MAX_CASES: u32 = 100_000;
/// Maximum number of test cases saved at once.
const MAX_SAVED: usize = 500;
/// Maximum characters of a test case's name.
const MAX_ID_CHARS: usize = 200;
/// Number of recorded decisions in a simulation when no count is given.
const DEFAULT_CASES: u32 = 1000;

/// The cases of a dataset: `fixtures` (built in and saved), or the newest `count` of `recorded`. The seed matters only
/// for generated datasets, which need no database.
///
/// # Errors
/// Denied without [`Permission::Read`]; a dataset that is not stored; a count above 100,000.
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

/// Saves test cases, replacing those with the same ids, and removes those with the ids `remove`; unknown ids are
/// ignored. Returns all fixtures afterwards.
///
/// # Errors
/// Denied without [`Permission::EditDrafts`]; an id or an input above its limits; a case without an expected effect.
pub async fn save(store: &Store, actor: &Actor, changed: &[Case], remove: &[String]) -> Result<Vec<Case>> {
    let permit = authorize(actor, Permission::EditDrafts)?;
    check(changed)?;
    let mut work = Work::begin(store, permit).await?;
    for case in changed {
        sqlx::query(
            "insert into policy_fixtures (case_id, agent, action, context, expected_effect, created_by)
             values ($1, $2, $3, $4::json, $5, $6)
             on conflict (case_id) do update set agent = excluded.agent, action = excluded.action,
                 context = excluded.context, expected_effect = excluded.expected_effect",
        )
        .bind(&case.case_id)
        .bind(&case.agent)
        .bind(&case.action)
        .bind(json::text(&case.context)?)
        .bind(case.expected_effect.map(Effect::name))
        .bind(&actor.name)
        .execute(work.db())
        .await?;
        let expected = case.expected_effect.map(Effect::name);
        let summary = format!("test case `{}` expects {}", case.case_id, expected.unwrap_or_default());
        let detail = json!({ "agent": case.agent, "action": case.action, "expected_effect": expected });
        work.note(EventType::TestCaseKept, "test_case", &case.case_id, summary, detail);
    }
    let removed: Vec<String> =
        sqlx::query_scalar("delete from policy_fixtures where case_id = any($1) returning case_id")
            .bind(remove)
            .fetch_all(work.db())
            .await?;
    for case_id in removed {
        let summary = format!("test case `{case_id}` was removed");
        work.note(EventType::TestCaseRemoved, "test_case", case_id, summary, json!({}));
    }
    let now = fixtures::with_saved(&saved(work.db()).await?);
    work.commit().await?;
    Ok(now)
}

/// Refuses cases that cannot be saved as test cases.
fn check(cases: &[Case]) -> Result<()> {
    if cases.len() > MAX_SAVED {
        let detail = format!("{} test cases were sent; at most {MAX_SAVED} can be kept at once", cases.len());
        return Err(Problem::invalid_field("/save", detail).into());
    }
    for (at, case) in cases.iter().enumerate() {
        let refuse = |field: &str, detail: String| Problem::invalid_field(format!("/save/{at}/{field}"), detail);
        let letters = case.case_id.chars().count();
        if case.case_id.trim().is_empty() || letters > MAX_ID_CHARS {
            let detail = format!("a test case needs a name of 1 to {MAX_ID_CHARS} characters; this one has {letters}");
            return Err(refuse("case_id", detail).into());
        }
        if case.expected_effect.is_none() {
            let detail = format!("test case `{}` says no expected effect", case.case_id);
            return Err(refuse("expected_effect", detail).into());
        }
        case.input().check_limits().map_err(|over| refuse("context", over.to_string()))?;
    }
    Ok(())
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
