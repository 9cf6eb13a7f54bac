//! The (agent, action) classes that rules distinguish, and the rules that address each.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::Meter;
use crate::{
    bundle::{Bundle, NamePattern, Rule, Schema, name, schema::AgentSchema},
    engine::names::are_names,
};

/// One (agent, action) pair of a class that the rules treat alike.
#[derive(Debug, Clone)]
pub struct Pair {
    /// An agent of the class.
    pub agent: Arc<str>,
    /// An action of the class.
    pub action: Arc<str>,
    /// Whether a rule or a schema names the agent.
    pub agent_named: bool,
    /// Whether a rule or a schema names the action.
    pub action_named: bool,
    /// The rules that address the pair, as ascending positions in the given list of rules.
    pub rules: Vec<usize>,
}

impl Pair {
    /// Whether agent and action are both named rather than stand-ins for "any other".
    pub fn named(&self) -> bool {
        self.agent_named && self.action_named
    }
}

/// Finds the class that an agent and an action belong to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Classes {
    agents: Representatives,
    /// The actions, by the representative of each class of agents.
    actions: HashMap<Arc<str>, Representatives>,
}

/// One name for every class of names that some patterns distinguish.
#[derive(Debug, Clone, Default, PartialEq)]
struct Representatives {
    /// Named names, each a class of its own.
    exact: BTreeSet<Arc<str>>,
    /// Prefixes, each with the stand-in for the names that this is the longest prefix of; the empty prefix stands for
    /// all other names.
    below: BTreeMap<String, Arc<str>>,
}

impl Representatives {
    /// The representative of the class of a name; `None` when the class was not wanted.
    fn of<'a>(&'a self, name: &str) -> Option<&'a Arc<str>> {
        let longest = || name::prefixes(name).filter_map(|prefix| self.below.get(prefix)).last();
        self.exact.get(name).or_else(longest).or_else(|| self.below.get(""))
    }
}

impl Classes {
    /// The pair that represents the class of this agent and action; `None` for agents that were not wanted, and for
    /// what is no name.
    pub fn representative(&self, agent: &str, action: &str) -> Option<(&str, &str)> {
        if !are_names(agent, action) {
            return None;
        }
        let agent = self.agents.of(agent)?;
        let action = self.actions.get(agent)?.of(action)?;
        Some((agent, action))
    }
}

/// One pair of every class that the rules and schemas distinguish, for the wanted agents. Returns `None` when the
/// budget runs out.
pub fn pairs(
    rules: &[&Rule],
    schemas: &[&Schema],
    wanted: impl Fn(&str) -> bool,
    meter: &mut Meter,
) -> Option<(Vec<Pair>, Classes)> {
    let mut roster = Roster::default();
    for (position, rule) in rules.iter().enumerate() {
        roster.add(&rule.agent, position);
    }
    roster.name(schemas.iter().flat_map(|schema| schema.agents.keys().map(String::as_str)));
    let mut pairs = Vec::new();
    let mut classes = Classes::default();
    for Class { name: agent, prefix } in roster.classes() {
        let agent: Arc<str> = agent.into();
        let agent_named = prefix.is_none();
        classes.agents.add(Arc::clone(&agent), prefix);
        if !wanted(&agent) {
            continue;
        }
        let addressed = roster.addressed(&agent);
        // The work is charged twice, because the positions are stored: that bounds the memory as well.
        if !meter.spend(addressed.len() as u64 * 2 + 1) {
            return None;
        }
        let mut asked = Roster::default();
        for position in addressed {
            if let Some(rule) = rules.get(position) {
                asked.add(&rule.action, position);
            }
        }
        let declared = schemas.iter().filter_map(|schema| schema.agents.get(&*agent)).flat_map(|agent| &agent.actions);
        asked.name(declared.map(String::as_str));
        let actions = classes.actions.entry(Arc::clone(&agent)).or_default();
        for Class { name: action, prefix } in asked.classes() {
            let rules = asked.addressed(&action);
            // Of the rules, those that several classes share.
            let shared = rules.len() - asked.exact.get(action.as_str()).map_or(0, Vec::len);
            if prefix.as_deref() != Some("") && !meter.spend(shared as u64 * 2 + 1) {
                return None;
            }
            let action: Arc<str> = action.into();
            let action_named = prefix.is_none();
            actions.add(Arc::clone(&action), prefix);
            pairs.push(Pair { agent: Arc::clone(&agent), action, agent_named, action_named, rules });
        }
    }
    Some((pairs, classes))
}

impl Representatives {
    fn add(&mut self, name: Arc<str>, prefix: Option<String>) {
        match prefix {
            Some(prefix) => drop(self.below.insert(prefix, name)),
            None => drop(self.exact.insert(name)),
        }
    }
}

/// The declaration of an enforced schema for an agent.
pub fn enforced<'a>(bundle: &'a Bundle, agent: &str) -> Option<&'a AgentSchema> {
    bundle.schema.as_ref().filter(|schema| schema.enforce)?.agents.get(agent)
}

/// Rules by the names that one of their patterns matches: of agents, or of actions.
#[derive(Default)]
struct Roster<'a> {
    exact: BTreeMap<&'a str, Vec<usize>>,
    below: BTreeMap<&'a str, Vec<usize>>,
    any: Vec<usize>,
}

/// A class of names that the same patterns match.
struct Class {
    /// A name of the class.
    name: String,
    /// Of a class of names that nobody wrote down, the longest prefix that rules have for them.
    prefix: Option<String>,
}

impl<'a> Roster<'a> {
    fn add(&mut self, pattern: &'a NamePattern, position: usize) {
        match pattern {
            NamePattern::Exact(name) => self.exact.entry(name).or_default().push(position),
            NamePattern::Prefix(prefix) => self.below.entry(prefix).or_default().push(position),
            NamePattern::Any => self.any.push(position),
        }
    }

    /// Adds names that have classes of their own although perhaps no rule names them.
    fn name(&mut self, names: impl Iterator<Item = &'a str>) {
        for name in names {
            self.exact.entry(name).or_default();
        }
    }

    /// The rules that match a name, ascending.
    fn addressed(&self, name: &str) -> Vec<usize> {
        let mut rules = self.any.clone();
        rules.extend(self.exact.get(name).into_iter().flatten());
        if !self.below.is_empty() {
            let below = name::prefixes(name).filter_map(|prefix| self.below.get(prefix));
            rules.extend(below.flatten());
        }
        rules.sort_unstable();
        rules
    }

    /// Every class: each written name, the other names below each prefix, and all other names.
    fn classes(&self) -> Vec<Class> {
        let mut classes: Vec<Class> =
            self.exact.keys().map(|name| Class { name: (*name).to_owned(), prefix: None }).collect();
        for prefix in self.below.keys().copied().chain([""]) {
            classes.extend(self.stand_in(prefix).map(|name| Class { name, prefix: Some(prefix.to_owned()) }));
        }
        classes
    }

    /// A name that nobody wrote down and that has no longer prefix than `prefix` among those of the rules; `None` when
    /// there is no such name, which takes a prefix of nearly the full length and all names below it written down.
    fn stand_in(&self, prefix: &str) -> Option<String> {
        // Without a separator, a stand-in is below no longer prefix, so that only written names are in its way.
        let readable = std::iter::once(String::new()).chain((1..).map(|number: u64| number.to_string()));
        let readable = readable.map(|number| format!("{prefix}other{number}"));
        let readable = readable.take_while(|name| name.len() <= name::MAX_LENGTH);
        if let Some(name) = readable.take(self.exact.len() + 1).find(|name| !self.exact.contains_key(name.as_str())) {
            return Some(name);
        }
        let mut shorter = vec![prefix.to_owned()];
        for _ in prefix.len()..name::MAX_LENGTH {
            let mut taken = Vec::new();
            for name in shorter.iter().flat_map(|name| name::characters().map(move |next| format!("{name}{next}"))) {
                if !self.exact.contains_key(name.as_str()) {
                    return Some(name);
                }
                // What goes on after a longer prefix is of another class.
                if !self.below.contains_key(name.as_str()) {
                    taken.push(name);
                }
            }
            shorter = taken;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        engine::{arbitrary, decide::addresses},
        random::Random,
    };

    proptest! {
        #[test]
        fn every_input_is_addressed_as_the_pair_of_its_class(
            bundle in arbitrary::bundle(0..9), inputs in prop::collection::vec(arbitrary::input(), 1..9), seed: u64,
        ) {
            let rules: Vec<&Rule> = bundle.rules.iter().collect();
            let (pairs, classes) = pairs(&rules, &[], |_| true, &mut Meter::default()).unwrap();
            let mut random = Random::new(seed);
            for mut input in inputs {
                if random.chance(20) {
                    input.agent.push_str("other");
                }
                if random.chance(20) {
                    input.action.push_str("other");
                }
                let stands = classes.representative(&input.agent, &input.action);
                prop_assert_eq!(stands.is_some(), are_names(&input.agent, &input.action));
                let Some(stands) = stands else { continue };
                let pair = pairs.iter().find(|pair| (&*pair.agent, &*pair.action) == stands).unwrap();
                let addressed = rules.iter().enumerate().filter(|(_, rule)| addresses(rule, (&input).into()));
                prop_assert_eq!(&pair.rules, &addressed.map(|(at, _)| at).collect::<Vec<_>>(), "seed {}", seed);
            }
        }
    }

    /// The classes of every name over a small alphabet, found by comparing the rules that match: each class that has a
    /// name has one representative, and no representative stands for a class of another one.
    #[test]
    fn classes_are_those_of_all_names_even_where_no_name_is_left() {
        let long = format!("{}_", "a".repeat(name::MAX_LENGTH - 2));
        let all: Vec<NamePattern> = name::characters().map(|c| NamePattern::Exact(format!("{long}{c}"))).collect();
        let whole = NamePattern::Prefix(long.clone());
        let mut roster = Roster::default();
        roster.add(&whole, 0);
        for (at, pattern) in all.iter().enumerate().skip(1) {
            roster.add(pattern, at);
        }
        let last = all.first().unwrap().to_string();
        assert_eq!(roster.stand_in(&long), Some(last), "the only name that is left");
        roster.add(all.first().unwrap(), all.len());
        assert_eq!(roster.stand_in(&long), None, "no name is left");
        assert_eq!(roster.classes().len(), all.len() + 1);
        // Two characters are left below a shorter prefix, one of which may be a separator with a pattern of its own.
        let shorter = format!("{}_", "a".repeat(name::MAX_LENGTH - 3));
        let longer = NamePattern::Prefix(format!("{shorter}-"));
        let (pattern, all): (_, Vec<NamePattern>) = (
            NamePattern::Prefix(shorter.clone()),
            name::characters().map(|c| NamePattern::Exact(format!("{shorter}{c}"))).collect(),
        );
        let mut roster = Roster::default();
        for (at, pattern) in [&pattern, &longer].into_iter().chain(&all).enumerate() {
            roster.add(pattern, at);
        }
        let left = roster.stand_in(&shorter).unwrap();
        assert!(left.len() == name::MAX_LENGTH && left.starts_with(&shorter) && !longer.matches(&left), "{left}");
    }

    fn patterns() -> impl Strategy<Value = Vec<NamePattern>> {
        let pattern = "[ab_-]{1,3}\\*?".prop_filter_map("a pattern", |text| NamePattern::parse(&text));
        prop::collection::vec(prop_oneof![6 => pattern, 1 => Just(NamePattern::Any)], 0..9)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn classes_agree_with_trying_every_short_name(patterns in patterns()) {
            let mut roster = Roster::default();
            for (at, pattern) in patterns.iter().enumerate() {
                roster.add(pattern, at);
            }
            let mut representatives = Representatives::default();
            for Class { name, prefix } in roster.classes() {
                representatives.add(name.into(), prefix);
            }
            let mut names: Vec<String> = vec![String::new()];
            for length in 0..4 {
                let longer = names.iter().filter(|name| name.len() == length);
                let longer = longer.flat_map(|name| ["a", "b", "_", "-"].map(|next| format!("{name}{next}")));
                names.extend(longer.collect::<Vec<_>>());
            }
            for name in names.iter().filter(|name| name::is_name(name)) {
                let matching: Vec<usize> =
                    patterns.iter().enumerate().filter(|(_, pattern)| pattern.matches(name)).map(|(at, _)| at).collect();
                prop_assert_eq!(&roster.addressed(name), &matching, "{}", name);
                let stand_in = representatives.of(name).unwrap();
                prop_assert_eq!(&roster.addressed(stand_in), &matching, "{} stands for {}", stand_in, name);
                prop_assert!(name::is_name(stand_in));
            }
        }
    }
}
