//! Differences as regions: a few plain cuboids, or, where a region would need many, one cuboid and the rules that
//! decide parts of it first.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    bundle_pair::BundlePair,
    difference::{Decider, Difference, PieceIds},
    merge::merge,
    region::{DiffRegion, Scope, Shape},
};
use crate::{
    analysis::{
        phrases::phrases,
        slices::Pair,
        space::{Cell, Cuboid, Domain, Space},
    },
    bundle::Rule,
    engine::Input,
};

/// Maximum number of plain cuboids that one region is split into. More cuboids are harder to read than the rules that
/// cut them.
const MAX_CUBOIDS: usize = 4;
/// Maximum number of rules that are subtracted from a cuboid; with more rules, subtraction is not tried.
const MAX_SUBTRACTED: usize = 8;

/// The differences that several slices share.
pub(super) struct SliceDifferences<'p> {
    pub(super) pairs: Vec<&'p Pair>,
    pub(super) differences: Vec<Difference>,
}

/// Two deciders in a space of their own.
struct DeciderSpace {
    space: Space,
    /// The pieces of the decider before and of the decider after, by number.
    pieces: [Vec<Cell>; 2],
    /// The cuboids that the schemas refuse first; each refusal concerns one field.
    refused: Vec<Cuboid>,
}

/// A difference with the numbers of the regions built from it.
struct BuiltDifference<'f> {
    difference: &'f Difference,
    regions: Vec<usize>,
}

/// The regions of all slices.
pub(super) fn build_regions(bundles: &BundlePair<'_>, results: &[SliceDifferences<'_>]) -> Vec<DiffRegion> {
    let mut rules: HashMap<usize, Arc<Rule>> = HashMap::new();
    let mut regions: Vec<DiffRegion> = Vec::new();
    // Regions of several slices that differ in nothing but their scopes become one region.
    let mut by_rules: HashMap<(Option<String>, Option<String>), Vec<usize>> = HashMap::new();
    // Like differences of slices without a schema have the same regions, so these are built once.
    let mut built: HashMap<(Decider, Decider), Vec<BuiltDifference<'_>>> = HashMap::new();
    for SliceDifferences { pairs, differences } in results {
        let Some(agent) = pairs.first().map(|pair| &*pair.agent) else { continue };
        let scopes: Vec<Scope> = pairs.iter().map(|pair| scope(pair)).collect();
        let open = bundles.same_domain(agent) == Some(None);
        for difference in differences {
            let earlier = built.entry((difference.before.decider, difference.after.decider)).or_default();
            if let Some(like) = earlier.iter().find(|other| open && difference.is_like(other.difference)) {
                for at in &like.regions {
                    if let Some(region) = regions.get_mut(*at) {
                        region.scopes.extend(scopes.iter().cloned());
                    }
                }
                continue;
            }
            let mut numbers = Vec::new();
            for region in regions_of(bundles, agent, &scopes, difference, &mut rules) {
                let candidates = by_rules.entry((region.before_rule.clone(), region.after_rule.clone())).or_default();
                let same =
                    candidates.iter().copied().find(|at| regions.get(*at).is_some_and(|other| is_same(other, &region)));
                numbers.push(same.unwrap_or(regions.len()));
                match same.and_then(|at| regions.get_mut(at)) {
                    Some(other) => other.scopes.extend(region.scopes),
                    None => {
                        candidates.push(regions.len());
                        regions.push(region);
                    }
                }
            }
            if open {
                earlier.push(BuiltDifference { difference, regions: numbers });
            }
        }
    }
    regions
}

/// Whether two regions differ at most in their scopes. Names alone do not identify a rule: an edited rule has the same
/// name before and after.
fn is_same(a: &DiffRegion, b: &DiffRegion) -> bool {
    (a.before, a.after, &a.conditions, &a.unless) == (b.before, b.after, &b.conditions, &b.unless) && a.shape == b.shape
}

/// The regions of one difference of a slice.
fn regions_of(
    bundles: &BundlePair<'_>,
    agent: &str,
    scopes: &[Scope],
    difference: &Difference,
    rules: &mut HashMap<usize, Arc<Rule>>,
) -> Vec<DiffRegion> {
    let preceding: BTreeSet<usize> = difference.parts.iter().flat_map(|part| &part.preceding).copied().collect();
    let id = |decider: Decider| decider.rule().and_then(|rule| bundles.rules.get(rule)).map(|rule| rule.id.clone());
    let region = |space: &Arc<Space>, cell: Cell, unless: Vec<Arc<Rule>>, witness: Input| DiffRegion {
        scopes: scopes.to_vec(),
        conditions: phrases(space, &cell),
        unless: unless.iter().map(|rule| rule.id.clone()).collect(),
        before: difference.before.outcome,
        after: difference.after.outcome,
        before_rule: id(difference.before.decider),
        after_rule: id(difference.after.decider),
        witness,
        shape: Some(Shape { space: Arc::clone(space), cell, unless }),
    };
    if preceding.len() <= MAX_SUBTRACTED
        && let Some((space, cells)) = plain_cells(bundles, agent, difference, &preceding)
    {
        let space = Arc::new(space);
        let named = difference.parts.first().map(|part| &part.witness);
        let whole = |cell: Cell| {
            let context = space.context(&cell);
            let [agent, action] = named.map(|input| [input.agent.clone(), input.action.clone()]).unwrap_or_default();
            region(&space, cell, Vec::new(), Input { agent, action, context })
        };
        return cells.into_iter().map(whole).collect();
    }
    let Some(DeciderSpace { space, pieces, refused }) = decider_space(bundles, agent, difference, &BTreeSet::new())
    else {
        return Vec::new();
    };
    let space = Arc::new(space);
    let parts = difference.parts.iter().filter_map(|part| {
        let cell = refused
            .iter()
            .try_fold(common(&pieces, part.pieces)?, |cell, cuboid| Space::outside(cell, cuboid).into_iter().next())?;
        let unless = part.preceding.iter().filter_map(|rule| {
            let whole = *bundles.rules.get(*rule)?;
            Some(Arc::clone(rules.entry(*rule).or_insert_with(|| Arc::new(whole.clone()))))
        });
        Some(region(&space, cell, unless.collect(), part.witness.clone()))
    });
    parts.collect()
}

fn common([before, after]: &[Vec<Cell>; 2], pieces: PieceIds) -> Option<Cell> {
    Space::common(before.get(pieces.before)?, after.get(pieces.after)?)
}

/// A space cut by both deciders, by some other rules, and by the schema.
fn decider_space(
    bundles: &BundlePair<'_>,
    agent: &str,
    difference: &Difference,
    others: &BTreeSet<usize>,
) -> Option<DeciderSpace> {
    let both = [difference.before.decider, difference.after.decider].into_iter().filter_map(Decider::rule);
    let rules: BTreeSet<usize> = both.chain(others.iter().copied()).collect();
    let either = bundles.either(agent);
    let domain = match bundles.same_domain(agent) {
        Some(None) => Domain::Open,
        Some(Some(declared)) => Domain::Inside(declared),
        None => Domain::CutBy(&either),
    };
    let space = Space::new(rules.iter().filter_map(|rule| bundles.rules.get(*rule).copied()), domain)?;
    let refusals = match domain {
        Domain::CutBy(_) => bundles.refused(agent, &space),
        Domain::Open | Domain::Inside(_) => Default::default(),
    };
    let mut refused = Vec::new();
    let mut pieces: [Vec<Cell>; 2] = Default::default();
    let deciders = [(difference.before.decider, bundles.before), (difference.after.decider, bundles.after)];
    for (((decider, bundle), refusals), pieces) in deciders.into_iter().zip(&refusals).zip(&mut pieces) {
        let (first, cuboid) = match decider {
            Decider::Refusal(number) => (number, refusals.get(number)),
            Decider::Rule(_) | Decider::Default => (refusals.len(), None),
        };
        refused.extend(refusals.iter().take(first).cloned());
        let footprint = decider.rule().and_then(|rule| bundles.rules.get(rule)).map(|rule| space.footprint(rule));
        let of_decider = bundles.pieces(bundle, &space.full(), (decider, cuboid, footprint.as_ref()));
        pieces.extend(of_decider.into_iter().map(|(_, cell)| cell));
    }
    Some(DeciderSpace { space, pieces, refused })
}

/// The plain cells that a difference consists of; `None` when there are more than [`MAX_CUBOIDS`].
fn plain_cells(
    bundles: &BundlePair<'_>,
    agent: &str,
    difference: &Difference,
    preceding: &BTreeSet<usize>,
) -> Option<(Space, Vec<Cell>)> {
    let DeciderSpace { space, pieces, refused } = decider_space(bundles, agent, difference, preceding)?;
    let rules = preceding.iter().filter_map(|rule| space.footprint(bundles.rules.get(*rule)?).decides);
    let mut cells: Vec<Cell> = difference.parts.iter().filter_map(|part| common(&pieces, part.pieces)).collect();
    let most = MAX_CUBOIDS.max(cells.len());
    for cuboid in space.impossible().iter().cloned().chain(refused).chain(rules) {
        cells = cells.into_iter().flat_map(|cell| Space::outside(cell, &cuboid)).collect();
        if cells.len() > 4 * most {
            return None;
        }
    }
    let cells = merge(cells);
    (cells.len() <= most).then_some((space, cells))
}

fn scope(pair: &Pair) -> Scope {
    Scope {
        agent: pair.agent.to_string(),
        action: pair.action.to_string(),
        any_other_agent: !pair.agent_named,
        any_other_action: !pair.action_named,
    }
}
