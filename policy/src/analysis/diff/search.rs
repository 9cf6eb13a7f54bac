//! Which pairs of deciders, one before and one after, share inputs that they answer differently.

use std::collections::HashMap;

use super::{
    Outcome,
    coverage_cache::{self, First, Known},
    difference::{Decider, Difference, Part},
    rule_alignment::{AlignedRule, concerned, lay},
};
use crate::{
    analysis::{
        Meter,
        cover::Coverage,
        pieces,
        slices::{Pair, enforced},
        space::{Cell, Domain, Footprint, Region as Box, Space},
        table::Table,
    },
    bundle::{Bundle, Rule, Schema, schema::AgentSchema},
    engine::Input,
};

/// Both bundles, with every rule once: first the ones before, in their order, then those that are new or changed.
pub(super) struct Sides<'a> {
    pub(super) before: &'a Bundle,
    pub(super) after: &'a Bundle,
    pub(super) rules: Vec<&'a Rule>,
    space: Space,
    /// Nowhere for rules that share no agent and action with a changed one, which nobody asks about.
    prints: Vec<Footprint>,
    /// Where they decide; none where it would be too large.
    pub(super) table: Option<Table>,
    /// How many of the rules are those before.
    old: usize,
    /// For each rule its place in the order after; none when it is gone.
    ranks: Vec<Option<usize>>,
    changed: Vec<bool>,
    /// Those of the rules that are changed, new or gone.
    edited: Vec<&'a Rule>,
    /// Whether the default or `on_error` differ, so that any input may be answered otherwise.
    everywhere: bool,
}

/// What makes two pairs differ alike: their rules, and the names of the enforced declarations.
pub(super) type Key<'a> = (&'a [usize], Option<&'a str>);

/// A decider of one bundle in one slice.
struct Entry<'s> {
    decider: Decider,
    /// Where it decides; none for the default, which decides everywhere.
    region: Option<&'s Box>,
    /// Whether it is another one in the other bundle, or not there.
    changed: bool,
    /// For a rule that stays, its place in the other bundle.
    elsewhere: Option<usize>,
}

impl<'a> Sides<'a> {
    /// Lays both out. None when the budget does not suffice.
    pub(super) fn new(before: &'a Bundle, after: &'a Bundle, meter: &mut Meter) -> Option<Self> {
        let laid = lay(before, after);
        let everywhere = before.default_effect != after.default_effect || before.on_error != after.on_error;
        let all = everywhere || before.schema != after.schema;
        let concerned = if all { vec![true; laid.len()] } else { concerned(&laid) };
        let asked = || laid.iter().zip(&concerned).filter(|(_, concerned)| **concerned).map(|(laid, _)| laid.rule);
        if !meter.spend(Space::cost(asked())) {
            return None;
        }
        let enforced = |bundle: &'a Bundle| bundle.schema.as_ref().filter(|schema| schema.enforce);
        let schemas: Vec<&Schema> = [before, after].into_iter().filter_map(enforced).collect();
        let declared: Vec<&AgentSchema> = schemas.iter().flat_map(|schema| schema.agents.values()).collect();
        let domain = if declared.is_empty() { Domain::Open } else { Domain::CutBy(&declared) };
        let space = Space::new(asked(), domain)?;
        let nowhere = Footprint { matches: None, decides: None };
        let prints = laid.iter().zip(&concerned);
        let prints = prints.map(|(laid, asked)| if *asked { space.footprint(laid.rule) } else { nowhere.clone() });
        let prints: Vec<Footprint> = prints.collect();
        let table = Table::new(&space, prints.iter().map(|print| print.decides.as_ref()), meter);
        let rules = laid.iter().map(|laid| laid.rule).collect();
        let count = laid.iter().filter(|laid| laid.old).count();
        let ranks = laid.iter().map(|laid| laid.rank).collect();
        let changed: Vec<bool> = laid.iter().map(AlignedRule::changed).collect();
        let edited = laid.iter().filter(|laid| laid.changed()).map(|laid| laid.rule).collect();
        Some(Self { before, after, rules, space, prints, table, old: count, ranks, changed, edited, everywhere })
    }

    /// The schemas of both.
    pub(super) fn schemas(&self) -> Vec<&'a Schema> {
        self.before.schema.iter().chain(&self.after.schema).collect()
    }

    fn declared(&self, agent: &str) -> [Option<&'a AgentSchema>; 2] {
        [enforced(self.before, agent), enforced(self.after, agent)]
    }

    /// What both enforce alike for an agent, if they do: then what is outside is answered alike as well.
    pub(super) fn same_domain(&self, agent: &str) -> Option<Option<&'a AgentSchema>> {
        let [old, new] = self.declared(agent);
        let alike = old == new && (old.is_none() || self.before.on_error == self.after.on_error);
        alike.then_some(old)
    }

    /// What either enforces for an agent.
    pub(super) fn either(&self, agent: &str) -> Vec<&'a AgentSchema> {
        self.declared(agent).into_iter().flatten().collect()
    }

    /// Whether an agent may be answered otherwise at all.
    pub(super) fn concern(&self, agent: &str) -> bool {
        let edited = || self.edited.iter().any(|rule| rule.agent.matches(agent));
        self.everywhere || self.same_domain(agent).is_none() || edited()
    }

    /// What makes another pair differ alike; none when this one cannot differ.
    pub(super) fn key<'p>(&self, pair: &'p Pair) -> Option<Key<'p>>
    where
        'a: 'p,
    {
        let changed = pair.rules.iter().any(|rule| self.changed.get(*rule).copied().unwrap_or_default());
        let differs = self.everywhere || changed || self.same_domain(&pair.agent).is_none();
        let declared = self.declared(&pair.agent).iter().any(Option::is_some);
        differs.then(|| (pair.rules.as_slice(), declared.then_some(&*pair.agent)))
    }

    /// The inputs that the schema of either refuses for an agent, in a space that they cut.
    pub(super) fn refused(&self, agent: &str, space: &Space) -> [Vec<Box>; 2] {
        self.declared(agent).map(|declared| declared.map(|declared| space.refused(declared)).unwrap_or_default())
    }

    /// Where a rule of the bundle before matches and decides.
    pub(super) fn print_of(&self, rule: &Rule) -> Option<&Footprint> {
        let before = self.rules.get(..self.old)?;
        self.print(before.iter().position(|other| other.id == rule.id)?)
    }

    pub(super) fn print(&self, rule: usize) -> Option<&Footprint> {
        self.prints.get(rule)
    }

    /// What differs in a slice, or in a box of it, and whether all of it was searched.
    pub(super) fn search(
        &self,
        pair: &Pair,
        within: Option<&Box>,
        known: &mut Known,
        meter: &mut Meter,
    ) -> (Vec<Difference>, bool) {
        let mut full = self.space.full();
        let mut refusals: [Vec<Box>; 2] = Default::default();
        match self.same_domain(&pair.agent) {
            Some(None) => {}
            Some(Some(declared)) => {
                for (axis, field) in
                    declared.fields.iter().filter_map(|(name, field)| Some((self.space.axis(name)?, field)))
                {
                    let Some(set) = full.get_mut(axis) else { continue };
                    *set = set.and(&self.space.admitted(axis, field));
                    if set.is_empty() {
                        return (Vec::new(), true); // No input is valid: all are refused alike.
                    }
                }
            }
            None => refusals = self.refused(&pair.agent, &self.space),
        }
        if let Some(region) = within {
            match Space::intersect(&full, region) {
                Some(inside) => full = inside,
                None => return (Vec::new(), true),
            }
        }
        let split = pair.rules.partition_point(|rule| *rule < self.old);
        let before = pair.rules.get(..split).unwrap_or_default();
        let rank = |rule: &usize| self.ranks.get(*rule).copied().flatten();
        let mut after: Vec<usize> = pair.rules.iter().copied().filter(|rule| rank(rule).is_some()).collect();
        after.sort_unstable_by_key(rank);
        let [old_refusals, new_refusals] = &refusals;
        let (old, new) = (self.entries(old_refusals, before), self.entries(new_refusals, &after));
        let mut search = Search { sides: self, pair, full, old, new };
        search.note_places();
        let mut told = Told { found: Vec::new(), undecided: false, known };
        let ended = search.run(&mut told, meter).is_some();
        (told.found, ended && !told.undecided)
    }

    fn entries<'s>(&'s self, refusals: &'s [Box], rules: &[usize]) -> Vec<Entry<'s>> {
        let entry = |decider, region, changed| Entry { decider, region, changed, elsewhere: None };
        let refusals = refusals.iter().enumerate().map(|(at, region)| entry(Decider::Refusal(at), Some(region), true));
        let rules = rules.iter().filter_map(|rule| {
            let changed = self.changed.get(*rule).copied().unwrap_or_default();
            Some(entry(Decider::Rule(*rule), Some(self.print(*rule)?.decides.as_ref()?), changed))
        });
        refusals.chain(rules).chain([entry(Decider::Default, None, false)]).collect()
    }

    /// The disjoint parts of a cell in which a decider would decide, each with what it answers there. The same ones come
    /// out, in the same order, in every space that the rule cuts.
    pub(super) fn pieces(
        &self,
        bundle: &Bundle,
        cell: &Cell,
        (decider, region, print): (Decider, Option<&Box>, Option<&Footprint>),
    ) -> Vec<(Outcome, Cell)> {
        let error = Outcome { effect: bundle.on_error, error: true };
        match decider {
            Decider::Refusal(_) => {
                let refused = region.and_then(|region| Space::intersect(cell, region));
                refused.map(|cell| (error, cell)).into_iter().collect()
            }
            Decider::Rule(rule) => {
                let Some((print, rule)) = print.zip(self.rules.get(rule)) else { return Vec::new() };
                let pieces = pieces::pieces(cell, print, rule.effect).into_iter();
                pieces
                    .map(|(outcome, cell)| match outcome {
                        pieces::Outcome::Decided(effect) => (Outcome { effect, error: false }, cell),
                        pieces::Outcome::Error => (error, cell),
                    })
                    .collect()
            }
            Decider::Default => vec![(Outcome { effect: bundle.default_effect, error: false }, cell.clone())],
        }
    }

    fn pieces_of(&self, bundle: &Bundle, cell: &Cell, entry: &Entry<'_>) -> Vec<(Outcome, Cell)> {
        let print = if let Decider::Rule(rule) = entry.decider { self.print(rule) } else { None };
        self.pieces(bundle, cell, (entry.decider, entry.region, print))
    }
}

struct Search<'s, 'a> {
    sides: &'s Sides<'a>,
    pair: &'s Pair,
    full: Cell,
    old: Vec<Entry<'s>>,
    new: Vec<Entry<'s>>,
}

/// What a search found so far.
struct Told<'k> {
    found: Vec<Difference>,
    /// Some question was not decided.
    undecided: bool,
    known: &'k mut Known,
}

impl Search<'_, '_> {
    fn note_places(&mut self) {
        let places = |entries: &[Entry<'_>]| -> HashMap<usize, usize> {
            let rule = |(place, entry): (usize, &Entry<'_>)| match entry.decider {
                Decider::Rule(rule) if !entry.changed => Some((rule, place)),
                _ => None,
            };
            entries.iter().enumerate().filter_map(rule).collect()
        };
        let (old, new) = (places(&self.old), places(&self.new));
        for (entries, others) in [(&mut self.old, &new), (&mut self.new, &old)] {
            for entry in entries {
                if let Decider::Rule(rule) = entry.decider {
                    entry.elsewhere = others.get(&rule).copied();
                }
            }
        }
    }

    /// None when the budget is spent.
    fn run(&self, told: &mut Told<'_>, meter: &mut Meter) -> Option<()> {
        // What has changed before, against everything after it.
        for one in (0..self.old.len()).filter(|place| self.old.get(*place).is_some_and(|entry| entry.changed)) {
            self.against(one, true, told, meter)?;
        }
        // What has not changed before, against what has changed after it.
        for two in (0..self.new.len()).filter(|place| self.new.get(*place).is_some_and(|entry| entry.changed)) {
            self.against(two, false, told, meter)?;
        }
        if self.sides.everywhere {
            self.ask_the_same(told, meter)?;
        }
        Some(())
    }

    /// What has changed in one bundle, at `place`, against the deciders of the other one: all of them when it is one of
    /// those before, else those that have not changed. None when the budget is spent.
    fn against(&self, place: usize, is_before: bool, told: &mut Told<'_>, meter: &mut Meter) -> Option<()> {
        let (mine, others) = if is_before { (&self.old, &self.new) } else { (&self.new, &self.old) };
        let (my_bundle, other_bundle) = match (self.sides.before, self.sides.after) {
            (before, after) if is_before => (before, after),
            (before, after) => (after, before),
        };
        for (piece, (outcome, cell)) in
            self.sides.pieces_of(my_bundle, &self.full, mine.get(place)?).into_iter().enumerate()
        {
            let mut first = First::default();
            for entry in mine.get(..place)?.iter().filter(|entry| touches(&cell, entry)) {
                first.add(entry.decider, entry.region);
            }
            meter.spend(place as u64 / 8 + 1);
            // A number that no piece has: this is not about two of them.
            let decider = mine.get(place)?.decider;
            let question = (decider, decider, (piece, usize::MAX));
            let taken = coverage_cache::uncovered(self.sides, question, &cell, &first, told.known, meter);
            if matches!(taken, Coverage::Covered(_)) {
                continue;
            }
            for (at, other) in others.iter().enumerate() {
                // What stays and comes first in both is among those already.
                if other.elsewhere.is_some_and(|elsewhere| elsewhere < place) || !touches(&cell, other) {
                    continue;
                }
                if is_before || !other.changed {
                    for (number, instead, part) in self.parts(other_bundle, &cell, other, outcome) {
                        let (before, after, pieces) = if is_before {
                            ((outcome, place), (instead, at), (piece, number))
                        } else {
                            ((instead, at), (outcome, place), (number, piece))
                        };
                        self.ask(before, after, pieces, &part, &first, told, meter)?;
                    }
                }
                if other.region.is_none_or(|region| Space::is_within(&cell, region)) {
                    break; // Nothing behind it is asked here.
                }
                first.add(other.decider, other.region);
            }
        }
        Some(())
    }

    /// The parts of a cell, with their numbers among the pieces of the decider, in which it answers, and not `outcome`.
    fn parts(&self, bundle: &Bundle, cell: &Cell, entry: &Entry<'_>, outcome: Outcome) -> Vec<(usize, Outcome, Cell)> {
        let rule = if let Decider::Rule(rule) = entry.decider { self.sides.rules.get(rule) } else { None };
        let print = if let Decider::Rule(rule) = entry.decider { self.sides.print(rule) } else { None };
        let Some((rule, print)) = rule.zip(print) else {
            let pieces = self.sides.pieces_of(bundle, &self.full, entry).into_iter().enumerate();
            let others = pieces.filter(|(_, (instead, _))| *instead != outcome);
            return others
                .filter_map(|(at, (instead, part))| Some((at, instead, Space::common(cell, &part)?)))
                .collect();
        };
        let error = Outcome { effect: bundle.on_error, error: true };
        let decided = Outcome { effect: rule.effect, error: false };
        let told = |errs: bool| if errs { error } else { decided };
        let parts = pieces::pieces_inside(&self.full, cell, print, |errs| told(errs) != outcome);
        parts.into_iter().map(|(at, errs, part)| (at, told(errs), part)).collect()
    }

    /// The same decider before and after, which answers otherwise because the default or `on_error` does.
    fn ask_the_same(&self, told: &mut Told<'_>, meter: &mut Meter) -> Option<()> {
        let (before, after) = (self.sides.before, self.sides.after);
        for one in 0..self.old.len() {
            let entry = self.old.get(one)?;
            let two = match entry.decider {
                Decider::Default => self.new.len().checked_sub(1)?,
                _ => match entry.elsewhere {
                    Some(two) => two,
                    None => continue,
                },
            };
            let both = self.sides.pieces_of(before, &self.full, entry).into_iter();
            let both = both.zip(self.sides.pieces_of(after, &self.full, self.new.get(two)?));
            let mut first = First::default();
            let new = self.new.get(..two)?.iter().filter(|entry| entry.elsewhere.is_none_or(|place| place > one));
            self.old.get(..one)?.iter().chain(new).for_each(|entry| first.add(entry.decider, entry.region));
            for (piece, ((was, part), (is, _))) in both.enumerate() {
                self.ask((was, one), (is, two), (piece, piece), &part, &first, told, meter)?;
            }
        }
        Some(())
    }

    /// Asks for inputs of `part` that are decided by the one before and by the other after, none of which comes `first`.
    /// None when the budget is spent.
    #[expect(clippy::too_many_arguments, reason = "two deciders, what is asked about them, and where it goes")]
    fn ask(
        &self,
        (before, one): (Outcome, usize),
        (after, two): (Outcome, usize),
        pieces: (usize, usize),
        part: &Cell,
        first: &First<'_>,
        told: &mut Told<'_>,
        meter: &mut Meter,
    ) -> Option<()> {
        if before == after {
            return Some(());
        }
        if meter.exhausted() {
            return None;
        }
        let question = (self.old.get(one)?.decider, self.new.get(two)?.decider, pieces);
        match coverage_cache::uncovered(self.sides, question, part, first, told.known, meter) {
            Coverage::Open(point) => {
                let touching = |rule: &usize| {
                    let region = self.sides.print(*rule).and_then(|print| print.decides.as_ref());
                    region.is_some_and(|region| Space::touches(part, region))
                };
                let part = Part {
                    pieces,
                    first: first.numbers().filter(touching).collect(),
                    witness: Input {
                        agent: self.pair.agent.to_string(),
                        action: self.pair.action.to_string(),
                        context: self.sides.space.context(&point),
                    },
                };
                let (before, after) = ((before, self.old.get(one)?.decider), (after, self.new.get(two)?.decider));
                match told.found.iter_mut().find(|found| (found.before, found.after) == (before, after)) {
                    Some(found) => found.parts.push(part),
                    None => told.found.push(Difference { before, after, parts: vec![part] }),
                }
            }
            Coverage::Covered(_) => {}
            Coverage::Undecided => told.undecided = true,
        }
        Some(())
    }
}

fn touches(cell: &Cell, entry: &Entry<'_>) -> bool {
    entry.region.is_none_or(|region| Space::touches(cell, region))
}
