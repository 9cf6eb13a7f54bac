//! cedar-policy: one `permit` per rule; the policy's id is the rank, and the host takes the smallest id among the
//! reasons.
//!
//! Agent and action are in the policy's head, which Cedar checks first. Effects are left to the host: a `forbid` would
//! override every permit, which is not the meaning of the first matching rule.

use std::{borrow::Cow, fmt::Write, str::FromStr};

use cedar_policy::{
    Authorizer, Context, Entities, EntityId, EntityTypeName, EntityUid, Policy, PolicyId, PolicySet, Request as Query,
};
use serde::Deserialize;
use serde_json::Value;

use super::{Contender, Engine, RankResult, Steps, step, text};
use crate::workload::{FIELDS, Request, Rule, Test, Workload, model};

pub const CONTENDER: Contender = Contender {
    name: "cedar-policy",
    about: "one `permit` a rule, policy id = rank, the host takes the smallest id among the reasons",
    most_rules: 10_000,
    takes_json: true,
    encode,
    load,
};

struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    agent: EntityTypeName,
    action: EntityTypeName,
    everything: EntityUid,
    parsed: Vec<Query>,
}

/// A request before it is parsed.
#[derive(Deserialize)]
struct Arriving<'a> {
    #[serde(borrow)]
    agent: Cow<'a, str>,
    #[serde(borrow)]
    action: Cow<'a, str>,
    context: Value,
}

impl Cedar {
    fn query(&self, json: &str) -> Result<Query, String> {
        let arriving: Arriving = serde_json::from_str(json).map_err(text)?;
        let named =
            |kind: &EntityTypeName, name: &str| EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(name));
        let context = Context::from_json_value(arriving.context, None).map_err(text)?;
        let (agent, action) = (named(&self.agent, &arriving.agent), named(&self.action, &arriving.action));
        Query::new(agent, action, self.everything.clone(), context, None).map_err(text)
    }

    fn decide(&self, query: &Query) -> RankResult {
        let response = self.authorizer.is_authorized(query, &self.policies, &self.entities);
        if let Some(error) = response.diagnostics().errors().next() {
            return Err(text(error));
        }
        let ranks = response.diagnostics().reason().map(|id| AsRef::<str>::as_ref(id).parse::<u32>().map_err(text));
        ranks.collect::<Result<Vec<u32>, String>>().map(|ranks| ranks.into_iter().min())
    }
}

impl Engine for Cedar {
    fn from_json(&mut self, json: &str) -> RankResult {
        self.decide(&self.query(json)?)
    }

    fn parse(&mut self, requests: &[Request]) -> Result<(), String> {
        self.parsed = requests.iter().map(|request| self.query(&request.json)).collect::<Result<_, _>>()?;
        Ok(())
    }

    fn from_parsed(&mut self, number: usize) -> RankResult {
        self.decide(&self.parsed[number])
    }
}

/// Policies are separated by an empty line.
fn load(policies: &str, _: &Workload) -> Result<(Box<dyn Engine>, Steps), String> {
    let mut steps = Steps::new();
    let policies = step(&mut steps, "parse", || {
        let mut set = PolicySet::new();
        for (rank, policy) in policies.split_terminator("\n\n").enumerate() {
            let policy = Policy::parse(Some(PolicyId::new(rank.to_string())), policy).map_err(text)?;
            set.add(policy).map_err(text)?;
        }
        Ok::<_, String>(set)
    })?;
    let kind = |name: &str| EntityTypeName::from_str(name).map_err(text);
    let cedar = Cedar {
        authorizer: Authorizer::new(),
        policies,
        entities: Entities::empty(),
        agent: kind("Agent")?,
        action: kind("Action")?,
        everything: EntityUid::from_type_name_and_id(kind("System")?, EntityId::new("everything")),
        parsed: Vec::new(),
    };
    Ok((Box::new(cedar), steps))
}

fn encode(workload: &Workload) -> String {
    workload.rules.iter().map(|rule| policy(rule) + "\n\n").collect()
}

fn policy(rule: &Rule) -> String {
    let agent = rule.agent.map_or(String::new(), |agent| format!(" == Agent::\"{}\"", model::agent(agent)));
    let action = rule.action.map_or(String::new(), |action| format!(" == Action::\"{}\"", model::action(action)));
    let mut policy = format!("permit(principal{agent}, action{action}, resource)");
    let tests: Vec<String> = rule.tests.iter().map(|(field, test)| condition(*field, test)).collect();
    if !tests.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(policy, " when {{ {} }}", tests.join(" && "));
    }
    policy + ";"
}

fn condition(field: usize, test: &Test) -> String {
    let name = format!("context.{}", FIELDS[field].0);
    let quoted = |number: u16| format!("\"{}\"", model::text(field, number));
    match test {
        Test::OneOf(wanted) => match wanted.as_slice() {
            [one] => format!("{name} == {}", quoted(*one)),
            many => {
                let texts: Vec<String> = many.iter().map(|number| quoted(*number)).collect();
                format!("[{}].contains({name})", texts.join(", "))
            }
        },
        Test::Not(unwanted) => format!("{name} != {}", quoted(*unwanted)),
        Test::Is(flag) => format!("{name} == {flag}"),
        Test::Between(Some(low), Some(high)) => format!("{name} >= {low} && {name} <= {high}"),
        Test::Between(Some(low), None) => format!("{name} >= {low}"),
        Test::Between(None, Some(high)) => format!("{name} <= {high}"),
        Test::Between(None, None) => "true".to_owned(),
    }
}
