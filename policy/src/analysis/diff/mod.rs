//! The semantic diff: the disjoint regions of inputs that two bundles answer differently, and nothing else.
//!
//! Every input has one decider before and one after: a rule, the default, or a refusal by the schema. A region contains
//! the inputs that the same two deciders decide: the cuboid where both would decide, without the parts that other rules
//! decide first. Of two unchanged rules, the one that comes first before also comes first after, so two different
//! deciders are never both unchanged rules: at least one of them has changed. Only such pairs are searched, each with
//! the one question of [`super::cover`]. A changed default, `on_error` or schema counts as a change where it can make a
//! difference.
//!
//! A region is described with a few cuboids where possible, otherwise with one cuboid and the rules that decide parts
//! of it first.
//!
//! ```text
//! difference       deciders, and where two of them differ
//! rule_alignment   the rules of both bundles, aligned by id
//! bundle_pair      both bundles laid out in one space
//! coverage_cache   which cells the preceding deciders cover, cached from slice to slice
//! search           slice by slice, the pairs of deciders that differ
//! merge            cells joined into as few as possible
//! region           a diff and its regions, as other modules read them
//! regions          differences as regions
//! deciders         the region of an input whose verdicts are known
//! ```

mod bundle_pair;
mod coverage_cache;
pub mod deciders;
mod difference;
mod merge;
mod region;
mod regions;
mod rule_alignment;
mod search;

use std::collections::BTreeMap;

use bundle_pair::{BundlePair, SearchKey};
use coverage_cache::CoverageCache;
use difference::Difference;
pub use region::{DiffRegion, NewAllows, Scope, SemanticDiff};
use regions::{SliceDifferences, build_regions};
use search::search;

pub use super::outcome::Outcome;
use super::{
    Meter,
    slices::{Classes, pairs},
};
use crate::{
    bundle::{Bundle, Effect, Rule},
    engine::Input,
};

/// Whether some input that a rule matches or errs on becomes allowed.
#[derive(Debug, Clone, PartialEq)]
pub enum NewAllowWitness {
    /// No input becomes newly allowed.
    None,
    /// An input that becomes newly allowed.
    Input(Input),
    /// The work budget ran out.
    Undecided,
}

/// For each of `rules`, all of them enabled in `before`, an input that the rule matches or errs on and that `after`
/// newly allows.
pub fn newly_allowed_by_rule(
    before: &Bundle,
    after: &Bundle,
    rules: &[&Rule],
    mut meter: Meter,
) -> Vec<NewAllowWitness> {
    let undecided = || rules.iter().map(|_| NewAllowWitness::Undecided).collect();
    let Some(bundles) = BundlePair::new(before, after, &mut meter) else { return undecided() };
    let wanted = |agent: &str| bundles.may_differ(agent) && rules.iter().any(|rule| rule.agent.matches(agent));
    let Some((pairs, _)) = pairs(&bundles.rules, &bundles.schemas(), wanted, &mut meter) else { return undecided() };
    let mut cache = CoverageCache::default();
    let find = |rule: &&Rule| {
        let Some(footprint) = bundles.footprint_before(rule) else { return NewAllowWitness::None };
        let mut complete = true;
        for pair in pairs.iter().filter(|pair| rule.action.matches(&pair.action) && rule.agent.matches(&pair.agent)) {
            let Some(cuboid) = footprint.decides.as_ref().filter(|_| bundles.key(pair).is_some()) else { continue };
            let result = search(&bundles, pair, Some(cuboid), &mut cache, &mut meter);
            complete &= result.complete;
            let is_newly_allowed = |difference: &&Difference| {
                difference.before.outcome.effect != Effect::Allow && difference.after.outcome.effect == Effect::Allow
            };
            let first = result.differences.iter().find(is_newly_allowed);
            if let Some(part) = first.and_then(|difference| difference.parts.first()) {
                return NewAllowWitness::Input(part.witness.clone());
            }
        }
        if complete { NewAllowWitness::None } else { NewAllowWitness::Undecided }
    };
    rules.iter().map(find).collect()
}

/// The disjoint regions of inputs that `after` answers differently from `before`.
pub fn semantic_diff(before: &Bundle, after: &Bundle, mut meter: Meter) -> SemanticDiff {
    let mut complete = true;
    let mut classes = Classes::default();
    let mut regions: Vec<DiffRegion> = Vec::new();
    if let Some(bundles) = BundlePair::new(before, after, &mut meter)
        && let Some((pairs, all)) =
            pairs(&bundles.rules, &bundles.schemas(), |agent| bundles.may_differ(agent), &mut meter)
    {
        classes = all;
        // Pairs with the same rules and the same domain differ alike, so they are searched once.
        let mut searched: BTreeMap<SearchKey<'_>, usize> = BTreeMap::new();
        let mut results: Vec<SliceDifferences<'_>> = Vec::new();
        let mut cache = CoverageCache::default();
        for pair in &pairs {
            let Some(key) = bundles.key(pair) else { continue };
            if let Some(index) = searched.get(&key) {
                if let Some(result) = results.get_mut(*index) {
                    result.pairs.push(pair);
                }
                continue;
            }
            let result = search(&bundles, pair, None, &mut cache, &mut meter);
            complete &= result.complete;
            searched.insert(key, results.len());
            results.push(SliceDifferences { pairs: vec![pair], differences: result.differences });
            if meter.exhausted() {
                complete = false;
                break;
            }
        }
        regions = build_regions(&bundles, &results);
    } else {
        complete = false;
    }
    let newly_allowed = regions.iter().filter(|region| region.is_newly_allowed()).count();
    let new_allows = match (newly_allowed, complete) {
        (0, true) => NewAllows::None,
        (0, false) => NewAllows::Undecided,
        (some, _) => NewAllows::Some(some),
    };
    SemanticDiff { regions, complete, new_allows, classes }
}
