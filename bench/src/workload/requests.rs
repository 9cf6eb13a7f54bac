//! Requests: drawn at random, or around a rule so that it is hit.

use std::{collections::HashSet, fmt::Write};

use policy::random::Random;

use super::{
    Shape,
    model::{self, FIELDS, Kind, Rule, Test, Value},
    rules::{below, int, names, text},
};

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub agent: u32,
    pub action: u32,
    /// The values, by field.
    pub values: [Value; FIELDS.len()],
    /// The request as JSON for every contender: `{"agent":…,"action":…,"context":{…}}`.
    pub json: String,
}

/// `count` different requests.
pub fn generate(shape: Shape, rules: &[Rule], count: usize, random: &mut Random) -> Vec<Request> {
    let mut seen = HashSet::new();
    let mut requests = Vec::with_capacity(count);
    while requests.len() < count {
        let request = request(shape, rules, random);
        if seen.insert(request.json.clone()) {
            requests.push(request);
        }
    }
    requests
}

fn request(shape: Shape, rules: &[Rule], random: &mut Random) -> Request {
    let (agents, actions) = names(shape, rules.len());
    let mut values = FIELDS.map(|(_, kind)| match kind {
        Kind::Text(texts) => Value::Text(text(random, texts)),
        Kind::Flag => Value::Flag(random.chance(50)),
        Kind::Int(most) => Value::Int(int(random, most)),
    });
    let (mut agent, mut action) = (below(random, agents), below(random, actions));
    let aimed = match shape {
        Shape::Equality => 80,
        Shape::Range => 50,
        Shape::Adversarial => 2,
    };
    if shape == Shape::Adversarial
        && let [.., Value::Int(spent), Value::Int(granted)] = &mut values
        && *granted < *spent
    {
        std::mem::swap(spent, granted);
    }
    if random.chance(aimed)
        && let Some(rule) = random.pick(rules).cloned()
    {
        agent = rule.agent.unwrap_or(agent);
        action = rule.action.unwrap_or(action);
        for (field, test) in &rule.tests {
            values[*field] = inside(test, FIELDS[*field].1, random);
        }
    }
    let json = json(agent, action, &values);
    Request { agent, action, values, json }
}

/// A value for which the test holds.
fn inside(test: &Test, kind: Kind, random: &mut Random) -> Value {
    match (test, kind) {
        (Test::OneOf(wanted), _) => Value::Text(random.pick(wanted).copied().unwrap_or(0)),
        (Test::Not(unwanted), Kind::Text(texts)) => Value::Text((unwanted + 1) % texts),
        (Test::Between(low, high), Kind::Int(most)) => {
            let (low, high) = (low.unwrap_or(0), high.unwrap_or(most));
            Value::Int(low + int(random, high - low))
        }
        (Test::Is(flag), _) => Value::Flag(*flag),
        (Test::Not(_) | Test::Between(..), _) => Value::Int(0),
    }
}

fn json(agent: u32, action: u32, values: &[Value]) -> String {
    let mut json = format!(r#"{{"agent":"{}","action":"{}","context":{{"#, model::agent(agent), model::action(action));
    for (field, value) in values.iter().enumerate() {
        let comma = if field == 0 { "" } else { "," };
        let name = FIELDS[field].0;
        let written = match value {
            Value::Text(number) => format!("\"{}\"", model::text(field, *number)),
            Value::Flag(flag) => flag.to_string(),
            Value::Int(number) => number.to_string(),
        };
        // Writing to a string cannot fail.
        let _ = write!(json, r#"{comma}"{name}":{written}"#);
    }
    json.push_str("}}");
    json
}
