//! datalogic-rs: one `if` with a branch for each rule, compiled once, evaluated in a session that is reset each time.

use datalogic_rs::{DataValue, Engine as Datalogic, Logic, ParsedData, Session};
use serde_json::{Value, json};

use super::{Contender, Engine, RankResult, Steps, step, text};
use crate::workload::{FIELDS, Request, Rule, Test, Workload, model};

pub const CONTENDER: Contender = Contender {
    name: "datalogic-rs",
    about: "JSONLogic `{\"if\":[c0,0,c1,1,…,-1]}`, compiled; a session, reset after each request",
    most_rules: 100_000,
    takes_json: true,
    encode,
    load,
};

struct JsonLogic {
    session: Session<'static>,
    logic: Logic,
    parsed: Vec<ParsedData>,
}

impl Engine for JsonLogic {
    fn from_json(&mut self, json: &str) -> RankResult {
        let rank = rank(self.session.eval_borrowed(&self.logic, json).map_err(text)?);
        self.session.reset();
        rank
    }

    fn parse(&mut self, requests: &[Request]) -> Result<(), String> {
        let parsed = requests.iter().map(|request| ParsedData::from_json(&request.json).map_err(text));
        self.parsed = parsed.collect::<Result<_, _>>()?;
        Ok(())
    }

    fn from_parsed(&mut self, number: usize) -> RankResult {
        let rank = rank(self.session.eval_borrowed(&self.logic, &self.parsed[number]).map_err(text)?);
        self.session.reset();
        rank
    }
}

fn rank(value: &DataValue<'_>) -> RankResult {
    let number = value.as_i64().ok_or_else(|| format!("not a rank: {value}"))?;
    Ok(u32::try_from(number).ok())
}

fn load(json: &str, _: &Workload) -> Result<(Box<dyn Engine>, Steps), String> {
    let mut steps = Steps::new();
    // A session borrows its engine; there is one for the rest of the process.
    let engine: &'static Datalogic = Box::leak(Box::new(Datalogic::new()));
    let logic = step(&mut steps, "compile", || engine.compile(json)).map_err(text)?;
    Ok((Box::new(JsonLogic { session: engine.session(), logic, parsed: Vec::new() }), steps))
}

fn encode(workload: &Workload) -> String {
    let mut branches = Vec::with_capacity(2 * workload.rules.len() + 1);
    for (rank, rule) in workload.rules.iter().enumerate() {
        branches.push(condition(rule));
        branches.push(json!(rank));
    }
    branches.push(json!(-1));
    json!({"if": branches}).to_string()
}

fn condition(rule: &Rule) -> Value {
    let equals = |name: &str, value: Value| json!({"===": [{"var": name}, value]});
    let mut all: Vec<Value> = Vec::new();
    all.extend(rule.agent.map(|agent| equals("agent", model::agent(agent).into())));
    all.extend(rule.action.map(|action| equals("action", model::action(action).into())));
    for (field, test) in &rule.tests {
        let name = format!("context.{}", FIELDS[*field].0);
        let var = json!({"var": name});
        all.push(match test {
            Test::OneOf(wanted) => match wanted.as_slice() {
                [one] => equals(&name, model::text(*field, *one).into()),
                many => {
                    let texts: Vec<String> = many.iter().map(|number| model::text(*field, *number)).collect();
                    json!({"in": [var, texts]})
                }
            },
            Test::Not(unwanted) => json!({"!==": [var, model::text(*field, *unwanted)]}),
            Test::Is(flag) => equals(&name, (*flag).into()),
            Test::Between(Some(low), Some(high)) => json!({"<=": [low, var, high]}),
            Test::Between(Some(low), None) => json!({">=": [var, low]}),
            Test::Between(None, Some(high)) => json!({"<=": [var, high]}),
            Test::Between(None, None) => json!(true),
        });
    }
    json!({"and": all})
}
