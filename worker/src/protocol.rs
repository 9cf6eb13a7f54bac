//! The messages between the page and the worker. Both travel as JSON, except for large data: a corpus and the steps of
//! a curve travel as bytes next to the JSON, transferred instead of copied.

use policy::{
    analysis::{SemanticDiff, Shadow, verdict::Unreachable},
    bundle::{Invariant, Source},
    engine::Input,
    lint::Finding,
    replay::{Case, CaseResult, Comparison, Dataset, Transitions, sweep::Curve},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{check::CheckReport, document::Change};

/// A message from the page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    /// Opens a session: the bundle that the draft is compared with, and the versions and invariants of the workspace.
    Open {
        /// The stable bundle's version and content.
        stable: Option<(String, Box<Source>)>,
        /// Versions of other bundles.
        taken: Vec<String>,
        /// The invariants of the workspace.
        invariants: Vec<Invariant>,
    },
    /// The draft changed. Work on an older draft is abandoned.
    Document {
        /// The number of this state of the draft; events about the draft repeat the number.
        serial: u32,
        /// The change.
        change: Change,
    },
    /// Recorded decisions, as the bytes next to this message, in the format of `Columnar::encode`.
    Corpus(Dataset),
    /// Cases as JSON.
    Cases(Dataset, Vec<Case>),
    /// Generates this many synthetic cases from this seed, around the thresholds of the draft and of stable.
    Synthetic(usize, u64),
    /// Selects the dataset to replay.
    Choose(Dataset),
    /// Stops the replay.
    Stop,
    /// Starts the replay from the beginning.
    Restart,
    /// The test cases that expect an effect.
    Tests(Vec<Case>),
    /// Sweeps the number of a condition: the rule's key and the condition's position in the rule. `None` ends the
    /// sweep.
    Sweep(Option<(u32, usize)>),
    /// Requests one case of the selected dataset, by its number modulo the number of cases.
    Case(usize),
    /// Infers a schema from the recorded decisions.
    Learn,
    /// A question about the draft as it is now. The answer repeats the number.
    Ask(u32, Question),
}

/// A question about the draft, which is answered at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Question {
    /// Which rules shadow the rule with this id?
    Shadow(String),
    /// What is the draft after the repair of one finding, which may be older than the draft?
    Repair(Box<Finding>),
    /// What is the draft after every repair that has one right answer?
    RepairAll,
}

/// What a [`Question`] is answered with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Response {
    /// The shadowing rules; `None` for a rule that is disabled or has errors.
    Shadow(Option<Shadow>),
    /// The repaired draft and how many repairs were made; `None` when a repair no longer fits.
    Repaired(Option<Box<Source>>, usize),
}

/// A message to the page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {
    /// The worker has started.
    Ready,
    /// Findings, text diff and version.
    Checked(u32, Box<CheckReport>),
    /// The semantic diff of stable and the draft, and how many rules could not be parsed; no diff without a stable
    /// bundle.
    Compared(u32, Option<Box<SemanticDiff>>, usize),
    /// The rules that can never match.
    Unreachable(u32, Vec<Unreachable>),
    /// Cases replayed so far, and all cases.
    Progress(usize, usize),
    /// The result of a replay.
    Replayed(u32, Box<ReplayResult>),
    /// The results of the test cases.
    Tested(u32, Box<TestReport>),
    /// The curve of the number that is swept.
    Swept(u32, Box<SweepResult>),
    /// A dataset was loaded: the number of cases, and the days of traffic that they span. There are no days for cases
    /// that were not recorded or that span less than an hour.
    Loaded(Dataset, usize, Option<f64>),
    /// A dataset could not be read.
    Refused(Dataset, String),
    /// The requested case; `None` while there are no cases.
    Case(Option<Box<Input>>),
    /// The schema inferred from this many decisions; `None` without decisions.
    Learned(Option<Value>, usize),
    /// The answer to the question with this number.
    Answered(u32, Box<Response>),
}

/// The result of replaying cases against the draft.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReplayResult {
    /// The dataset that was replayed.
    pub dataset: Dataset,
    /// Stable compared with the draft; without a stable bundle the draft is compared with itself.
    pub comparison: Comparison,
    /// How many cases changed from which outcome to which.
    pub transitions: Transitions,
    /// How many cases each rule decided, by rule key; rules that decided none are left out.
    pub hits: Vec<(u32, usize)>,
    /// How many cases fall into each region of the semantic diff.
    pub regions: Vec<usize>,
    /// Flips whose region was looked up; fewer than all flips when the replay was stopped.
    pub explained: usize,
    /// Whether there is a stable bundle.
    pub has_stable: bool,
    /// Cases replayed; fewer than `total` when the replay was stopped.
    pub done: usize,
    /// All cases of the dataset.
    pub total: usize,
    /// Days of traffic that the replayed cases span.
    pub days: Option<f64>,
    /// How long the replay took, in milliseconds.
    pub took_ms: f64,
}

/// The results of the test cases.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TestReport {
    /// One result per test case.
    pub results: Vec<CaseResult>,
    /// Rules that decide no test case.
    pub untested: Vec<String>,
    /// Enabled rules.
    pub rules: usize,
}

/// The outcomes as one number is swept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SweepResult {
    /// The rule's key.
    pub rule: u32,
    /// The condition's position in the rule.
    pub at: usize,
    /// Days of traffic that the cases span.
    pub days: Option<f64>,
    /// The curve; travels as bytes next to the JSON.
    #[serde(skip)]
    pub curve: Option<Curve>,
}

impl Event {
    /// The bytes that travel next to the JSON.
    pub fn payload(&self) -> Option<Vec<u8>> {
        match self {
            Self::Swept(_, curved) => curved.curve.as_ref().map(Curve::to_bytes),
            _ => None,
        }
    }

    /// The event with the bytes that travelled next to the JSON put back.
    pub fn with_payload(mut self, payload: &[u8]) -> Self {
        if let Self::Swept(_, curved) = &mut self {
            curved.curve = Curve::from_bytes(payload);
        }
        self
    }
}
