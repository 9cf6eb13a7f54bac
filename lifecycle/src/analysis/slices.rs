//! The (agent, action) classes that rules tell apart, and the rules that address each.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
};

use super::{
    Meter,
    space::{Footprint, Space},
};
use crate::bundle::{ActionPattern, AgentPattern, Rule, Schema};

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
    pub rules: Rc<[usize]>,
    /// The fields those rules test, and where each rule matches and decides. None when the schema leaves no valid
    /// input. Shared by slices that have the same rules and domain.
    pub space: Option<Rc<Mapped>>,
}

/// A space with the footprints of the rules that address it, in the same order.
#[derive(Debug)]
pub struct Mapped {
    /// The space.
    pub space: Space,
    /// One footprint a rule of the slice.
    pub footprints: Vec<Footprint>,
}

/// Cuts all (agent, action) pairs into slices. The rules are given in evaluation order. None when the budget runs out.
pub fn slices(rules: &[&Rule], schema: Option<&Schema>, meter: &mut Meter) -> Option<Vec<Slice>> {
    let enforced = schema.filter(|schema| schema.enforce);
    let mut slices = Vec::new();
    // Slices with the same rules and the same declared domain have the same space.
    let mut spaces: HashMap<(Rc<[usize]>, Option<&str>), Option<Rc<Mapped>>> = HashMap::new();
    for (agent, agent_named) in agents(rules, schema) {
        if !meter.spend(rules.len() as u64 / 16 + 1) {
            return None;
        }
        let addressed: Vec<usize> =
            rules.iter().enumerate().filter(|(_, rule)| rule.agent.matches(&agent)).map(|(rank, _)| rank).collect();
        let declared = schema.and_then(|schema| schema.agents.get(&agent));
        let mut named: BTreeSet<&str> = declared.iter().flat_map(|d| d.actions.iter().map(String::as_str)).collect();
        let mut by_action: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut any = Vec::new();
        for rank in addressed {
            match rules.get(rank).map(|rule| &rule.action) {
                Some(ActionPattern::Exact(name)) => {
                    named.insert(name);
                    by_action.entry(name).or_default().push(rank);
                }
                Some(ActionPattern::Any) => any.push(rank),
                None => {}
            }
        }
        let other = stand_in("other", |name| named.contains(name));
        for (action, action_named) in named.iter().map(|name| (*name, true)).chain([(other.as_str(), false)]) {
            let own = by_action.get(action).map(Vec::as_slice).unwrap_or_default();
            if !meter.spend((own.len() + any.len()) as u64 + 1) {
                return None;
            }
            let mut ranks: Vec<usize> = own.iter().chain(&any).copied().collect();
            ranks.sort_unstable();
            let ranks: Rc<[usize]> = ranks.into();
            let domain = enforced.and_then(|schema| schema.agents.get_key_value(&agent));
            let space = spaces
                .entry((Rc::clone(&ranks), domain.map(|(name, _)| name.as_str())))
                .or_insert_with(|| {
                    let members: Vec<&Rule> = ranks.iter().filter_map(|rank| rules.get(*rank).copied()).collect();
                    let space = Space::new(members.iter().copied(), domain.map(|(_, declared)| declared))?;
                    let footprints = members.iter().map(|rule| space.footprint(rule)).collect();
                    Some(Rc::new(Mapped { space, footprints }))
                })
                .clone();
            slices.push(Slice {
                agent: agent.clone(),
                action: action.to_owned(),
                named: agent_named && action_named,
                rules: ranks,
                space,
            });
        }
    }
    Some(slices)
}

/// One agent of every class: each that is named, one below each prefix, and one that nothing names.
fn agents(rules: &[&Rule], schema: Option<&Schema>) -> Vec<(String, bool)> {
    let mut exact: BTreeSet<&str> = schema.iter().flat_map(|schema| schema.agents.keys().map(String::as_str)).collect();
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
    let mut agents: Vec<(String, bool)> = exact.iter().map(|name| ((*name).to_owned(), true)).collect();
    for prefix in prefixes.iter().copied().chain([""]) {
        agents
            .push((format!("{prefix}{}", stand_in("other", |name| taken(prefix, &format!("{prefix}{name}")))), false));
    }
    agents
}

/// `base`, or `base1`, `base2`, … whichever is not taken first.
fn stand_in(base: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = (1..).map(|n: u64| format!("{base}{n}"));
    std::iter::once(base.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}
