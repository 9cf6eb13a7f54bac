//! The decisions that a packet replays. The corpus is stored with the packet, so that anyone can repeat the replay.

use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    bundle::{Digest, Effect},
    replay::{Case, Dataset, Outcome},
};

/// One recorded decision: the case, the answer, and the outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorpusCase {
    /// The case; its id is the id of the decision.
    #[serde(flatten)]
    pub case: Case,
    /// When the decision was answered; `None` for cases that were not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    /// The effect that was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// The outcome, once reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The subject of the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

impl From<Case> for CorpusCase {
    fn from(case: Case) -> Self {
        Self { case, decided_at: None, effect: None, outcome: None, subject: None }
    }
}

/// The cases of a packet, in the order in which they are replayed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Corpus {
    /// The source of the cases.
    pub source: Dataset,
    /// The cases.
    pub cases: Vec<CorpusCase>,
}

impl Corpus {
    /// A corpus of cases that were not recorded.
    pub fn of_cases(source: Dataset, cases: Vec<Case>) -> Self {
        Self { source, cases: cases.into_iter().map(CorpusCase::from).collect() }
    }

    /// A corpus of recorded decisions, sorted by the time of the answer and then by id, so that the order in which a
    /// database returns them makes no difference.
    pub fn recorded(mut cases: Vec<CorpusCase>) -> Self {
        cases.sort_by(|a, b| a.decided_at.cmp(&b.decided_at).then_with(|| a.case.case_id.cmp(&b.case.case_id)));
        Self { source: Dataset::Recorded, cases }
    }

    /// The corpus as it is read back from its JSON. Reading a number with very many digits may give a neighbouring
    /// double, so the corpus is written and read until it no longer changes. The stored and the hashed corpus are then
    /// equal.
    #[must_use]
    pub fn settled(self) -> Self {
        let mut corpus = self;
        for _ in 0..8 {
            let read = serde_json::to_string(&corpus).ok().and_then(|text| serde_json::from_str::<Self>(&text).ok());
            match read {
                Some(read) if read != corpus => corpus = read,
                _ => break,
            }
        }
        corpus
    }

    /// `sha256:` over the canonical JSON of the cases.
    pub fn digest(&self) -> Digest {
        Digest::of(&serde_json::to_value(&self.cases).unwrap_or_default())
    }

    /// The times of the first and the last recorded case.
    pub fn window(&self) -> Option<(Timestamp, Timestamp)> {
        let times = || self.cases.iter().filter_map(|case| case.decided_at);
        times().min().zip(times().max())
    }
}
