//! Our own: the compiled bundle, as the server holds it.

use policy::{
    bundle::{Bundle, Effect, Source},
    engine::{Input, Prepared},
};
use serde_json::{Map, Value, json};

use super::{Answer, Contender, Engine, Steps, step, text};
use crate::workload::{FIELDS, Request, Rule, Test, Workload, model};

pub const CONTENDER: Contender = Contender {
    name: "countersign",
    about: "the compiled bundle, as the server holds it; bytes of a request decided in one pass",
    most_rules: usize::MAX,
    takes_json: true,
    encode,
    load,
};

struct Countersign {
    prepared: Prepared,
    parsed: Vec<Input>,
}

impl Countersign {
    fn decide(&self, input: &Input) -> Option<u32> {
        // Rules are written in evaluation order, so where a rule stands is its rank.
        self.prepared.verdict(input.into()).rule.and_then(|rule| u32::try_from(rule.position()).ok())
    }
}

impl Engine for Countersign {
    fn from_json(&mut self, json: &str) -> Answer {
        let verdict = self.prepared.verdict_request(json.as_bytes()).map_err(text)?;
        Ok(verdict.rule.and_then(|rule| u32::try_from(rule.position()).ok()))
    }

    fn parse(&mut self, requests: &[Request]) -> Result<(), String> {
        self.parsed = inputs(requests)?;
        Ok(())
    }

    fn from_parsed(&mut self, number: usize) -> Answer {
        Ok(self.decide(&self.parsed[number]))
    }
}

fn load(json: &str, _: &Workload) -> Result<(Box<dyn Engine>, Steps), String> {
    let mut steps = Steps::new();
    let bundle = step(&mut steps, "read and check", || parse_rules(json))?;
    let prepared = step(&mut steps, "compile", || Prepared::new(&bundle));
    Ok((Box::new(Countersign { prepared, parsed: Vec::new() }), steps))
}

/// The bundle written in `json`.
pub fn parse_rules(json: &str) -> Result<Bundle, String> {
    let value: Value = serde_json::from_str(json).map_err(text)?;
    let source = Source::read(value).map_err(|faults| format!("{faults:?}"))?;
    let understood = source.parse_rules();
    match understood.faults.first() {
        Some(fault) if understood.bundle.rules.len() < source.rules.len() => Err(format!("{fault:?}")),
        _ => Ok(understood.bundle),
    }
}

/// Requests as the evaluator takes them.
pub fn inputs(requests: &[Request]) -> Result<Vec<Input>, String> {
    requests.iter().map(|request| serde_json::from_str(&request.json).map_err(text)).collect()
}

/// The workload as a bundle.
pub fn encode(workload: &Workload) -> String {
    let rules: Vec<Value> = workload.rules.iter().map(rule).collect();
    json!({"rules": rules}).to_string()
}

fn rule(rule: &Rule) -> Value {
    let mut conditions = Map::new();
    for (field, test) in &rule.tests {
        let name = FIELDS[*field].0;
        let mut say = |operator: &str, value: Value| conditions.insert(format!("{operator}{name}"), value);
        match test {
            Test::OneOf(wanted) => {
                say("", wanted.iter().map(|number| model::text(*field, *number)).collect());
            }
            Test::Not(unwanted) => {
                say("!=", model::text(*field, *unwanted).into());
            }
            Test::Is(flag) => {
                say("", (*flag).into());
            }
            Test::Between(low, high) => {
                low.map(|low| say(">=", low.into()));
                high.map(|high| say("<=", high.into()));
            }
        }
    }
    let mut written = json!({
        "id": rule.id,
        "agent": rule.agent.map_or("*".to_owned(), model::agent),
        "action": rule.action.map_or("*".to_owned(), model::action),
        "conditions": conditions,
        "effect": rule.effect,
        "reason": "A rule of the benchmark",
        "priority": rule.priority,
    });
    if rule.effect == Effect::NeedsApproval {
        written["budget"] = json!({"cost": 1});
    }
    written
}
