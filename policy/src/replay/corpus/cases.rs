//! The decisions a packet is replayed over. The corpus is stored with the packet, so that anyone can repeat the replay.

use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    bundle::{Digest, Effect},
    replay::{Case, Dataset, Outcome},
};

/// One recorded decision: the case, the answer, and what happened afterwards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorpusCase {
    /// The input; the case's id is the decision's.
    #[serde(flatten)]
    pub case: Case,
    /// When it was answered; none for cases that were not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    /// The effect that was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// What happened afterwards.
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

/// The cases of a packet, in the order they are replayed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Corpus {
    /// Where they come from.
    pub source: Dataset,
    /// The cases.
    pub cases: Vec<CorpusCase>,
}

impl Corpus {
    /// Cases that were not recorded.
    pub fn of_cases(source: Dataset, cases: Vec<Case>) -> Self {
        Self { source, cases: cases.into_iter().map(CorpusCase::from).collect() }
    }

    /// Recorded decisions, put in the order they were answered (of two at the same moment, by id), so that the order a
    /// database returns them in makes no difference.
    pub fn recorded(mut cases: Vec<CorpusCase>) -> Self {
        cases.sort_by(|a, b| a.decided_at.cmp(&b.decided_at).then_with(|| a.case.case_id.cmp(&b.case.case_id)));
        Self { source: Dataset::Recorded, cases }
    }

    /// The corpus as read back from its JSON. Reading a number with very many digits may give a neighbouring double, so
    /// the corpus is written and read until it no longer changes: then the stored and the hashed corpus are equal.
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

    /// Time of the first and last recorded case.
    pub fn window(&self) -> Option<(Timestamp, Timestamp)> {
        let times = || self.cases.iter().filter_map(|case| case.decided_at);
        times().min().zip(times().max())
    }
}
