//! The rules of two bundles, side by side.

use std::collections::HashMap;

use crate::{
    analysis::atlas::overlap,
    bundle::{Bundle, Rule},
    engine::order,
};

/// Different agents and actions of changed rules up to which it is asked which rules share one of them.
const MOST_CONCERNS: usize = 64;

/// A rule of either bundle.
pub(super) struct AlignedRule<'a> {
    pub(super) rule: &'a Rule,
    /// Whether it is one of those before.
    pub(super) old: bool,
    /// Its place in the order after; none when it is gone.
    pub(super) rank: Option<usize>,
}

impl AlignedRule<'_> {
    /// Whether it is not in both bundles.
    pub(super) fn changed(&self) -> bool {
        !self.old || self.rank.is_none()
    }
}

/// Every rule once: first the ones before, in their order, then those that are new or changed.
pub(super) fn lay<'a>(before: &'a Bundle, after: &'a Bundle) -> Vec<AlignedRule<'a>> {
    let (old, new) = (ordered(before), ordered(after));
    let mut laid: Vec<AlignedRule<'a>> =
        old.into_iter().map(|rule| AlignedRule { rule, old: true, rank: None }).collect();
    let by_id: HashMap<&str, usize> = laid.iter().enumerate().map(|(at, laid)| (laid.rule.id.as_str(), at)).collect();
    for (rank, rule) in new.into_iter().enumerate() {
        let same = by_id.get(rule.id.as_str()).and_then(|at| laid.get_mut(*at));
        match same.filter(|same| same.rule.decides_like(rule)) {
            Some(same) => same.rank = Some(rank),
            None => laid.push(AlignedRule { rule, old: false, rank: Some(rank) }),
        }
    }
    laid
}

/// Which rules share an agent and action with a changed one. Where the others decide, all is answered alike.
pub(super) fn concerned(laid: &[AlignedRule<'_>]) -> Vec<bool> {
    let mut concerns: Vec<&Rule> = Vec::new();
    for changed in laid.iter().filter(|laid| laid.changed()).map(|laid| laid.rule) {
        if !concerns.iter().any(|other| (&other.agent, &other.action) == (&changed.agent, &changed.action)) {
            concerns.push(changed);
        }
        if concerns.len() > MOST_CONCERNS {
            return vec![true; laid.len()];
        }
    }
    laid.iter().map(|laid| concerns.iter().any(|changed| overlap(changed, laid.rule))).collect()
}

fn ordered(bundle: &Bundle) -> Vec<&Rule> {
    let mut rules: Vec<&Rule> = bundle.rules.iter().filter(|rule| rule.enabled).collect();
    rules.sort_by(|a, b| order::compare(a, b));
    rules
}
