//! Two bundles laid out in a common space.

use super::{
    difference::Decider,
    rule_alignment::{AlignedRule, affected, align_rules},
};
use crate::{
    analysis::{
        Meter,
        bitmap_index::BitmapIndex,
        outcome::Outcome,
        outcome_pieces::{RuleOutcomes, outcome_pieces},
        slices::{Pair, enforced},
        space::{Cell, Cuboid, Domain, Footprint, Space},
    },
    bundle::{Bundle, Rule, Schema, schema::AgentSchema},
};

/// Both bundles, with every rule once: first the rules of the bundle before, in evaluation order, then the rules that
/// are new or changed. A rule's number is its place in that list.
pub(super) struct BundlePair<'a> {
    pub(super) before: &'a Bundle,
    pub(super) after: &'a Bundle,
    pub(super) rules: Vec<&'a Rule>,
    pub(super) space: Space,
    /// Empty for rules that share no agent and action with a changed rule, because no question concerns them.
    footprints: Vec<Footprint>,
    /// The cuboids in which the rules decide; `None` where the index would be too large.
    pub(super) index: Option<BitmapIndex>,
    /// The number of rules of the bundle before.
    pub(super) old: usize,
    /// For each rule, its place in the evaluation order of the bundle after; `None` when the rule was removed.
    pub(super) ranks: Vec<Option<usize>>,
    changed: Vec<bool>,
    /// The rules that are changed, new or removed.
    edited: Vec<&'a Rule>,
    /// Whether the default or `on_error` differ, so that any input may be answered differently.
    pub(super) everywhere: bool,
}

/// Agents and actions with equal keys differ alike between the bundles: they have the same rules and the same enforced
/// declarations.
pub(super) type SearchKey<'a> = (&'a [usize], Option<&'a str>);

impl<'a> BundlePair<'a> {
    /// Lays both bundles out. Returns `None` when the budget does not suffice.
    pub(super) fn new(before: &'a Bundle, after: &'a Bundle, meter: &mut Meter) -> Option<Self> {
        let aligned = align_rules(before, after);
        let everywhere = before.default_effect != after.default_effect || before.on_error != after.on_error;
        let all = everywhere || before.schema != after.schema;
        let affected = if all { vec![true; aligned.len()] } else { affected(&aligned) };
        let rules =
            || aligned.iter().zip(&affected).filter(|(_, affected)| **affected).map(|(aligned, _)| aligned.rule);
        let enforced = |bundle: &'a Bundle| bundle.schema.as_ref().filter(|schema| schema.enforce);
        let schemas: Vec<&Schema> = [before, after].into_iter().filter_map(enforced).collect();
        let declared: Vec<&AgentSchema> = schemas.iter().flat_map(|schema| schema.agents.values()).collect();
        let domain = if declared.is_empty() { Domain::Open } else { Domain::CutBy(&declared) };
        if !meter.spend(Space::cost(rules(), domain)) {
            return None;
        }
        let space = Space::new(rules(), domain)?;
        let nowhere = Footprint { matches: None, decides: None };
        let footprints = aligned
            .iter()
            .zip(&affected)
            .map(|(aligned, affected)| if *affected { space.footprint(aligned.rule) } else { nowhere.clone() });
        let footprints: Vec<Footprint> = footprints.collect();
        let index = BitmapIndex::new(&space, footprints.iter().map(|footprint| footprint.decides.as_ref()), meter);
        let rules = aligned.iter().map(|aligned| aligned.rule).collect();
        let old = aligned.iter().filter(|aligned| aligned.old).count();
        let ranks = aligned.iter().map(|aligned| aligned.rank).collect();
        let changed: Vec<bool> = aligned.iter().map(AlignedRule::changed).collect();
        let edited = aligned.iter().filter(|aligned| aligned.changed()).map(|aligned| aligned.rule).collect();
        Some(Self { before, after, rules, space, footprints, index, old, ranks, changed, edited, everywhere })
    }

    /// The schemas of both bundles.
    pub(super) fn schemas(&self) -> Vec<&'a Schema> {
        self.before.schema.iter().chain(&self.after.schema).collect()
    }

    fn declared(&self, agent: &str) -> [Option<&'a AgentSchema>; 2] {
        [enforced(self.before, agent), enforced(self.after, agent)]
    }

    /// The enforced declaration for an agent, if both bundles enforce the same one. Both then also answer alike outside
    /// of the declared domain.
    pub(super) fn same_domain(&self, agent: &str) -> Option<Option<&'a AgentSchema>> {
        let [old, new] = self.declared(agent);
        let alike = old == new && (old.is_none() || self.before.on_error == self.after.on_error);
        alike.then_some(old)
    }

    /// The declarations for an agent that either bundle enforces.
    pub(super) fn either(&self, agent: &str) -> Vec<&'a AgentSchema> {
        self.declared(agent).into_iter().flatten().collect()
    }

    /// Whether the bundles may differ in their answers for an agent.
    pub(super) fn may_differ(&self, agent: &str) -> bool {
        let edited = || self.edited.iter().any(|rule| rule.agent.matches(agent));
        self.everywhere || self.same_domain(agent).is_none() || edited()
    }

    /// Whether a rule is in only one of the bundles.
    pub(super) fn is_changed(&self, rule: usize) -> bool {
        self.changed.get(rule).copied().unwrap_or_default()
    }

    /// The key that a pair shares with all pairs that differ alike; `None` when the answers for the pair cannot differ.
    pub(super) fn key<'p>(&self, pair: &'p Pair) -> Option<SearchKey<'p>>
    where
        'a: 'p,
    {
        let changed = pair.rules.iter().any(|rule| self.is_changed(*rule));
        let differs = self.everywhere || changed || self.same_domain(&pair.agent).is_none();
        let declared = self.declared(&pair.agent).iter().any(Option::is_some);
        differs.then(|| (pair.rules.as_slice(), declared.then_some(&*pair.agent)))
    }

    /// The inputs that the schema of each bundle refuses for an agent. The space must be cut by both schemas.
    pub(super) fn refused(&self, agent: &str, space: &Space) -> [Vec<Cuboid>; 2] {
        self.declared(agent).map(|declared| declared.map(|declared| space.refused(declared)).unwrap_or_default())
    }

    /// The inputs that a rule of the bundle before matches and decides.
    pub(super) fn footprint_before(&self, rule: &Rule) -> Option<&Footprint> {
        let before = self.rules.get(..self.old)?;
        self.footprint(before.iter().position(|other| other.id == rule.id)?)
    }

    /// The inputs that the rule with this number matches and decides.
    pub(super) fn footprint(&self, rule: usize) -> Option<&Footprint> {
        self.footprints.get(rule)
    }

    /// The disjoint parts of a cell in which a decider would decide, each with its outcome. Every space that is cut by
    /// the rule gives the same parts in the same order.
    pub(super) fn pieces(
        &self,
        bundle: &Bundle,
        cell: &Cell,
        (decider, cuboid, footprint): (Decider, Option<&Cuboid>, Option<&Footprint>),
    ) -> Vec<(Outcome, Cell)> {
        match decider {
            Decider::Refusal(_) => {
                let refused = cuboid.and_then(|cuboid| Space::intersect(cell, cuboid));
                refused.map(|cell| (Outcome::error(bundle.on_error), cell)).into_iter().collect()
            }
            Decider::Rule(rule) => {
                let Some((footprint, rule)) = footprint.zip(self.rules.get(rule)) else { return Vec::new() };
                outcome_pieces(cell, footprint, RuleOutcomes::new(rule.effect, bundle.on_error))
            }
            Decider::Default => vec![(Outcome::decided(bundle.default_effect), cell.clone())],
        }
    }
}
