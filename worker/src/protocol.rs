//! What the page asks, and what it is told. As JSON, except for what is large: a corpus and the steps of a curve are
//! bytes beside it, handed over instead of copied.

use policy::{
    analysis::{SemanticDiff, verdict::Unreachable},
    bundle::{Invariant, Source},
    engine::Input,
    replay::{Case, CaseResult, Comparison, Dataset, Transitions, sweep::Curve},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{check::Checked, document::Change};

/// What the page asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    /// Begins: what the draft is compared with, and what holds for the workspace.
    Open {
        /// The stable bundle's version and content.
        stable: Option<(String, Box<Source>)>,
        /// Versions of other bundles.
        taken: Vec<String>,
        /// What must hold of every bundle of the workspace.
        invariants: Vec<Invariant>,
    },
    /// The draft changed. What is under way for an older one is given up.
    Document {
        /// Names this state of the draft in what is told.
        serial: u32,
        /// What changed.
        change: Change,
    },
    /// Recorded decisions, as the bytes beside this message: the format of `Columnar::encode`.
    Corpus(Dataset),
    /// Cases as they are.
    Cases(Dataset, Vec<Case>),
    /// Makes so many synthetic cases from this seed, around the thresholds of the draft and of stable.
    Synthetic(usize, u64),
    /// Replays this dataset from now on.
    Choose(Dataset),
    /// Stops the replay where it is.
    Stop,
    /// Replays from the beginning.
    Again,
    /// The test cases that expect something.
    Tests(Vec<Case>),
    /// Moves this number: the rule's key and the condition's place in it; nothing stops it.
    Sweep(Option<(u32, usize)>),
    /// One case of the chosen dataset; counted on from the first when there are fewer.
    Case(usize),
    /// Learns a schema from the recorded decisions.
    Learn,
}

/// What the page is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {
    /// It has begun.
    Ready,
    /// Findings, text diff and version.
    Checked(u32, Box<Checked>),
    /// What the draft changes for every input, and how many rules could not be understood; no diff without a stable
    /// bundle.
    Meant(u32, Option<Box<SemanticDiff>>, usize),
    /// Rules that can never match.
    Covered(u32, Vec<Unreachable>),
    /// Cases replayed and cases there are.
    Progress(usize, usize),
    /// What replaying shows.
    Replayed(u32, Box<Replayed>),
    /// How the test cases came out.
    Tested(u32, Box<Tested>),
    /// The curve of the number that is moved.
    Swept(u32, Box<Curved>),
    /// A dataset is there: how many cases, and how many days of traffic they are. None when they were not recorded, or
    /// within less than an hour.
    Loaded(Dataset, usize, Option<f64>),
    /// A dataset could not be read.
    Refused(Dataset, String),
    /// The case that was asked for; none while there are no cases.
    Case(Option<Box<Input>>),
    /// The schema that was learned, from so many decisions; none while there are none.
    Learned(Option<Value>, usize),
}

/// What replaying cases under the draft shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Replayed {
    /// The cases.
    pub dataset: Dataset,
    /// Draft against stable; without a stable bundle the draft stands on both sides.
    pub comparison: Comparison,
    /// From which outcome to which.
    pub transitions: Transitions,
    /// How many cases each rule decided, by key; rules without any are left out.
    pub hits: Vec<(u32, usize)>,
    /// How many cases fall into each region of the semantic diff.
    pub regions: Vec<usize>,
    /// Flips whose region was looked for; fewer than there are when it was stopped.
    pub explained: usize,
    /// Whether there is a stable bundle.
    pub has_stable: bool,
    /// Cases counted; fewer than there are when it was stopped.
    pub done: usize,
    /// Cases there are.
    pub total: usize,
    /// Days of traffic that the counted cases are.
    pub days: Option<f64>,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
}

/// How test cases came out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// One a test case.
    pub results: Vec<CaseResult>,
    /// Rules that no test case is decided by.
    pub untested: Vec<String>,
    /// Enabled rules.
    pub rules: usize,
}

/// The outcomes over one number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Curved {
    /// The rule's key.
    pub rule: u32,
    /// The condition's place in it.
    pub at: usize,
    /// Days of traffic the cases are.
    pub days: Option<f64>,
    /// The curve; travels as bytes beside the message.
    #[serde(skip)]
    pub curve: Option<Curve>,
}

impl Event {
    /// The bytes that travel beside the message.
    pub fn payload(&self) -> Option<Vec<u8>> {
        match self {
            Self::Swept(_, curved) => curved.curve.as_ref().map(Curve::to_bytes),
            _ => None,
        }
    }

    /// Puts back what travelled beside the message.
    pub fn with_payload(mut self, payload: &[u8]) -> Self {
        if let Self::Swept(_, curved) = &mut self {
            curved.curve = Curve::from_bytes(payload);
        }
        self
    }
}
