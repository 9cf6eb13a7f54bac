//! `/policy/simulate`: the decisions of one bundle about many inputs, or those of two compared. `/policy/corpus`:
//! recorded inputs.

use std::sync::Arc;

use axum::{
    Json as Out, Router,
    extract::State,
    routing::{get, post},
};
use lifecycle::{
    authority::{Actor, Permission},
    problem::Problem,
};
use policy::{
    bundle::{Bundle, Source},
    json::Literals,
    replay::{self, Case, Comparison, Dataset, Simulation},
};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Store, heavy::Turn};

use crate::{
    auth::{self, SignedIn},
    error::{ApiError, ApiResult},
    http::extract::{LARGE, Params, Subject, Tree},
    json::convert,
    state::AppState,
};

/// Number of cases if the request names none.
const DEFAULT_COUNT: u32 = 1_000;
/// Maximum number of cases in one run.
const MOST_CASES: u32 = 100_000;

/// The routes of simulations.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/policy/simulate", post(simulate))
        .route("/policy/simulate/compare", post(compare))
        .route("/policy/simulate/fixtures", get(fixtures))
        .route("/policy/corpus", get(corpus))
}

/// Which cases to run.
#[derive(Debug, Default, Deserialize)]
struct Cases {
    #[serde(default)]
    dataset: Option<Dataset>,
    #[serde(default)]
    count: Option<u32>,
    #[serde(default)]
    seed: Option<u64>,
    #[serde(default)]
    cases: Option<Vec<Case>>,
}

/// The members of [`Cases`].
const CASE_MEMBERS: [&str; 4] = ["dataset", "count", "seed", "cases"];

/// The body of a comparison: two bundles, and the members of [`Cases`].
#[derive(Debug, Deserialize)]
struct Pair {
    a: Value,
    b: Value,
    #[serde(default)]
    dataset: Option<Dataset>,
    #[serde(default)]
    count: Option<u32>,
    #[serde(default)]
    seed: Option<u64>,
    #[serde(default)]
    cases: Option<Vec<Case>>,
}

impl Cases {
    /// The cases to run. Synthetic ones are generated for `bundle`.
    async fn collect(self, store: &Store, actor: &Actor, bundle: &Arc<Bundle>, turn: &Turn) -> ApiResult<Vec<Case>> {
        let count = self.count.unwrap_or(DEFAULT_COUNT);
        if count > MOST_CASES {
            let detail = format!("may be at most {MOST_CASES}, found {count}");
            return Err(ApiError(Problem::invalid_field("/count", detail)));
        }
        let implied = if self.cases.is_some() { Dataset::Custom } else { Dataset::Fixtures };
        match (self.dataset.unwrap_or(implied), self.cases) {
            (Dataset::Custom, Some(cases)) if cases.len() > MOST_CASES as usize => {
                let detail = format!("may hold at most {MOST_CASES} cases, found {}", cases.len());
                Err(ApiError(Problem::invalid_field("/cases", detail)))
            }
            (Dataset::Custom, Some(cases)) => Ok(cases),
            (Dataset::Custom, None) => {
                Err(ApiError(Problem::invalid_field("/cases", "is required with the dataset `custom`")))
            }
            (Dataset::Synthetic, _) => {
                let (bundle, seed) = (Arc::clone(bundle), self.seed.unwrap_or(0));
                Ok(turn.run(move || replay::synthetic::cases(&bundle, count as usize, seed)).await?)
            }
            (dataset @ (Dataset::Fixtures | Dataset::Recorded), _) => {
                Ok(store::test_cases::cases(store, actor, dataset, self.count, self.seed).await?)
            }
        }
    }
}

async fn simulate(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Tree(mut body): Tree<LARGE>,
) -> ApiResult<Out<Simulation>> {
    auth::require(&actor, Permission::Read)?;
    let cases = read_cases(&mut body)?;
    let subject = Subject::take(body, "", &CASE_MEMBERS)?;
    let source = subject.source(&state.store, &actor, ("", Literals::default())).await?;
    let turn = state.store.heavy().turn(&actor.name).await?;
    let parsed = turn.run(move || source.parse_rules()).await?;
    let bundle = Arc::new(parsed.bundle);
    let cases = cases.collect(&state.store, &actor, &bundle, &turn).await?;
    let limits = store::settings::get(&state.store, &actor).await?.simulation;
    let simulation =
        turn.run(move || Simulation { skipped_rules: parsed.skipped, ..replay::simulate(&bundle, &cases, limits) });
    Ok(Out(simulation.await?))
}

async fn compare(
    State(state): State<AppState>,
    SignedIn(actor): SignedIn,
    Tree(body): Tree<LARGE>,
) -> ApiResult<Out<Comparison>> {
    auth::require(&actor, Permission::Read)?;
    let Pair { a, b, dataset, count, seed, cases } = convert(body)?;
    let cases = Cases { dataset, count, seed, cases };
    let (a, b) = (Subject::take(a, "/a", &[])?, Subject::take(b, "/b", &[])?);
    let a: Source = a.source(&state.store, &actor, ("/a", Literals::default())).await?;
    let b: Source = b.source(&state.store, &actor, ("/b", Literals::default())).await?;
    let turn = state.store.heavy().turn(&actor.name).await?;
    let (a, b) = turn.run(move || (a.parse_rules().bundle, Arc::new(b.parse_rules().bundle))).await?;
    let cases = cases.collect(&state.store, &actor, &b, &turn).await?;
    let limits = store::settings::get(&state.store, &actor).await?.simulation;
    Ok(Out(turn.run(move || replay::compare(&a, &b, &cases, limits)).await?))
}

/// Takes the members that choose cases out of the body; the others name a bundle.
fn read_cases(body: &mut Value) -> ApiResult<Cases> {
    let Some(body) = body.as_object_mut() else { return Ok(Cases::default()) };
    let members = CASE_MEMBERS.iter().filter_map(|name| body.remove_entry(*name));
    let members: serde_json::Map<String, Value> = members.collect();
    Ok(convert(Value::Object(members))?)
}

async fn fixtures(State(state): State<AppState>, SignedIn(actor): SignedIn) -> ApiResult<Out<Value>> {
    let cases = store::test_cases::cases(&state.store, &actor, Dataset::Fixtures, None, None).await?;
    Ok(Out(json!({ "fixtures": cases, "total": cases.len() })))
}

/// Recorded decisions as columns, for replays outside this server: `application/octet-stream`.
async fn corpus(State(state): State<AppState>, SignedIn(actor): SignedIn, params: Params) -> ApiResult<Vec<u8>> {
    let wanted = store::decisions::CorpusFilter {
        limit: params.parse("limit", "how many decisions, 1 or more")?,
        since: params.time("since")?,
        until: params.time("until")?,
    };
    Ok(store::decisions::encoded_corpus(&state.store, &actor, wanted).await?)
}
