//! The service over HTTP, beside an empty handler and Cerbos: agreement, then as many requests as go, then a steady rate.

mod cerbos;
pub mod client;
mod servers;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
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
use client::{Connection, Load, load, post};

/// What is started and how long it is kept busy.
#[derive(Debug, Clone)]
pub struct Plan {
    pub server: PathBuf,
    /// None leaves Cerbos out.
    pub cerbos: Option<PathBuf>,
    pub shape: Shape,
    pub rules: usize,
    pub rounds: usize,
    pub connections: usize,
    pub slice: Duration,
}

/// One service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Service {
    pub name: String,
    /// How what it acknowledged is kept.
    pub durability: String,
    /// None for the empty handler.
    pub agreement: Option<Agreement>,
    /// Requests a second, by round, all connections busy.
    pub throughput: Spread,
    /// Ours over this one's, by round.
    pub ours_over: Spread,
    /// The last round with all connections busy.
    pub busy: Load,
    /// At half of the median throughput.
    pub steady: Load,
}

/// All services.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Http {
    pub shape: String,
    pub rules: usize,
    pub services: Vec<Service>,
    pub load_average: f64,
}

/// Requests whose answers are checked.
const CHECKED: usize = 2_000;

/// A service that is up.
struct Up {
    name: &'static str,
    durability: String,
    at: SocketAddr,
    requests: Vec<Vec<u8>>,
    agreement: Option<Agreement>,
    throughput: Vec<f64>,
    busy: Load,
}

impl Up {
    fn new(name: &'static str, durability: String, at: SocketAddr, requests: Vec<Vec<u8>>) -> Self {
        Self { name, durability, at, requests, agreement: None, throughput: Vec::new(), busy: Load::default() }
    }

    /// Holds the answers against the oracle.
    fn check(&mut self, workload: &Workload, rank: impl Fn(&Value) -> Option<u32>) -> Result<(), String> {
        let mut agreement = Agreement::default();
        let mut connection = Connection::open(self.at)?;
        for (request, wanted) in self.requests.iter().zip(&workload.expected).take(CHECKED) {
            let (status, body) = connection.ask(request)?;
            let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
            agreement.checked += 1;
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
}

/// Starts all services in `folder`, measures, and ends them.
///
/// # Errors
/// When one does not come up.
pub fn run(plan: &Plan, folder: &Path) -> Result<Http, String> {
    let workload = Workload::new(plan.shape, plan.rules, 10_000);
    let ours = servers::countersign(&plan.server, &folder.join("countersign"), &bundle(&workload))?;
    let evaluate = |token: Option<&str>| {
        let posts = workload.requests.iter().map(|request| post("/policy/evaluate", token, &request.json));
        posts.collect::<Vec<_>>()
    };
    let mut up = vec![Up::new("countersign", ours.durability.clone(), ours.server.at, evaluate(Some(&ours.token)))];
    up[0].check(&workload, |answer| {
        let id = answer["matched_rule"].as_str()?;
        workload.rules.iter().position(|rule| rule.id == id).and_then(|rank| u32::try_from(rank).ok())
    })?;
    let empty = servers::empty(folder)?;
    up.push(Up::new("empty axum handler", "none".to_owned(), empty.at, evaluate(None)));
    let _cerbos = match &plan.cerbos {
        Some(program) => {
            let server = servers::cerbos(program, folder, &cerbos::policy(&workload))?;
            let checks = workload
                .requests
                .iter()
                .map(|request| Ok(post("/api/check/resources", None, &cerbos::check(request)?)));
            let requests = checks.collect::<Result<Vec<_>, String>>()?;
            let mut service = Up::new("cerbos", "audit log to a file, not synced".to_owned(), server.at, requests);
            service.check(&workload, cerbos::rank)?;
            up.push(service);
            Some(server)
        }
        None => None,
    };
    for _ in 0..plan.rounds {
        for service in &mut up {
            service.busy = load(service.at, &service.requests, plan.connections, None, plan.slice);
            service.throughput.push(service.busy.answered);
        }
    }
    let own = up[0].throughput.clone();
    let services = up.into_iter().map(|service| {
        let throughput = Spread::of(service.throughput.iter().copied());
        let rate = Some(throughput.median / 2.0);
        Service {
            name: service.name.to_owned(),
            steady: load(service.at, &service.requests, plan.connections, rate, plan.slice),
            durability: service.durability,
            agreement: service.agreement,
            ours_over: Spread::of(own.iter().zip(&service.throughput).map(|(ours, theirs)| ours / theirs)),
            throughput,
            busy: service.busy,
        }
    });
    Ok(Http {
        shape: plan.shape.name().to_owned(),
        rules: plan.rules,
        services: services.collect(),
        load_average: machine::load(),
    })
}
