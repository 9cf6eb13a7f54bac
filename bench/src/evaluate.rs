//! Decisions: every contender must give the same rank for every request; only then is it timed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    engines::{self, Contender, Engine, RankResult},
    machine,
    measure::{Spent, Spread, spent},
    workload::{Shape, Workload},
};

/// The extent of the measurement.
#[derive(Debug, Clone)]
pub struct Plan {
    pub shapes: Vec<Shape>,
    pub sizes: Vec<usize>,
    /// Names of contenders; empty means all.
    pub engines: Vec<String>,
    pub requests: usize,
    pub rounds: usize,
    /// Time for one contender in one round.
    pub slice: Duration,
    /// Time limit for checking one contender's answers from JSON, up to 1,000 rules; a slower contender is checked on
    /// as many requests as fit. Beyond 1,000 rules the limit is a quarter of this, and from parsed requests a fifth,
    /// because they meet the same rules.
    pub agreement: Duration,
}

/// Minimum number of requests that a contender answers in a round, and that are checked.
const FEWEST: usize = 50;

/// The measurements of one bundle.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Case {
    pub shape: String,
    pub rules: usize,
    pub requests: usize,
    /// The share of requests that some rule decides.
    pub hit_rate: f64,
    pub entries: Vec<Entry>,
    pub left_out: Vec<LeftOut>,
    /// The load average over one minute, at the start and at the end.
    pub load_average: [f64; 2],
    /// Elapsed time divided by CPU time: 1 on an idle machine.
    pub disturbance: f64,
}

/// One contender in one form.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    pub engine: String,
    pub form: Form,
    pub agreement: Agreement,
    /// Nanoseconds of CPU time for one request, by round.
    pub nanoseconds: Spread,
    /// The ratio to our time in the same form and round.
    pub times_ours: Spread,
}

/// The form of the requests for a contender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// The bytes of the request.
    Json,
    /// The request in the engine's own form, parsed in advance.
    Parsed,
}

/// Agreement of the answers with the oracle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    pub checked: usize,
    pub agreed: usize,
    /// The first few answers that differ.
    pub examples: Vec<String>,
}

/// A contender that was not run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LeftOut {
    pub engine: String,
    pub why: String,
}

/// A loaded contender in one form, with its results so far.
struct Runner {
    contender: Contender,
    form: Form,
    agreement: Agreement,
    /// Number of requests between two readings of the clock.
    chunk: usize,
    /// Nanoseconds per request, by round.
    nanoseconds: Vec<f64>,
}

/// Measures everything in the plan; `done` is called with each case as soon as it is ready.
///
/// # Errors
/// When our own engine cannot be loaded.
pub fn run(plan: &Plan, mut done: impl FnMut(Case) -> Result<(), String>) -> Result<(), String> {
    for shape in &plan.shapes {
        for size in &plan.sizes {
            done(case(plan, *shape, *size)?)?;
        }
    }
    Ok(())
}

fn case(plan: &Plan, shape: Shape, size: usize) -> Result<Case, String> {
    let load = machine::load();
    let workload = Workload::new(shape, size, plan.requests);
    let mut left_out = Vec::new();
    let mut engines: Vec<Box<dyn Engine>> = Vec::new();
    let mut runners: Vec<(usize, Runner)> = Vec::new();
    for contender in engines::all() {
        let ours = engines.is_empty();
        if !ours && !plan.engines.is_empty() && !plan.engines.iter().any(|name| name == contender.name) {
            continue;
        }
        match ready(&contender, &workload) {
            Ok(engine) => engines.push(engine),
            Err(why) if ours => return Err(why),
            Err(why) => {
                eprintln!("   {}: left out: {why}", contender.name);
                left_out.push(LeftOut { engine: contender.name.to_owned(), why });
                continue;
            }
        }
        let forms = if contender.takes_json { &[Form::Json, Form::Parsed][..] } else { &[Form::Parsed] };
        for form in forms {
            let at = engines.len() - 1;
            let runner = Runner::new(contender, *form, engines[at].as_mut(), &workload, plan);
            runners.push((at, runner));
        }
    }
    let mut whole = Spent::default();
    for round in 0..plan.rounds {
        let start = round * workload.requests.len() / plan.rounds;
        for (at, runner) in &mut runners {
            let spent = runner.round(engines[*at].as_mut(), &workload, start, plan.slice);
            whole.on_core += spent.on_core;
            whole.passed += spent.passed;
        }
    }
    Ok(Case {
        shape: shape.name().to_owned(),
        rules: size,
        requests: workload.requests.len(),
        hit_rate: workload.hit_rate(),
        entries: entries(runners.into_iter().map(|(_, runner)| runner).collect()),
        left_out,
        load_average: [load, machine::load()],
        disturbance: whole.passed.as_secs_f64() / whole.on_core.as_secs_f64().max(f64::EPSILON),
    })
}

fn ready(contender: &Contender, workload: &Workload) -> Result<Box<dyn Engine>, String> {
    if workload.rules.len() > contender.most_rules {
        return Err(format!("capped at {} rules: more would take minutes a round, or gigabytes", contender.most_rules));
    }
    let written = (contender.encode)(workload);
    let (mut engine, _) = (contender.load)(&written, workload)?;
    engine.parse(&workload.requests)?;
    Ok(engine)
}

fn entries(runners: Vec<Runner>) -> Vec<Entry> {
    let ours = |form: Form| runners.iter().find(|runner| runner.form == form).map(|runner| runner.nanoseconds.clone());
    let (json, parsed) = (ours(Form::Json).unwrap_or_default(), ours(Form::Parsed).unwrap_or_default());
    let entry = |runner: Runner| {
        let ours = if runner.form == Form::Json { &json } else { &parsed };
        Entry {
            engine: runner.contender.name.to_owned(),
            form: runner.form,
            agreement: runner.agreement,
            times_ours: Spread::of(runner.nanoseconds.iter().zip(ours).map(|(theirs, ours)| theirs / ours)),
            nanoseconds: Spread::of(runner.nanoseconds),
        }
    };
    runners.into_iter().map(entry).collect()
}

impl Runner {
    /// Warms the contender up, then compares its answers with the oracle's.
    fn new(contender: Contender, form: Form, engine: &mut dyn Engine, workload: &Workload, plan: &Plan) -> Self {
        let few = workload.requests.len().min(10);
        let patience = plan.agreement / if workload.rules.len() > 1_000 { 4 } else { 1 };
        let patience = if form == Form::Json { patience } else { patience / 5 };
        let (_, warm) = spent(|| (0..few).for_each(|number| drop(ask(engine, form, workload, number))));
        let each = warm.on_core.as_secs_f64() / few.max(1) as f64;
        let affordable = (patience.as_secs_f64() / each.max(1e-9)) as usize;
        let checked = workload.requests.len().min(affordable.max(FEWEST));
        let mut agreement = Agreement { checked, ..Agreement::default() };
        for number in 0..checked {
            let wanted = workload.expected[number];
            match ask(engine, form, workload, number) {
                Ok(found) if found == wanted => agreement.agreed += 1,
                other if agreement.examples.len() < 3 => {
                    let request = &workload.requests[number].json;
                    let example = format!("{request}: wanted {wanted:?}, found {other:?}");
                    eprintln!("   MISMATCH {}: {example}", contender.name);
                    agreement.examples.push(example);
                }
                _ => {}
            }
        }
        let chunk = (plan.slice.as_secs_f64() / 20.0 / each.max(1e-9)) as usize;
        Self { contender, form, agreement, chunk: chunk.clamp(1, 2_000), nanoseconds: Vec::new() }
    }

    /// Measures for one slice of time, from request `start` on, over and over.
    fn round(&mut self, engine: &mut dyn Engine, workload: &Workload, start: usize, slice: Duration) -> Spent {
        let count = workload.requests.len();
        let (mut whole, mut answered, mut next) = (Spent::default(), 0, start);
        while whole.on_core < slice || answered < FEWEST.min(count) {
            let ((), chunk) = spent(|| {
                for _ in 0..self.chunk {
                    // The answer must not be dropped unused, or the compiler could remove the computation.
                    let _ = std::hint::black_box(ask(engine, self.form, workload, next));
                    next = if next + 1 == count { 0 } else { next + 1 };
                }
            });
            answered += self.chunk;
            whole.on_core += chunk.on_core;
            whole.passed += chunk.passed;
        }
        self.nanoseconds.push(whole.on_core.as_secs_f64() * 1e9 / answered as f64);
        whole
    }
}

fn ask(engine: &mut dyn Engine, form: Form, workload: &Workload, number: usize) -> RankResult {
    match form {
        Form::Json => engine.from_json(&workload.requests[number].json),
        Form::Parsed => engine.from_parsed(number),
    }
}
