//! Countersign: the prepared bundle, and the request decoder that `POST /policy/evaluate` uses.

use policy::{
    bundle::{Bundle, Effect, Source},
    engine::{Input, Prepared, Verdict},
};
use serde_json::{Map, Value, json};

use super::{Contender, Engine, RankResult, Steps, step, text};
use crate::workload::{FIELDS, Request, Rule, Test, Workload, model};

pub const CONTENDER: Contender = Contender {
    name: "countersign",
    about: "the prepared bundle; a request's bytes go through the decoder that `POST /policy/evaluate` calls, to the deciding rule",
    most_rules: usize::MAX,
    takes_json: true,
    encode,
    load,
};

struct Countersign {
    prepared: Prepared,
    parsed: Vec<Input>,
}

/// The rank of the rule that decided. Rules are written in evaluation order, so a rule's rank is its position.
fn rank(verdict: Verdict<'_>) -> Option<u32> {
    verdict.rule.and_then(|rule| u32::try_from(rule.position()).ok())
}

impl Engine for Countersign {
    fn from_json(&mut self, json: &str) -> RankResult {
        match self.prepared.decide_request(json.as_bytes()) {
            Some((_, verdict)) => Ok(rank(verdict)),
            // As in the service, a request that the decoder does not handle is parsed into a tree.
            None => {
                let input: Input = serde_json::from_str(json).map_err(text)?;
                Ok(rank(self.prepared.verdict((&input).into())))
            }
        }
    }

    fn parse(&mut self, requests: &[Request]) -> Result<(), String> {
        self.parsed = inputs(requests)?;
        Ok(())
    }

    fn from_parsed(&mut self, number: usize) -> RankResult {
        Ok(rank(self.prepared.verdict((&self.parsed[number]).into())))
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
    let parsed = source.parse_rules();
    match parsed.faults.first() {
        Some(fault) if parsed.bundle.rules.len() < source.rules.len() => Err(format!("{fault:?}")),
        _ => Ok(parsed.bundle),
    }
}

/// Requests parsed for the engine.
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
        let mut add = |operator: &str, value: Value| conditions.insert(format!("{operator}{name}"), value);
        match test {
            Test::OneOf(wanted) => {
                add("", wanted.iter().map(|number| model::text(*field, *number)).collect());
            }
            Test::Not(unwanted) => {
                add("!=", model::text(*field, *unwanted).into());
            }
            Test::Is(flag) => {
                add("", (*flag).into());
            }
            Test::Between(low, high) => {
                low.map(|low| add(">=", low.into()));
                high.map(|high| add("<=", high.into()));
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
