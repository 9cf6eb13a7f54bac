//! Load, first request and memory: each contender in a process of its own, so that nothing is warm and nothing is
//! shared.

use std::{
    io::Read,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::{
    engines::{self, Contender},
    measure::Spread,
    workload::{Shape, Workload},
};

/// The report of a fresh process.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Fresh {
    /// The steps of loading, in milliseconds.
    pub steps: Vec<(String, f64)>,
    /// Milliseconds for the first request.
    pub first: f64,
    /// Bytes on the heap that the loaded contender occupies.
    pub bytes: usize,
    /// The most bytes on the heap while loading.
    pub peak_bytes: usize,
}

/// The measurements of one contender on one bundle.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cold {
    pub engine: String,
    pub shape: String,
    pub rules: usize,
    /// Milliseconds for all steps together.
    pub load: Spread,
    /// The median of each step.
    pub steps: Vec<(String, f64)>,
    /// Milliseconds for the first request.
    pub first: Spread,
    pub bytes: usize,
    pub peak_bytes: usize,
    /// Runs that were ended because they took too long.
    pub time_outs: usize,
    /// Any other failure.
    pub error: Option<String>,
}

/// Runs in a fresh process and loads one contender. `allocated` and `peak` return the number of bytes on the
/// heap, and its maximum so far.
///
/// # Errors
/// When the contender is unknown or does not load.
pub fn fresh(
    name: &str,
    shape: Shape,
    rules: usize,
    allocated: impl Fn() -> usize,
    peak: impl Fn() -> usize,
) -> Result<Fresh, String> {
    let contender = find(name)?;
    let workload = Workload::new(shape, rules, 1);
    let written = (contender.encode)(&workload);
    let before = allocated();
    let (mut engine, steps) = (contender.load)(&written, &workload)?;
    let (bytes, peak_bytes) = (allocated().saturating_sub(before), peak().saturating_sub(before));
    if !contender.takes_json {
        engine.parse(&workload.requests)?;
    }
    let start = Instant::now();
    let answer =
        if contender.takes_json { engine.from_json(&workload.requests[0].json) } else { engine.from_parsed(0) };
    let first = start.elapsed().as_secs_f64() * 1e3;
    if answer? != workload.expected[0] {
        return Err("the first answer is wrong".to_owned());
    }
    let steps = steps.into_iter().map(|(name, took)| (name.to_owned(), took.as_secs_f64() * 1e3)).collect();
    Ok(Fresh { steps, first, bytes, peak_bytes })
}

fn find(name: &str) -> Result<Contender, String> {
    engines::all().into_iter().find(|contender| contender.name == name).ok_or_else(|| format!("no engine `{name}`"))
}

/// Starts `runs` fresh processes for one contender, each ended after `patience`.
pub fn measure(contender: &Contender, shape: Shape, rules: usize, runs: usize, patience: Duration) -> Cold {
    let mut cold = Cold {
        engine: contender.name.to_owned(),
        shape: shape.name().to_owned(),
        rules,
        load: Spread::default(),
        steps: Vec::new(),
        first: Spread::default(),
        bytes: 0,
        peak_bytes: 0,
        time_outs: 0,
        error: None,
    };
    let mut fresh = Vec::new();
    for _ in 0..runs {
        match child(contender.name, shape, rules, patience) {
            Ok(Some(report)) => fresh.push(report),
            Ok(None) => {
                cold.time_outs += 1;
                break;
            }
            Err(error) => {
                cold.error = Some(error);
                break;
            }
        }
    }
    cold.load = Spread::of(fresh.iter().map(|report| report.steps.iter().map(|(_, took)| took).sum()));
    cold.first = Spread::of(fresh.iter().map(|report| report.first));
    if let Some(report) = fresh.first() {
        cold.bytes = report.bytes;
        cold.peak_bytes = report.peak_bytes;
        for (at, (name, _)) in report.steps.iter().enumerate() {
            let took = Spread::of(fresh.iter().filter_map(|report| report.steps.get(at)).map(|(_, took)| *took));
            cold.steps.push((name.clone(), took.median));
        }
    }
    cold
}

/// Starts one fresh process and returns its report; `None` if the process was ended for taking too long.
fn child(name: &str, shape: Shape, rules: usize, patience: Duration) -> Result<Option<Fresh>, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?.with_file_name("cold");
    let mut child = Command::new(program)
        .args(["--engine", name, "--shape", shape.name(), "--rules", &rules.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let start = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break status,
            None if start.elapsed() > patience => {
                let _ = child.kill();
                let _ = child.wait();
                return Ok(None);
            }
            None => sleep(Duration::from_millis(5)),
        }
    };
    let (mut output, mut errors) = (String::new(), String::new());
    if let (Some(mut out), Some(mut error)) = (child.stdout.take(), child.stderr.take()) {
        out.read_to_string(&mut output).map_err(|error| error.to_string())?;
        error.read_to_string(&mut errors).map_err(|error| error.to_string())?;
    }
    if !status.success() {
        let last = errors.lines().last().unwrap_or_default();
        return Err(format!("ended with {status}: {last}"));
    }
    serde_json::from_str(&output).map(Some).map_err(|error| error.to_string())
}
