//! Replay of a million recorded decisions, and its look-up of interned rows compared with that of the hand-written
//! kernel.

use std::{sync::Arc, time::Duration};

use policy::{
    engine::{Input, Prepared},
    replay::{Case, Columnar, Dataset, Replay, corpus::Builder},
};
use serde::{Deserialize, Serialize};

use crate::{
    engines::{self, Engine},
    machine,
    measure::{Spread, spent},
    workload::{Shape, Workload},
};

/// One corpus replayed through one bundle.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Replayed {
    pub shape: String,
    pub rules: usize,
    pub rows: usize,
    /// Number of rows whose deciding rule is that of the oracle.
    pub agreed: usize,
    /// Milliseconds of CPU time for the whole replay, by round.
    pub milliseconds: Spread,
    /// Nanoseconds per row, without preparing the replay.
    pub row: Spread,
    /// Nanoseconds per row in the kernel.
    pub kernel_row: Spread,
    /// Our time per row divided by the kernel's, by round.
    pub times_kernel: Spread,
    /// Bytes of the corpus as it is sent to a browser.
    pub encoded_bytes: usize,
    pub load_average: f64,
}

/// Replays `rows` requests through `rules` rules of `shape`, `rounds` times.
///
/// # Errors
/// When the workload is not a valid bundle.
pub fn measure(shape: Shape, rules: usize, rows: usize, rounds: usize) -> Result<Replayed, String> {
    let workload = Workload::new(shape, rules, rows);
    let bundle = engines::parse_rules(&engines::bundle(&workload))?;
    let prepared = Arc::new(Prepared::new(&bundle));
    let corpus = Arc::new(columns(&workload)?);
    let mut kernel = engines::kernel(&workload)?;

    let whole = Replay::run(Arc::clone(&prepared), Arc::clone(&corpus));
    let agreed = workload
        .expected
        .iter()
        .enumerate()
        .filter(|(row, wanted)| whole.rank(*row).and_then(|rank| u32::try_from(rank).ok()) == **wanted);
    let agreed = agreed.count();

    let mut times: [Vec<f64>; 3] = Default::default();
    for _ in 0..rounds {
        let (mut replay, ready) = spent(|| Replay::new(Arc::clone(&prepared), Arc::clone(&corpus)));
        let (_, steps) = spent(|| replay.step(usize::MAX));
        let ((), theirs) = spent(|| all(kernel.as_mut(), rows));
        let each = |took: Duration| took.as_secs_f64() * 1e9 / rows as f64;
        times[0].push((ready.on_core + steps.on_core).as_secs_f64() * 1e3);
        times[1].push(each(steps.on_core));
        times[2].push(each(theirs.on_core));
    }
    let [milliseconds, row, kernel_row] = times;
    Ok(Replayed {
        shape: shape.name().to_owned(),
        rules,
        rows,
        agreed,
        milliseconds: Spread::of(milliseconds),
        times_kernel: Spread::of(row.iter().zip(&kernel_row).map(|(ours, theirs)| ours / theirs)),
        row: Spread::of(row),
        kernel_row: Spread::of(kernel_row),
        encoded_bytes: corpus.encode().map_err(|error| error.to_string())?.len(),
        load_average: machine::load(),
    })
}

fn all(kernel: &mut dyn Engine, rows: usize) {
    for row in 0..rows {
        // The answer must not be dropped unused, or the compiler could remove the computation.
        let _ = std::hint::black_box(kernel.from_parsed(row));
    }
}

fn columns(workload: &Workload) -> Result<Columnar, String> {
    let mut builder = Builder::new(Dataset::Recorded).without_ids();
    for (number, request) in workload.requests.iter().enumerate() {
        let input: Input = serde_json::from_str(&request.json).map_err(|error| error.to_string())?;
        let Input { agent, action, context } = input;
        let case = Case { case_id: number.to_string(), agent, action, context, expected_effect: None };
        builder.add(&case).map_err(|error| error.to_string())?;
    }
    builder.finish().map_err(|error| error.to_string())
}
