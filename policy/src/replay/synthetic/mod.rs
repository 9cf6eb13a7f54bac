//! Generated cases. Boundary cases come first: for every condition of every rule, an input just below, at and just
//! above the threshold (each listed value and another one, present and absent), with the rule's other conditions met
//! where possible. Random cases over the schema and the values that rules mention follow.
//!
//! The same bundle, count and seed give the same cases, in the same order, on every machine.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::{Map, Value};

use super::{
    Case,
    boundary::{tidy, variant_count, variants},
};
use crate::{
    analysis::space::context::place,
    bundle::{
        Bundle, NamePattern, Rule, Scalar, Schema,
        condition::number_value as number,
        name,
        schema::{Field, FieldType},
    },
    engine::{
        condition::{ConditionResult, apply},
        schema::admits,
    },
    random::Random,
};

/// Maximum number of cases that one run generates.
pub const MAX_CASES: usize = 1_000_000;

/// An agent and an action that no rule names, to exercise the default.
const STRANGER: (&str, &str) = ("unlisted.agent", "unlisted_action");

/// `count` cases (at most [`MAX_CASES`]) for `bundle`.
pub fn cases(bundle: &Bundle, count: usize, seed: u64) -> Vec<Case> {
    let count = count.min(MAX_CASES);
    let world = World::new(bundle);
    let mut random = Random::new(seed);
    let mut cases = Vec::with_capacity(count);
    for index in world.boundaries(count, &mut random) {
        cases.extend(world.boundary(index));
    }
    while cases.len() < count {
        cases.push(world.random(&mut random));
    }
    cases.truncate(count);
    for (number, case) in (1_u32..).zip(&mut cases) {
        case.case_id = format!("synthetic-{seed}-{number:06}");
    }
    cases
}

/// Maximum number of values collected for one field.
const MOST_VALUES: usize = 256;

/// One boundary: a variant of a condition of a rule.
#[derive(Debug, Clone, Copy)]
struct Boundary<'a> {
    rule: &'a Rule,
    at: usize,
    variant: usize,
}

struct World<'a> {
    // Sorted by id, so that the order of the document does not matter.
    rules: Vec<&'a Rule>,
    schema: Option<&'a Schema>,
    agents: Vec<String>,
    actions: BTreeMap<String, Vec<String>>,
    /// Values worth trying, by field.
    values: BTreeMap<String, Vec<Value>>,
    /// Fields worth setting, by agent.
    fields: BTreeMap<String, Vec<String>>,
}

/// The actions and fields in the rules of one agent pattern. The number is bounded, because every agent that matches a
/// wildcard inherits them.
#[derive(Debug, Default)]
struct Vocabulary<'a> {
    actions: BTreeSet<String>,
    fields: BTreeSet<&'a str>,
}

impl<'a> Vocabulary<'a> {
    const MOST: usize = 64;

    fn add(&mut self, rule: &'a Rule) {
        if rule.action != NamePattern::Any && self.actions.len() < Self::MOST {
            self.actions.insert(rule.action.example(STRANGER.1));
        }
        for condition in &rule.conditions {
            if self.fields.len() < Self::MOST {
                self.fields.insert(&condition.field);
            }
        }
    }
}

impl<'a> World<'a> {
    fn new(bundle: &'a Bundle) -> Self {
        let mut rules: Vec<&Rule> = bundle.rules.iter().filter(|rule| rule.enabled).collect();
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        let schema = bundle.schema.as_ref();
        let mut agents: BTreeSet<String> = rules.iter().map(|rule| rule.agent.example(STRANGER.0)).collect();
        agents.extend(schema.iter().flat_map(|schema| schema.agents.keys().cloned()));
        agents.insert(STRANGER.0.to_owned());
        let mut values: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for condition in rules.iter().flat_map(|rule| &rule.conditions) {
            let list = values.entry(condition.field.clone()).or_default();
            for value in variants(condition, None).into_iter().flatten() {
                if list.len() < MOST_VALUES && !list.contains(&value) {
                    list.push(value);
                }
            }
        }
        let mut spoken: BTreeMap<&NamePattern, Vocabulary<'a>> = BTreeMap::new();
        for rule in &rules {
            spoken.entry(&rule.agent).or_default().add(rule);
        }
        let mut world = Self {
            rules,
            schema,
            agents: agents.into_iter().collect(),
            actions: BTreeMap::new(),
            values,
            fields: BTreeMap::new(),
        };
        for agent in &world.agents {
            let patterns = [NamePattern::Any, NamePattern::Exact(agent.clone())]
                .into_iter()
                .chain(name::prefixes(agent).map(|prefix| NamePattern::Prefix(prefix.to_owned())));
            let mut actions: BTreeSet<&str> = BTreeSet::from([STRANGER.1]);
            let mut fields: BTreeSet<&str> = BTreeSet::new();
            for vocabulary in patterns.filter_map(|pattern| spoken.get(&pattern)) {
                actions.extend(vocabulary.actions.iter().map(String::as_str));
                fields.extend(&vocabulary.fields);
            }
            if let Some(declared) = schema.and_then(|schema| schema.agents.get(agent)) {
                actions.extend(declared.actions.iter().map(String::as_str));
                fields.extend(declared.fields.keys().map(String::as_str));
            }
            world.actions.insert(agent.clone(), actions.into_iter().map(str::to_owned).collect());
            world.fields.insert(agent.clone(), fields.into_iter().map(str::to_owned).collect());
        }
        world
    }

    /// At most `count` boundaries, selected evenly when there are more.
    fn boundaries(&self, count: usize, random: &mut Random) -> Vec<Boundary<'a>> {
        let all = || {
            self.rules.iter().flat_map(|rule| {
                let bare = rule.conditions.is_empty().then_some(Boundary { rule, at: 0, variant: 0 });
                let conditions = rule.conditions.iter().enumerate().flat_map(move |(at, condition)| {
                    (0..variant_count(condition)).map(move |variant| Boundary { rule, at, variant })
                });
                bare.into_iter().chain(conditions)
            })
        };
        // Selection sampling (Knuth, volume 2, algorithm S) keeps the order and needs no list of all boundaries.
        let mut left = all().count();
        let mut wanted = count.min(left);
        all()
            .filter(|_| {
                let take = wanted == left || random.below(left) < wanted;
                left -= 1;
                wanted -= usize::from(take);
                take
            })
            .collect()
    }

    fn boundary(&self, boundary: Boundary<'_>) -> Option<Case> {
        let Boundary { rule, at, variant } = boundary;
        let agent = rule.agent.example(STRANGER.0);
        let action = match &rule.action {
            NamePattern::Any => self.actions.get(&agent)?.first()?.clone(),
            pattern => pattern.example(STRANGER.1),
        };
        let mut wanted: BTreeMap<&str, Option<Value>> = BTreeMap::new();
        for condition in &rule.conditions {
            if !wanted.contains_key(condition.field.as_str()) {
                let value = self.satisfying(&agent, rule, &condition.field);
                wanted.insert(&condition.field, value);
            }
        }
        if let Some(condition) = rule.conditions.get(at) {
            let declared = self.declared(&agent, &condition.field);
            let value = variants(condition, declared.map(|field| field.kind)).into_iter().nth(variant)?;
            if self.admitted(&agent, &condition.field, value.as_ref()) {
                wanted.insert(&condition.field, value);
            }
        }
        self.fill_required(&agent, &mut wanted);
        let mut context = Map::new();
        for (field, value) in wanted {
            if let Some(value) = value {
                place(&mut context, field, value);
            }
        }
        Some(Case { case_id: String::new(), agent, action, context, expected_effect: None })
    }

    /// A value of `field` that meets every condition that the rule puts on the field; `None` stands for absent.
    fn satisfying(&self, agent: &str, rule: &Rule, field: &str) -> Option<Value> {
        let conditions = || rule.conditions.iter().filter(|condition| condition.field == field);
        let meets = |value: Option<&Value>| {
            self.admitted(agent, field, value)
                && conditions().all(|condition| apply(&condition.test, value) == ConditionResult::True)
        };
        let kind = self.declared(agent, field).map(|declared| declared.kind);
        // The rule's own thresholds come first, because the whole pool can be large.
        let own = conditions().flat_map(|condition| variants(condition, kind)).flatten();
        own.chain(self.pool(agent, field).iter().cloned()).find(|value| meets(Some(value)))
    }

    fn fill_required<'f>(&'f self, agent: &str, wanted: &mut BTreeMap<&'f str, Option<Value>>) {
        let Some(declared) = self.schema.and_then(|schema| schema.agents.get(agent)) else { return };
        for (name, _) in declared.fields.iter().filter(|(_, field)| field.required) {
            let slot = wanted.entry(name).or_insert(None);
            if slot.is_none() {
                *slot = self.pool(agent, name).first().cloned();
            }
        }
    }

    fn declared(&self, agent: &str, field: &str) -> Option<&'a Field> {
        self.schema?.agents.get(agent)?.fields.get(field)
    }

    /// Whether an enforced schema permits this value of the field.
    fn admitted(&self, agent: &str, field: &str, value: Option<&Value>) -> bool {
        !self.schema.is_some_and(|schema| schema.enforce)
            || self.declared(agent, field).is_none_or(|declared| admits(declared, value))
    }

    /// Values worth trying for a field, inside the domain: the values that rules mention and the corners of the
    /// declaration.
    fn pool(&self, agent: &str, field: &str) -> Cow<'_, [Value]> {
        let spoken = self.values.get(field).map(Vec::as_slice).unwrap_or_default();
        let Some(declared) = self.declared(agent, field) else { return Cow::Borrowed(spoken) };
        let mut pool = spoken.to_vec();
        let corners = declared.min.into_iter().chain(declared.max).map(number);
        let listed = declared.allowed.iter().flatten().map(Scalar::to_value);
        pool.extend(listed.chain(corners));
        match declared.kind {
            FieldType::Boolean => pool.extend([Value::Bool(true), Value::Bool(false)]),
            FieldType::String => pool.push(Value::from("example")),
            FieldType::Integer | FieldType::Number => pool.push(number(0.0)),
        }
        pool.retain(|value| self.admitted(agent, field, Some(value)));
        Cow::Owned(pool)
    }

    fn random(&self, random: &mut Random) -> Case {
        let rule = random.pick(&self.rules).filter(|_| !random.chance(10));
        let agent = rule.map_or_else(
            || random.pick(&self.agents).cloned().unwrap_or_else(|| STRANGER.0.to_owned()),
            |rule| rule.agent.example(STRANGER.0),
        );
        let action = match rule.map(|rule| &rule.action) {
            Some(pattern) if *pattern != NamePattern::Any => pattern.example(STRANGER.1),
            _ => self
                .actions
                .get(&agent)
                .and_then(|actions| random.pick(actions).cloned())
                .unwrap_or_else(|| STRANGER.1.to_owned()),
        };
        let mut context = Map::new();
        // An agent may have thousands of fields; a case gets only a few of them.
        const MOST_FIELDS: usize = 24;
        let fields = self.fields.get(&agent).map(Vec::as_slice).unwrap_or_default();
        let skip = if fields.len() > MOST_FIELDS { random.below(fields.len() - MOST_FIELDS) } else { 0 };
        let own = rule.into_iter().flat_map(|rule| rule.conditions.iter().map(|condition| &condition.field));
        let chosen: BTreeSet<&String> = fields.iter().skip(skip).take(MOST_FIELDS).chain(own).collect();
        for field in chosen {
            let required = self.declared(&agent, field).is_some_and(|declared| declared.required);
            if !required && random.chance(12) {
                continue;
            }
            if let Some(value) = self.random_value(&agent, field, random) {
                place(&mut context, field, value);
            }
        }
        Case { case_id: String::new(), agent, action, context, expected_effect: None }
    }

    fn random_value(&self, agent: &str, field: &str, random: &mut Random) -> Option<Value> {
        if self.declared(agent, field).is_none() && random.below(200) == 0 {
            return random.pick(&[Value::from("odd"), Value::Bool(true), number(7.0)]).cloned();
        }
        let pool = self.pool(agent, field);
        let numbers: Vec<f64> = pool.iter().filter_map(Value::as_f64).collect();
        if numbers.len() > 1 && random.chance(60) {
            let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
            let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let whole = numbers.iter().all(|number| number.fract() == 0.0);
            let drawn = low + (high - low) * random.unit();
            let value = number(if whole { drawn.round() } else { tidy(drawn) });
            if self.admitted(agent, field, Some(&value)) {
                return Some(value);
            }
        }
        random.pick(&pool).cloned()
    }
}

#[cfg(test)]
mod tests;
