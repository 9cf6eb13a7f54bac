//! The rules of two bundles, aligned by id.

use std::collections::HashMap;

use crate::{
    analysis::geometry::scopes_overlap,
    bundle::{Bundle, Rule},
    engine::order,
};

/// With more distinct agents and actions of changed rules than this, every rule counts as affected; with fewer, each
/// rule is tested for an overlap with them.
const MAX_CHANGED_SCOPES: usize = 64;

/// A rule of either bundle.
pub(super) struct AlignedRule<'a> {
    pub(super) rule: &'a Rule,
    /// Whether the bundle before has the rule.
    pub(super) old: bool,
    /// The rule's place in the evaluation order of the bundle after; `None` when the rule was removed.
    pub(super) rank: Option<usize>,
}

impl AlignedRule<'_> {
    /// Whether only one of the bundles has the rule.
    pub(super) fn changed(&self) -> bool {
        !self.old || self.rank.is_none()
    }
}

/// Every rule once: first the rules of the bundle before, in evaluation order, then the rules that are new or changed.
pub(super) fn align_rules<'a>(before: &'a Bundle, after: &'a Bundle) -> Vec<AlignedRule<'a>> {
    let (old, new) = (ordered(before), ordered(after));
    let mut aligned: Vec<AlignedRule<'a>> =
        old.into_iter().map(|rule| AlignedRule { rule, old: true, rank: None }).collect();
    let by_id: HashMap<&str, usize> =
        aligned.iter().enumerate().map(|(at, aligned)| (aligned.rule.id.as_str(), at)).collect();
    for (rank, rule) in new.into_iter().enumerate() {
        let same = by_id.get(rule.id.as_str()).and_then(|at| aligned.get_mut(*at));
        match same.filter(|same| same.rule.decides_like(rule)) {
            Some(same) => same.rank = Some(rank),
            None => aligned.push(AlignedRule { rule, old: false, rank: Some(rank) }),
        }
    }
    aligned
}

/// For each rule, whether it shares an agent and action with a changed rule. Where no such rule decides, both bundles
/// answer alike.
pub(super) fn affected(aligned: &[AlignedRule<'_>]) -> Vec<bool> {
    let mut scopes: Vec<&Rule> = Vec::new();
    for changed in aligned.iter().filter(|aligned| aligned.changed()).map(|aligned| aligned.rule) {
        if !scopes.iter().any(|other| (&other.agent, &other.action) == (&changed.agent, &changed.action)) {
            scopes.push(changed);
        }
        if scopes.len() > MAX_CHANGED_SCOPES {
            return vec![true; aligned.len()];
        }
    }
    aligned.iter().map(|aligned| scopes.iter().any(|changed| scopes_overlap(changed, aligned.rule))).collect()
}

fn ordered(bundle: &Bundle) -> Vec<&Rule> {
    let mut rules: Vec<&Rule> = bundle.rules.iter().filter(|rule| rule.enabled).collect();
    rules.sort_by(|a, b| order::compare(a, b));
    rules
}
