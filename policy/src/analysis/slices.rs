//! The (agent, action) classes that rules distinguish, and the rules that address each.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::Meter;
use crate::bundle::{ActionPattern, AgentPattern, Bundle, Rule, Schema, schema::AgentSchema};

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
    /// Named agents.
    exact: BTreeSet<Arc<str>>,
    /// Prefixes, each with the stand-in for the unnamed agents with that prefix; the empty prefix stands for all other
    /// agents.
    below: Vec<(String, Arc<str>)>,
    /// The actions, by the representative of each class of agents.
    actions: HashMap<Arc<str>, Actions>,
}

/// The named actions, and the stand-in for all other actions.
type Actions = (BTreeSet<Arc<str>>, Arc<str>);

impl Classes {
    /// The pair that represents the class of this agent and action; `None` for agents that were not wanted.
    pub fn representative(&self, agent: &str, action: &str) -> Option<(&str, &str)> {
        let agent = match self.exact.get(agent) {
            Some(named) => named,
            None => {
                let below = |prefix: &str| agent.len() > prefix.len() && agent.starts_with(prefix);
                let fits = self.below.iter().filter(|(prefix, _)| prefix.is_empty() || below(prefix));
                &fits.max_by_key(|(prefix, _)| prefix.len())?.1
            }
        };
        let (named, other) = self.actions.get(agent)?;
        Some((agent, named.get(action).unwrap_or(other)))
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
    let roster = Roster::new(rules);
    let mut pairs = Vec::new();
    let mut classes = Classes::default();
    for (agent, below) in agents(&roster, schemas) {
        let agent: Arc<str> = agent.into();
        let agent_named = below.is_none();
        match below {
            Some(prefix) => classes.below.push((prefix, Arc::clone(&agent))),
            None => {
                classes.exact.insert(Arc::clone(&agent));
            }
        }
        if !wanted(&agent) {
            continue;
        }
        let addressed = roster.addressed(&agent);
        // The work is charged twice, because the positions are stored: that bounds the memory as well.
        if !meter.spend(addressed.len() as u64 * 2 + 1) {
            return None;
        }
        let declared = schemas.iter().filter_map(|schema| schema.agents.get(&*agent)).flat_map(|agent| &agent.actions);
        // For each named action, the rules that name it.
        let mut named: BTreeMap<&str, Vec<usize>> = declared.map(|action| (action.as_str(), Vec::new())).collect();
        let mut any = Vec::new();
        for position in addressed {
            match rules.get(position).map(|rule| &rule.action) {
                Some(ActionPattern::Exact(name)) => named.entry(name).or_default().push(position),
                Some(ActionPattern::Any) => any.push(position),
                None => {}
            }
        }
        let other: Arc<str> = stand_in("other", |name| named.contains_key(name)).into();
        let mut actions = BTreeSet::new();
        for (action, mut rules) in named {
            if !meter.spend(any.len() as u64 * 2 + 1) {
                return None;
            }
            rules.extend_from_slice(&any);
            rules.sort_unstable();
            let action: Arc<str> = action.into();
            actions.insert(Arc::clone(&action));
            pairs.push(Pair { agent: Arc::clone(&agent), action, agent_named, action_named: true, rules });
        }
        pairs.push(Pair {
            agent: Arc::clone(&agent),
            action: Arc::clone(&other),
            agent_named,
            action_named: false,
            rules: any,
        });
        classes.actions.insert(agent, (actions, other));
    }
    Some((pairs, classes))
}

/// The declaration of an enforced schema for an agent.
pub fn enforced<'a>(bundle: &'a Bundle, agent: &str) -> Option<&'a AgentSchema> {
    bundle.schema.as_ref().filter(|schema| schema.enforce)?.agents.get(agent)
}

/// The rules, by the agents that they address.
struct Roster<'a> {
    exact: BTreeMap<&'a str, Vec<usize>>,
    below: BTreeMap<&'a str, Vec<usize>>,
    any: Vec<usize>,
}

impl<'a> Roster<'a> {
    fn new(rules: &[&'a Rule]) -> Self {
        let mut roster = Self { exact: BTreeMap::new(), below: BTreeMap::new(), any: Vec::new() };
        for (position, rule) in rules.iter().enumerate() {
            match &rule.agent {
                AgentPattern::Exact(name) => roster.exact.entry(name).or_default().push(position),
                AgentPattern::Prefix(prefix) => roster.below.entry(prefix).or_default().push(position),
                AgentPattern::Any => roster.any.push(position),
            }
        }
        roster
    }

    /// The rules that address an agent, ascending.
    fn addressed(&self, agent: &str) -> Vec<usize> {
        let mut rules = self.any.clone();
        rules.extend(self.exact.get(agent).into_iter().flatten());
        // A prefix ends in a dot, and something must follow.
        for (dot, _) in agent.match_indices('.').filter(|(dot, _)| dot + 1 < agent.len()) {
            rules.extend(agent.get(..=dot).and_then(|prefix| self.below.get(prefix)).into_iter().flatten());
        }
        rules.sort_unstable();
        rules
    }
}

/// One agent of every class: each named agent, one stand-in per prefix, and one stand-in for all other agents. A
/// stand-in comes with its prefix.
fn agents(roster: &Roster<'_>, schemas: &[&Schema]) -> Vec<(String, Option<String>)> {
    let declared = schemas.iter().flat_map(|schema| schema.agents.keys().map(String::as_str));
    let exact: BTreeSet<&str> = roster.exact.keys().copied().chain(declared).collect();
    // A prefix ends in a dot.
    let below = |under: &str, name: &str| {
        let dots = name.match_indices('.').filter(|(dot, _)| *dot >= under.len());
        dots.filter_map(|(dot, _)| name.get(..=dot)).any(|prefix| roster.below.contains_key(prefix))
    };
    let taken = |under: &str, name: &str| exact.contains(name) || below(under, name);
    let mut agents: Vec<(String, Option<String>)> = exact.iter().map(|name| ((*name).to_owned(), None)).collect();
    for prefix in roster.below.keys().copied().chain([""]) {
        let stand_in = stand_in("other", |name| taken(prefix, &format!("{prefix}{name}")));
        agents.push((format!("{prefix}{stand_in}"), Some(prefix.to_owned())));
    }
    agents
}

/// The first of `base`, `base1`, `base2`, … that is not yet taken.
fn stand_in(base: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = (1..).map(|n: u64| format!("{base}{n}"));
    std::iter::once(base.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
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
                let stands = classes.representative(&input.agent, &input.action).unwrap();
                let pair = pairs.iter().find(|pair| (&*pair.agent, &*pair.action) == stands).unwrap();
                let addressed = rules.iter().enumerate().filter(|(_, rule)| addresses(rule, (&input).into()));
                prop_assert_eq!(&pair.rules, &addressed.map(|(at, _)| at).collect::<Vec<_>>(), "seed {}", seed);
            }
        }
    }
}
