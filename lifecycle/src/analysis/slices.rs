//! The (agent, action) classes that rules tell apart, and the rules that address each.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    Meter,
    memo::{self, Digest},
    space::{Domain, Footprint, Space},
};
use crate::bundle::{ActionPattern, AgentPattern, Bundle, Rule, Schema, schema::AgentSchema};

/// One class of (agent, action) pairs that the rules treat alike.
#[derive(Debug, Clone)]
pub struct Slice {
    /// An agent of the class.
    pub agent: String,
    /// An action of the class.
    pub action: String,
    /// Whether agent and action are both named by a rule or by the schema, not stand-ins for "any other".
    pub named: bool,
    /// The rules that address it, in evaluation order, as positions in the sorted list.
    pub rules: Arc<[usize]>,
    /// Names its rules, their order and its domain: slices with the same digest have the same space and answers.
    pub digest: Digest,
}

/// A space with the footprints of the rules that address it, in the same order.
#[derive(Debug)]
pub struct Mapped {
    /// The space.
    pub space: Space,
    /// One footprint a rule of the slice.
    pub footprints: Vec<Footprint>,
}

/// One (agent, action) pair of a class.
#[derive(Debug, Clone)]
pub struct Pair {
    /// An agent of the class.
    pub agent: String,
    /// An action of the class.
    pub action: String,
    /// Whether a rule or a schema names the agent.
    pub agent_named: bool,
    /// Whether a rule or a schema names the action.
    pub action_named: bool,
}

/// Tells to which class an agent and an action belong.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Classes {
    /// Named agents.
    exact: BTreeSet<String>,
    /// Prefixes, each with the stand-in for the agents below it that nothing names; the empty one is for all others.
    below: Vec<(String, String)>,
    /// For the representative of each class of agents: the named actions, and the stand-in for the others.
    actions: HashMap<String, (BTreeSet<String>, String)>,
}

impl Classes {
    /// The pair that stands for the class of this agent and action.
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

/// One pair of every class that the rules and schemas tell apart. None when the budget runs out.
pub fn pairs(rules: &[&Rule], schemas: &[&Schema], meter: &mut Meter) -> Option<(Vec<Pair>, Classes)> {
    let mut pairs = Vec::new();
    let mut classes = Classes::default();
    for (agent, below) in agents(rules, schemas) {
        let agent_named = below.is_none();
        match below {
            Some(prefix) => classes.below.push((prefix, agent.clone())),
            None => {
                classes.exact.insert(agent.clone());
            }
        }
        if !meter.spend(rules.len() as u64 / 16 + 1) {
            return None;
        }
        let declared = schemas.iter().filter_map(|schema| schema.agents.get(&agent)).flat_map(|agent| &agent.actions);
        let mut named: BTreeSet<&str> = declared.map(String::as_str).collect();
        for rule in rules.iter().filter(|rule| rule.agent.matches(&agent)) {
            if let ActionPattern::Exact(name) = &rule.action {
                named.insert(name);
            }
        }
        let other = stand_in("other", |name| named.contains(name));
        let actions = named.iter().map(|name| (*name, true)).chain([(other.as_str(), false)]);
        pairs.extend(actions.map(|(action, action_named)| Pair {
            agent: agent.clone(),
            action: action.to_owned(),
            agent_named,
            action_named,
        }));
        if !meter.spend(named.len() as u64) {
            return None;
        }
        let named = named.into_iter().map(str::to_owned).collect();
        classes.actions.insert(agent, (named, other));
    }
    Some((pairs, classes))
}

/// Cuts all (agent, action) pairs into slices. The rules are given in evaluation order. None when the budget runs out.
pub fn slices(bundle: &Bundle, rules: &[&Rule], meter: &mut Meter) -> Option<Vec<Slice>> {
    let schemas: Vec<&Schema> = bundle.schema.iter().collect();
    let contents: Vec<Digest> = rules.iter().map(|rule| memo::of_rule(rule)).collect();
    let mut slices = Vec::new();
    let mut agent: Option<(String, Vec<usize>, Option<Digest>)> = None;
    for pair in pairs(rules, &schemas, meter)?.0 {
        let (addressed, domain) = match agent.take() {
            Some((name, addressed, domain)) if name == pair.agent => (addressed, domain),
            _ => {
                let domain = declared(bundle, &pair.agent).map(memo::of_domain);
                (ranks(rules, |rule| rule.agent.matches(&pair.agent)), domain)
            }
        };
        if !meter.spend(addressed.len() as u64 / 4 + 1) {
            return None;
        }
        let asks = |rank: &usize| rules.get(*rank).is_some_and(|rule| rule.action.matches(&pair.action));
        let ranks: Arc<[usize]> = addressed.iter().copied().filter(asks).collect();
        let contents = ranks.iter().filter_map(|rank| contents.get(*rank).copied());
        let digest = memo::of_slice(contents, domain, bundle.default_effect);
        let named = pair.agent_named && pair.action_named;
        slices.push(Slice { agent: pair.agent.clone(), action: pair.action, named, rules: ranks, digest });
        agent = Some((pair.agent, addressed, domain));
    }
    Some(slices)
}

/// What an enforced schema declares for an agent.
fn declared<'a>(bundle: &'a Bundle, agent: &str) -> Option<&'a AgentSchema> {
    bundle.schema.as_ref().filter(|schema| schema.enforce)?.agents.get(agent)
}

/// The space of a slice, with where each of its rules matches and decides. None when the schema leaves no valid input.
pub fn mapped(bundle: &Bundle, rules: &[&Rule], slice: &Slice) -> Option<Arc<Mapped>> {
    let members: Vec<&Rule> = slice.rules.iter().filter_map(|rank| rules.get(*rank).copied()).collect();
    let domain = declared(bundle, &slice.agent).map_or(Domain::Open, Domain::Inside);
    let space = Space::new(members.iter().copied(), domain)?;
    let footprints = members.iter().map(|rule| space.footprint(rule)).collect();
    Some(Arc::new(Mapped { space, footprints }))
}

fn ranks(rules: &[&Rule], wanted: impl Fn(&Rule) -> bool) -> Vec<usize> {
    rules.iter().enumerate().filter(|(_, rule)| wanted(rule)).map(|(rank, _)| rank).collect()
}

/// One agent of every class: each that is named, one below each prefix, and one that nothing names. A stand-in comes
/// with the prefix it stands below.
fn agents(rules: &[&Rule], schemas: &[&Schema]) -> Vec<(String, Option<String>)> {
    let mut exact: BTreeSet<&str> =
        schemas.iter().flat_map(|schema| schema.agents.keys().map(String::as_str)).collect();
    let mut prefixes: BTreeSet<&str> = BTreeSet::new();
    for rule in rules {
        match &rule.agent {
            AgentPattern::Exact(name) => {
                exact.insert(name);
            }
            AgentPattern::Prefix(prefix) => {
                prefixes.insert(prefix);
            }
            AgentPattern::Any => {}
        }
    }
    let taken = |under: &str, name: &str| {
        exact.contains(name) || prefixes.iter().any(|other| other.len() > under.len() && name.starts_with(other))
    };
    let mut agents: Vec<(String, Option<String>)> = exact.iter().map(|name| ((*name).to_owned(), None)).collect();
    for prefix in prefixes.iter().copied().chain([""]) {
        let stand_in = stand_in("other", |name| taken(prefix, &format!("{prefix}{name}")));
        agents.push((format!("{prefix}{stand_in}"), Some(prefix.to_owned())));
    }
    agents
}

/// `base`, or `base1`, `base2`, … whichever is not taken first.
fn stand_in(base: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = (1..).map(|n: u64| format!("{base}{n}"));
    std::iter::once(base.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}
