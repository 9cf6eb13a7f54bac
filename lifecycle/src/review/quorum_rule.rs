//! How many people have to approve a packet, and why.

use std::collections::BTreeMap;

use policy::{
    analysis::{
        Meter, SemanticDiff,
        invariants::{InvariantProof, prove_within},
    },
    bundle::{ActionPattern, AgentPattern, Bundle, Effect, invariant::Demand, invariant::Statement},
    replay::Corpus,
};
use serde::{Deserialize, Serialize};

use super::{ReviewSettings, projection::EffectPair};

/// The fewest people that a packet needs for any of the reasons below, whatever the settings say. One of them is a safety
/// owner.
pub const FEWEST_FOR_HIGH_RISK: u8 = 2;

/// The work budget of the question whether one agent can still get anything allowed.
const WORK: u64 = 1_000_000;

/// The most agents of which that is asked. More agents that lose something are reason enough.
const MAX_AGENTS: usize = 50;

/// Why a packet needs two people, one of them a safety owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuorumReason {
    /// The risk score is high.
    HighRisk,
    /// The replayed decisions are not enough to draw conclusions from.
    InsufficientEvidence,
    /// Something becomes newly allowed, or that could not be decided.
    NewlyAllowed,
    /// Many of the replayed decisions change.
    ManyDecisionsChange,
    /// An agent loses everything that it was allowed.
    AgentLosesEveryAllow,
    /// A guard is removed.
    GuardRemoved,
    /// Calls of agents are approved on weaker terms.
    ApprovalsWeakened,
}

impl QuorumReason {
    /// The reason in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::HighRisk => "the risk is high",
            Self::InsufficientEvidence => "the evidence is insufficient",
            Self::NewlyAllowed => "something is newly allowed",
            Self::ManyDecisionsChange => "many decisions change",
            Self::AgentLosesEveryAllow => "an agent loses everything it was allowed",
            Self::GuardRemoved => "a guard is removed",
            Self::ApprovalsWeakened => "calls of agents are approved on weaker terms",
        }
    }
}

/// What the quorum depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct QuorumFacts {
    pub risk_score_bps: u32,
    pub insufficient_evidence: bool,
    pub newly_allowed: bool,
    /// Replayed decisions that change, and all of them.
    pub changed: (usize, usize),
    pub agent_loses_every_allow: bool,
    pub guard_removed: bool,
    pub approvals_weakened: bool,
}

impl QuorumFacts {
    /// The reasons for two people.
    pub fn reasons(&self, settings: &ReviewSettings) -> Vec<QuorumReason> {
        let (changed, total) = self.changed;
        let many = changed as u128 * 10_000 > total as u128 * u128::from(settings.many_changes_bps);
        [
            (QuorumReason::HighRisk, self.risk_score_bps >= settings.high_risk_bps),
            (QuorumReason::InsufficientEvidence, self.insufficient_evidence),
            (QuorumReason::NewlyAllowed, self.newly_allowed),
            (QuorumReason::ManyDecisionsChange, many),
            (QuorumReason::AgentLosesEveryAllow, self.agent_loses_every_allow),
            (QuorumReason::GuardRemoved, self.guard_removed),
            (QuorumReason::ApprovalsWeakened, self.approvals_weakened),
        ]
        .into_iter()
        .filter_map(|(reason, applies)| applies.then_some(reason))
        .collect()
    }
}

/// The number of approvals for these reasons.
pub(super) fn required_approvals(reasons: &[QuorumReason], settings: &ReviewSettings) -> u8 {
    let ordinary = settings.approvals.max(1);
    if reasons.is_empty() { ordinary } else { settings.approvals_high_risk.max(ordinary).max(FEWEST_FOR_HIGH_RISK) }
}

/// Whether an agent was allowed something and is allowed nothing under the draft: among the replayed decisions, or, for
/// an agent that a rule names, proven for every input.
pub(super) fn agent_loses_every_allow(
    corpus: &Corpus,
    effects: &[EffectPair],
    draft: &Bundle,
    diff: Option<&SemanticDiff>,
) -> bool {
    let mut allowed: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    for (case, (before, after)) in corpus.cases.iter().zip(effects) {
        let (was, is) = allowed.entry(&case.case.agent).or_default();
        *was |= *before == Effect::Allow;
        *is |= *after == Effect::Allow;
    }
    if allowed.values().any(|(was, is)| *was && !is) {
        return true;
    }
    let regions = diff.into_iter().flat_map(|diff| &diff.regions);
    let refused =
        regions.filter(|region| region.before.effect == Effect::Allow && region.after.effect != Effect::Allow);
    let mut agents: Vec<&str> = refused
        .flat_map(|region| &region.scopes)
        .filter(|scope| !scope.any_other_agent)
        .map(|scope| scope.agent.as_str())
        .collect();
    agents.sort_unstable();
    agents.dedup();
    agents.len() > MAX_AGENTS || agents.into_iter().any(|agent| is_never_allowed(draft, agent))
}

/// Whether it is proven that the bundle never allows this agent anything.
fn is_never_allowed(bundle: &Bundle, agent: &str) -> bool {
    let statement = Statement {
        id: "never-allowed".to_owned(),
        agent: AgentPattern::Exact(agent.to_owned()),
        action: ActionPattern::Any,
        demand: Demand::Never(Effect::Allow),
        conditions: Vec::new(),
    };
    prove_within(bundle, &statement, &mut Meter::new(WORK, WORK)) == InvariantProof::Holds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet() -> QuorumFacts {
        QuorumFacts {
            risk_score_bps: 4_999,
            insufficient_evidence: false,
            newly_allowed: false,
            changed: (200, 1_000),
            agent_loses_every_allow: false,
            guard_removed: false,
            approvals_weakened: false,
        }
    }

    #[test]
    fn each_reason_alone_asks_for_two_people() {
        use QuorumReason::{
            AgentLosesEveryAllow, ApprovalsWeakened, GuardRemoved, HighRisk, InsufficientEvidence, ManyDecisionsChange,
            NewlyAllowed,
        };
        let settings = ReviewSettings::default();
        assert!(quiet().reasons(&settings).is_empty());
        assert_eq!(required_approvals(&[], &settings), 1);
        for (facts, reason) in [
            (QuorumFacts { risk_score_bps: 5_000, ..quiet() }, HighRisk),
            (QuorumFacts { insufficient_evidence: true, ..quiet() }, InsufficientEvidence),
            (QuorumFacts { newly_allowed: true, ..quiet() }, NewlyAllowed),
            (QuorumFacts { changed: (201, 1_000), ..quiet() }, ManyDecisionsChange),
            (QuorumFacts { agent_loses_every_allow: true, ..quiet() }, AgentLosesEveryAllow),
            (QuorumFacts { guard_removed: true, ..quiet() }, GuardRemoved),
            (QuorumFacts { approvals_weakened: true, ..quiet() }, ApprovalsWeakened),
        ] {
            let reasons = facts.reasons(&settings);
            assert_eq!(reasons, [reason]);
            assert_eq!(required_approvals(&reasons, &settings), 2);
            // Whatever the settings say, two people sign.
            let lax = ReviewSettings { approvals_high_risk: 1, ..settings };
            assert_eq!(required_approvals(&reasons, &lax), 2);
        }
        let nothing = QuorumFacts { changed: (0, 0), ..quiet() };
        assert!(nothing.reasons(&settings).is_empty(), "no decision, no share");
    }
}
