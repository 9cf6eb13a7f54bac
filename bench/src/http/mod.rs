//! The service over HTTP with a durable and with a buffered log, compared with an empty handler and Cerbos: agreement,
//! then as many requests as possible, then a steady rate; at the end the log is counted.

mod cerbos;
pub mod client;
pub mod load;
mod servers;

use std::{
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    engines::bundle,
    evaluate::Agreement,
    machine,
    measure::Spread,
    workload::{Shape, Workload},
};
use client::{Connection, post};
use load::{Load, LoadPlan};
use servers::{Countersign, Server};

/// The services to start, and how long to keep them busy.
#[derive(Debug, Clone)]
pub struct Plan {
    pub server: PathBuf,
    /// The Cerbos program; `None` leaves Cerbos out.
    pub cerbos: Option<PathBuf>,
    pub shape: Shape,
    pub rules: usize,
    pub rounds: usize,
    pub connections: usize,
    /// The measured part of a slice; half of that time goes before it, for warming up.
    pub slice: Duration,
}

/// The measurements of one service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Service {
    pub name: String,
    /// How acknowledged decisions are stored.
    pub durability: String,
    /// The agreement of the answers; `None` for the empty handler.
    pub agreement: Option<Agreement>,
    /// Requests per second with all connections busy, by round.
    pub throughput: Spread,
    /// Ratio to the throughput of the empty handler, by round.
    pub over_empty: Spread,
    /// Ratio to the throughput of Cerbos, by round; `None` without Cerbos.
    pub over_cerbos: Option<Spread>,
    /// Microseconds with all connections busy: the median of each round.
    pub busy_p50: Spread,
    /// The load of the last round with all connections busy.
    pub busy: Load,
    /// The load at half of the median throughput.
    pub steady: Load,
    /// Whether all answered decisions are in the log; `None` for the other services.
    pub logged: Option<Logged>,
}

/// Comparison of the log with the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logged {
    pub answered: usize,
    /// Number of decisions in the log that were not there before.
    pub rows: usize,
}

/// The measurements of all services.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Http {
    pub shape: String,
    pub rules: usize,
    pub connections: usize,
    pub services: Vec<Service>,
    pub load_average: f64,
}

/// Number of requests whose answers are checked.
const CHECKED: usize = 2_000;
/// The pause between two slices, so that pending writes of one service do not slow down the next.
const PAUSE: Duration = Duration::from_secs(2);
/// How long to wait until the log has all decisions.
const PATIENCE: Duration = Duration::from_secs(30);

pub const DURABLE: &str = "countersign, log durable";
pub const BUFFERED: &str = "countersign, log buffered";
pub const EMPTY: &str = "empty axum handler";
pub const CERBOS: &str = "cerbos";

/// A service that runs until this value is dropped.
struct RunningService {
    name: &'static str,
    durability: String,
    server: Server,
    requests: Vec<Vec<u8>>,
    agreement: Option<Agreement>,
    /// The loads, by round.
    loads: Vec<Load>,
    /// For Countersign, the folder of its log, and how many decisions the log contained at the start.
    log: Option<(PathBuf, usize)>,
    answered: usize,
}

impl RunningService {
    fn new(name: &'static str, durability: String, server: Server, requests: Vec<Vec<u8>>) -> Self {
        Self { name, durability, server, requests, agreement: None, loads: Vec::new(), log: None, answered: 0 }
    }

    /// Compares the answers with the oracle's.
    fn check(&mut self, workload: &Workload, rank: impl Fn(&Value) -> Option<u32>) -> Result<(), String> {
        let mut agreement = Agreement::default();
        let mut connection = Connection::open(self.server.at)?;
        for (request, wanted) in self.requests.iter().zip(&workload.expected).take(CHECKED) {
            let (status, body) = connection.ask(request)?;
            let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
            agreement.checked += 1;
            self.answered += usize::from(status == 200);
            if status == 200 && rank(&answer) == *wanted {
                agreement.agreed += 1;
            } else if agreement.examples.len() < 3 {
                let example = format!("wanted {wanted:?}, found {status} {answer}");
                eprintln!("   MISMATCH {}: {example}", self.name);
                agreement.examples.push(example);
            }
        }
        self.agreement = Some(agreement);
        Ok(())
    }

    fn load(&mut self, plan: &Plan, rate: Option<f64>) -> Result<Load, String> {
        let load_plan = LoadPlan { connections: plan.connections, rate, warm: plan.slice / 2, time: plan.slice };
        let load = load::run(self.server.at, &self.requests, &load_plan)?;
        self.answered += load.total;
        sleep(PAUSE);
        Ok(load)
    }

    /// Counts the decisions in the log, after waiting until all have had time to arrive.
    fn count_logged(&self) -> Result<Option<Logged>, String> {
        let Some((folder, before)) = &self.log else { return Ok(None) };
        let start = Instant::now();
        loop {
            let rows = servers::decisions(folder)? - before;
            if rows >= self.answered || start.elapsed() > PATIENCE {
                return Ok(Some(Logged { answered: self.answered, rows }));
            }
            sleep(Duration::from_millis(500));
        }
    }
}

/// Starts all services in `folder`, measures, and ends them.
///
/// # Errors
/// When a service does not become ready.
pub fn run(plan: &Plan, folder: &Path) -> Result<Http, String> {
    let workload = Workload::new(plan.shape, plan.rules, 10_000);
    let mut running = vec![
        ours(DURABLE, plan, "durable", &folder.join("durable"), &workload)?,
        ours(BUFFERED, plan, "buffered", &folder.join("buffered"), &workload)?,
        RunningService::new(EMPTY, "none".to_owned(), servers::empty(folder)?, evaluations(&workload, None)),
    ];
    if let Some(program) = &plan.cerbos {
        let server = servers::cerbos(program, folder, &cerbos::policy(&workload))?;
        let checks =
            workload.requests.iter().map(|request| Ok(post("/api/check/resources", None, &cerbos::check(request)?)));
        let requests = checks.collect::<Result<Vec<_>, String>>()?;
        let mut service = RunningService::new(CERBOS, "audit log to a file, not synced".to_owned(), server, requests);
        service.check(&workload, cerbos::rank)?;
        running.push(service);
    }
    sleep(PAUSE);
    for _ in 0..plan.rounds {
        for service in &mut running {
            let load = service.load(plan, None)?;
            eprintln!("   {}: {:.0}/s, p50 {:.0} µs", service.name, load.answered, load.p50);
            service.loads.push(load);
        }
    }
    let rates = |name: &str| -> Option<Vec<f64>> {
        let service = running.iter().find(|service| service.name == name)?;
        Some(service.loads.iter().map(|load| load.answered).collect())
    };
    let (empty, cerbos) = (rates(EMPTY).unwrap_or_default(), rates(CERBOS));
    let mut services = Vec::new();
    for service in &mut running {
        let throughput: Vec<f64> = service.loads.iter().map(|load| load.answered).collect();
        let over = |theirs: &[f64]| Spread::of(throughput.iter().zip(theirs).map(|(ours, theirs)| ours / theirs));
        let spread = Spread::of(throughput.iter().copied());
        let steady = service.load(plan, Some(spread.median / 2.0))?;
        services.push(Service {
            name: service.name.to_owned(),
            durability: service.durability.clone(),
            agreement: service.agreement.clone(),
            throughput: spread,
            over_empty: over(&empty),
            over_cerbos: cerbos.as_deref().map(over),
            busy_p50: Spread::of(service.loads.iter().map(|load| load.p50)),
            busy: service.loads.last().cloned().unwrap_or_default(),
            steady,
            logged: service.count_logged()?,
        });
    }
    Ok(Http {
        shape: plan.shape.name().to_owned(),
        rules: plan.rules,
        connections: plan.connections,
        services,
        load_average: machine::load(),
    })
}

/// Countersign's server, with its answers checked.
fn ours(
    name: &'static str,
    plan: &Plan,
    log: &str,
    folder: &Path,
    workload: &Workload,
) -> Result<RunningService, String> {
    let Countersign { server, token, durability } = servers::countersign(&plan.server, folder, log, &bundle(workload))?;
    let mut running = RunningService::new(name, durability, server, evaluations(workload, Some(&token)));
    running.log = Some((folder.to_owned(), servers::decisions(folder)?));
    running.check(workload, |answer| {
        let id = answer["matched_rule"].as_str()?;
        workload.rules.iter().position(|rule| rule.id == id).and_then(|rank| u32::try_from(rank).ok())
    })?;
    Ok(running)
}

fn evaluations(workload: &Workload, token: Option<&str>) -> Vec<Vec<u8>> {
    workload.requests.iter().map(|request| post("/policy/evaluate", token, &request.json)).collect()
}
