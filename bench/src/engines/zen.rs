//! zen-engine: one decision table with hit policy `first`, one row per rule, compiled (which also builds its index of
//! equality cells).

use serde_json::{Map, Value, json};
use zen_engine::{Decision, Variable, model::GraphContent};

use super::{Contender, Engine, RankResult, Steps, step, text};
use crate::workload::{FIELDS, Request, Rule, Test, Workload, model};

pub const CONTENDER: Contender = Contender {
    name: "zen-engine",
    about: "a decision table, hit policy `first`, one row a rule, compiled with its index of equality cells",
    most_rules: 100_000,
    takes_json: true,
    encode,
    load,
};

struct Zen {
    decision: Decision,
    parsed: Vec<Variable>,
}

impl Zen {
    fn decide(&self, request: Variable) -> RankResult {
        let response = pollster::block_on(self.decision.evaluate(request)).map_err(text)?;
        match response.result.dot("rank") {
            None | Some(Variable::Null) => Ok(None),
            Some(rank) => {
                let number = rank.as_number().ok_or_else(|| format!("not a rank: {rank}"))?;
                u32::try_from(number).map(Some).map_err(text)
            }
        }
    }
}

impl Engine for Zen {
    fn from_json(&mut self, json: &str) -> RankResult {
        self.decide(serde_json::from_str(json).map_err(text)?)
    }

    fn parse(&mut self, requests: &[Request]) -> Result<(), String> {
        let parsed = requests.iter().map(|request| serde_json::from_str(&request.json).map_err(text));
        self.parsed = parsed.collect::<Result<_, _>>()?;
        Ok(())
    }

    fn from_parsed(&mut self, number: usize) -> RankResult {
        self.decide(self.parsed[number].clone())
    }
}

fn load(graph: &str, _: &Workload) -> Result<(Box<dyn Engine>, Steps), String> {
    let mut steps = Steps::new();
    let mut graph: GraphContent = step(&mut steps, "read", || serde_json::from_str(graph)).map_err(text)?;
    step(&mut steps, "compile", || graph.compile());
    Ok((Box::new(Zen { decision: Decision::from(graph), parsed: Vec::new() }), steps))
}

fn encode(workload: &Workload) -> String {
    let column = |id: &str, field: String| json!({"id": id, "name": id, "field": field});
    let mut inputs = vec![column("agent", "agent".to_owned()), column("action", "action".to_owned())];
    let used = |field: usize| workload.rules.iter().any(|rule| rule.tests.iter().any(|(used, _)| *used == field));
    for (field, (name, _)) in FIELDS.iter().enumerate().filter(|(field, _)| used(*field)) {
        inputs.push(column(&format!("f{field}"), format!("context.{name}")));
    }
    let rules: Vec<Value> = workload.rules.iter().enumerate().map(|(rank, rule)| row(rank, rule)).collect();
    json!({
        "nodes": [
            {"id": "in", "name": "Request", "type": "inputNode"},
            {"id": "table", "name": "Rules", "type": "decisionTableNode", "content": {
                "hitPolicy": "first",
                "inputs": inputs,
                "outputs": [{"id": "rank", "name": "rank", "field": "rank"}],
                "rules": rules,
            }},
            {"id": "out", "name": "RankResult", "type": "outputNode"},
        ],
        "edges": [
            {"id": "a", "type": "edge", "sourceId": "in", "targetId": "table"},
            {"id": "b", "type": "edge", "sourceId": "table", "targetId": "out"},
        ],
    })
    .to_string()
}

fn row(rank: usize, rule: &Rule) -> Value {
    let mut row = Map::new();
    let mut cell = |column: String, text: String| row.insert(column, text.into());
    cell("_id".to_owned(), format!("row{rank}"));
    cell("rank".to_owned(), rank.to_string());
    if let Some(agent) = rule.agent {
        cell("agent".to_owned(), format!("\"{}\"", model::agent(agent)));
    }
    if let Some(action) = rule.action {
        cell("action".to_owned(), format!("\"{}\"", model::action(action)));
    }
    for (field, test) in &rule.tests {
        let quoted = |number: u16| format!("\"{}\"", model::text(*field, number));
        cell(
            format!("f{field}"),
            match test {
                Test::OneOf(wanted) => wanted.iter().map(|number| quoted(*number)).collect::<Vec<_>>().join(", "),
                Test::Not(unwanted) => format!("!= {}", quoted(*unwanted)),
                Test::Is(flag) => flag.to_string(),
                Test::Between(Some(low), Some(high)) => format!("[{low}..{high}]"),
                Test::Between(Some(low), None) => format!(">= {low}"),
                Test::Between(None, Some(high)) => format!("<= {high}"),
                Test::Between(None, None) => String::new(),
            },
        );
    }
    row.into()
}
