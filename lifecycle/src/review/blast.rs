//! How far a draft reaches.

use std::collections::BTreeSet;

use policy::{analysis::SemanticDiff, replay::Corpus};
use serde::{Deserialize, Serialize};

use super::projection::{Answers, share_bps};

/// Most names of a list.
const MAX_NAMES: usize = 100;

/// Who and what is touched by the change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BlastRadius {
    /// The agents for which some input is answered otherwise, by name; `*` stands for any that nothing names. The first
    /// hundred.
    pub agents: Vec<String>,
    /// The actions, likewise.
    pub actions: Vec<String>,
    /// Replayed decisions that are answered otherwise.
    pub decisions: u64,
    /// All replayed decisions.
    pub of_decisions: u64,
    /// The former in the latter, in basis points.
    pub share_bps: i64,
    /// Distinct subjects of the decisions that are answered otherwise.
    pub subjects: u64,
    /// Distinct subjects of all.
    pub of_subjects: u64,
}

/// The reach of the change: names from the semantic diff, which knows every input, and from what was replayed.
pub(super) fn blast_radius(corpus: &Corpus, answers: &[Answers], diff: Option<&SemanticDiff>) -> BlastRadius {
    let mut agents: BTreeSet<&str> = BTreeSet::new();
    let mut actions: BTreeSet<&str> = BTreeSet::new();
    for scope in diff.into_iter().flat_map(|diff| &diff.regions).flat_map(|region| &region.scopes) {
        agents.insert(if scope.any_other_agent { "*" } else { &scope.agent });
        actions.insert(if scope.any_other_action { "*" } else { &scope.action });
    }
    let mut touched: BTreeSet<&str> = BTreeSet::new();
    let mut subjects: BTreeSet<&str> = BTreeSet::new();
    let mut decisions = 0_u64;
    for (case, (before, after)) in corpus.cases.iter().zip(answers) {
        subjects.extend(case.subject.as_deref());
        if before == after {
            continue;
        }
        decisions += 1;
        touched.extend(case.subject.as_deref());
        if diff.is_none_or(|diff| !diff.complete) {
            agents.insert(&case.case.agent);
            actions.insert(&case.case.action);
        }
    }
    let names = |set: BTreeSet<&str>| set.into_iter().take(MAX_NAMES).map(str::to_owned).collect();
    let of_decisions = corpus.cases.len() as u64;
    BlastRadius {
        agents: names(agents),
        actions: names(actions),
        decisions,
        of_decisions,
        share_bps: share_bps(i64::try_from(decisions).unwrap_or(i64::MAX), of_decisions),
        subjects: touched.len() as u64,
        of_subjects: subjects.len() as u64,
    }
}
