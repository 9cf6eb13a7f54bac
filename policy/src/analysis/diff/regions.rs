//! Regions for people: as few plain boxes as can be, and where that would be many, one box and who decides parts of it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    Region, Scope, Shape,
    difference::{Decider, Difference},
    merge::merge,
    search::Sides,
};
use crate::{
    analysis::{
        phrases::phrases,
        slices::Pair,
        space::{Cell, Domain, Region as Box, Space},
    },
    bundle::Rule,
    engine::Input,
};

/// Most plain boxes one region is told as. More of them are harder to read than the rules that cut them.
const MOST_BOXES: usize = 4;
/// Most rules that are cut out of a box; with more of them it is not tried.
const MOST_CUT: usize = 8;

/// What two deciders look like in a space of their own.
struct About {
    space: Space,
    /// The pieces of the one before and of the one after, by number.
    pieces: [Vec<Cell>; 2],
    /// What the schemas refuse first; each concerns one field.
    refused: Vec<Box>,
}

/// A difference with the numbers of its regions.
type Told<'f> = (&'f Difference, Vec<usize>);

/// The regions of all slices.
pub(super) fn tell(sides: &Sides<'_>, results: &[(Vec<&Pair>, Vec<Difference>)]) -> Vec<Region> {
    let mut rules: HashMap<usize, Arc<Rule>> = HashMap::new();
    let mut regions: Vec<Region> = Vec::new();
    // Across slices: what is alike but for who asks to do what is one region.
    let mut places: HashMap<(Option<String>, Option<String>), Vec<usize>> = HashMap::new();
    // What was found alike where no schema rules is told alike: by the deciders, with the numbers of its regions.
    let mut known: HashMap<(Decider, Decider), Vec<Told<'_>>> = HashMap::new();
    for (alike, found) in results {
        let Some(agent) = alike.first().map(|pair| &*pair.agent) else { continue };
        let scopes: Vec<Scope> = alike.iter().map(|pair| scope(pair)).collect();
        let open = sides.same_domain(agent) == Some(None);
        for found in found {
            let before = known.entry((found.before.1, found.after.1)).or_default();
            if let Some((_, told)) = before.iter().find(|(other, _)| open && found.is_like(other)) {
                for at in told {
                    regions
                        .iter_mut()
                        .skip(*at)
                        .take(1)
                        .for_each(|region| region.scopes.extend(scopes.iter().cloned()));
                }
                continue;
            }
            let mut told = Vec::new();
            for region in of(sides, agent, &scopes, found, &mut rules) {
                let here = places.entry((region.before_rule.clone(), region.after_rule.clone())).or_default();
                let same = here.iter().copied().find(|at| regions.get(*at).is_some_and(|other| same(other, &region)));
                told.push(same.unwrap_or(regions.len()));
                match same.and_then(|at| regions.get_mut(at)) {
                    Some(other) => other.scopes.extend(region.scopes),
                    None => {
                        here.push(regions.len());
                        regions.push(region);
                    }
                }
            }
            if open {
                before.push((found, told));
            }
        }
    }
    regions
}

/// Whether two regions differ at most in their scopes. Words alone do not tell: a rule of one name can be the one before
/// the edit here and the one after it there.
fn same(a: &Region, b: &Region) -> bool {
    (a.before, a.after, &a.conditions, &a.unless) == (b.before, b.after, &b.conditions, &b.unless) && a.shape == b.shape
}

/// One difference of a slice as regions.
fn of(
    sides: &Sides<'_>,
    agent: &str,
    scopes: &[Scope],
    found: &Difference,
    rules: &mut HashMap<usize, Arc<Rule>>,
) -> Vec<Region> {
    let first: BTreeSet<usize> = found.parts.iter().flat_map(|part| &part.first).copied().collect();
    let id = |decider: Decider| rule_of(decider).and_then(|rule| sides.rules.get(rule)).map(|rule| rule.id.clone());
    let region = |space: &Arc<Space>, cell: Cell, unless: Vec<Arc<Rule>>, witness: Input| Region {
        scopes: scopes.to_vec(),
        conditions: phrases(space, &cell),
        unless: unless.iter().map(|rule| rule.id.clone()).collect(),
        before: found.before.0,
        after: found.after.0,
        before_rule: id(found.before.1),
        after_rule: id(found.after.1),
        witness,
        shape: Some(Shape { space: Arc::clone(space), cell, unless }),
    };
    if first.len() <= MOST_CUT
        && let Some((space, cells)) = plain(sides, agent, found, &first)
    {
        let space = Arc::new(space);
        let named = found.parts.first().map(|part| &part.witness);
        let whole = |cell: Cell| {
            let context = space.context(&cell);
            let [agent, action] = named.map(|input| [input.agent.clone(), input.action.clone()]).unwrap_or_default();
            region(&space, cell, Vec::new(), Input { agent, action, context })
        };
        return cells.into_iter().map(whole).collect();
    }
    let Some(About { space, pieces, refused }) = about(sides, agent, found, &BTreeSet::new()) else {
        return Vec::new();
    };
    let space = Arc::new(space);
    let parts = found.parts.iter().filter_map(|part| {
        let cell = refused
            .iter()
            .try_fold(common(&pieces, part.pieces)?, |cell, region| Space::outside(cell, region).into_iter().next())?;
        let unless = part.first.iter().filter_map(|rule| {
            let whole = *sides.rules.get(*rule)?;
            Some(Arc::clone(rules.entry(*rule).or_insert_with(|| Arc::new(whole.clone()))))
        });
        Some(region(&space, cell, unless.collect(), part.witness.clone()))
    });
    parts.collect()
}

fn common([one, two]: &[Vec<Cell>; 2], numbers: (usize, usize)) -> Option<Cell> {
    Space::common(one.get(numbers.0)?, two.get(numbers.1)?)
}

fn rule_of(decider: Decider) -> Option<usize> {
    if let Decider::Rule(rule) = decider { Some(rule) } else { None }
}

/// A space cut by both deciders and some other rules, and by the schema.
fn about(sides: &Sides<'_>, agent: &str, found: &Difference, others: &BTreeSet<usize>) -> Option<About> {
    let both = [found.before.1, found.after.1].into_iter().filter_map(rule_of);
    let rules: BTreeSet<usize> = both.chain(others.iter().copied()).collect();
    let either = sides.either(agent);
    let domain = match sides.same_domain(agent) {
        Some(None) => Domain::Open,
        Some(Some(declared)) => Domain::Inside(declared),
        None => Domain::CutBy(&either),
    };
    let space = Space::new(rules.iter().filter_map(|rule| sides.rules.get(*rule).copied()), domain)?;
    let refusals = match domain {
        Domain::CutBy(_) => sides.refused(agent, &space),
        Domain::Open | Domain::Inside(_) => Default::default(),
    };
    let mut refused = Vec::new();
    let mut pieces: [Vec<Cell>; 2] = Default::default();
    let deciders = [(found.before.1, sides.before), (found.after.1, sides.after)];
    for (((decider, bundle), refusals), pieces) in deciders.into_iter().zip(&refusals).zip(&mut pieces) {
        let (first, region) = match decider {
            Decider::Refusal(number) => (number, refusals.get(number)),
            Decider::Rule(_) | Decider::Default => (refusals.len(), None),
        };
        refused.extend(refusals.iter().take(first).cloned());
        let print = rule_of(decider).and_then(|rule| sides.rules.get(rule)).map(|rule| space.footprint(rule));
        let of_decider = sides.pieces(bundle, &space.full(), (decider, region, print.as_ref()));
        pieces.extend(of_decider.into_iter().map(|(_, cell)| cell));
    }
    Some(About { space, pieces, refused })
}

/// The plain boxes that a difference consists of; none when they are more than [`MOST_BOXES`].
fn plain(sides: &Sides<'_>, agent: &str, found: &Difference, first: &BTreeSet<usize>) -> Option<(Space, Vec<Cell>)> {
    let About { space, pieces, refused } = about(sides, agent, found, first)?;
    let rules = first.iter().filter_map(|rule| space.footprint(sides.rules.get(*rule)?).decides);
    let mut cells: Vec<Cell> = found.parts.iter().filter_map(|part| common(&pieces, part.pieces)).collect();
    let most = MOST_BOXES.max(cells.len());
    for region in refused.into_iter().chain(rules) {
        cells = cells.into_iter().flat_map(|cell| Space::outside(cell, &region)).collect();
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
