//! The contenders. Each has the rules in its own language, runs in its best documented mode, and answers with the rank
//! of the rule that decides.

#[cfg(feature = "cedar")]
mod cedar;
mod countersign;
#[cfg(feature = "jsonlogic")]
mod jsonlogic;
mod kernel;
mod plain;
#[cfg(feature = "rego")]
mod rego;
#[cfg(feature = "zen")]
mod zen;

use std::time::{Duration, Instant};

pub use countersign::{encode as bundle, parse_rules};

use crate::workload::{Request, Workload};

/// The rank of the deciding rule, `None` if no rule decides; or why there is no answer.
pub type RankResult = Result<Option<u32>, String>;

/// A contender, loaded with the rules of one workload.
pub trait Engine {
    /// Decides the request in `json` from its bytes; returns the rank of the deciding rule.
    fn from_json(&mut self, json: &str) -> RankResult;

    /// Parses requests into the engine's own form, ahead of [`Engine::from_parsed`].
    ///
    /// # Errors
    /// When a request cannot be parsed.
    fn parse(&mut self, requests: &[Request]) -> Result<(), String>;

    /// Decides the parsed request with this number; returns the rank of the deciding rule.
    fn from_parsed(&mut self, number: usize) -> RankResult;
}

/// How long each step of loading took.
pub type Steps = Vec<(&'static str, Duration)>;

/// A kind of contender.
#[derive(Clone, Copy)]
pub struct Contender {
    /// The name on the command line and in the results.
    pub name: &'static str,
    /// A description of the contender and its encoding, for the report.
    pub about: &'static str,
    /// With more rules than this the contender is not run, because it would take minutes or gigabytes.
    pub most_rules: usize,
    /// Whether the contender takes JSON; the kernel takes only codes.
    pub takes_json: bool,
    /// Writes the rules in the contender's language; not timed.
    pub encode: fn(&Workload) -> String,
    /// Loads the rules that `encode` wrote.
    pub load: fn(&str, &Workload) -> Result<(Box<dyn Engine>, Steps), String>,
}

/// Every contender in this build; Countersign first.
pub fn all() -> Vec<Contender> {
    vec![
        countersign::CONTENDER,
        plain::CONTENDER,
        kernel::CONTENDER,
        #[cfg(feature = "jsonlogic")]
        jsonlogic::CONTENDER,
        #[cfg(feature = "zen")]
        zen::CONTENDER,
        #[cfg(feature = "cedar")]
        cedar::CONTENDER,
        #[cfg(feature = "rego")]
        rego::MACHINE,
        #[cfg(feature = "rego")]
        rego::INTERPRETER,
    ]
}

/// The kernel, with every request of the workload interned.
///
/// # Errors
/// None today.
pub fn kernel(workload: &Workload) -> Result<Box<dyn Engine>, String> {
    let (mut kernel, _) = (kernel::CONTENDER.load)("", workload)?;
    kernel.parse(&workload.requests)?;
    Ok(kernel)
}

/// Runs a step of loading and records how long it took.
fn step<T>(steps: &mut Steps, name: &'static str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    steps.push((name, start.elapsed()));
    done
}

/// Errors of the peers as text.
fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
