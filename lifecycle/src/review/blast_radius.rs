//! Which agents, actions and decisions a draft affects.

use std::collections::BTreeSet;

use policy::{analysis::SemanticDiff, replay::Corpus};
use serde::{Deserialize, Serialize};

use super::projection::{EffectPair, share_bps};

/// Maximum number of names in a list.
const MAX_NAMES: usize = 100;

/// The agents, actions, decisions and subjects that a change affects.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BlastRadius {
    /// The agents for which some input is answered differently, by name; `*` stands for every agent that no rule names.
    /// At most a hundred.
    pub agents: Vec<String>,
    /// The actions for which some input is answered differently, in the same form as `agents`.
    pub actions: Vec<String>,
    /// Replayed decisions that are answered differently.
    pub decisions: u64,
    /// All replayed decisions.
    pub of_decisions: u64,
    /// `decisions` as a share of `of_decisions`, in basis points.
    pub share_bps: i64,
    /// Distinct subjects of the decisions that are answered differently.
    pub subjects: u64,
    /// Distinct subjects of all replayed decisions.
    pub of_subjects: u64,
}

/// The blast radius of the change: names from the semantic diff, which covers every input, and from the replay.
pub(super) fn blast_radius(corpus: &Corpus, effects: &[EffectPair], diff: Option<&SemanticDiff>) -> BlastRadius {
    let mut agents: BTreeSet<&str> = BTreeSet::new();
    let mut actions: BTreeSet<&str> = BTreeSet::new();
    for scope in diff.into_iter().flat_map(|diff| &diff.regions).flat_map(|region| &region.scopes) {
        agents.insert(if scope.any_other_agent { "*" } else { &scope.agent });
        actions.insert(if scope.any_other_action { "*" } else { &scope.action });
    }
    let mut touched: BTreeSet<&str> = BTreeSet::new();
    let mut subjects: BTreeSet<&str> = BTreeSet::new();
    let mut decisions = 0_u64;
    for (case, (before, after)) in corpus.cases.iter().zip(effects) {
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
