//! The plain loop: rules in order, conditions in order, the product's own comparison of one value.

use policy::{
    bundle::Bundle,
    engine::{Input, Question, condition, decide::addresses, trace::ConditionResult},
};

use super::{Contender, Engine, RankResult, Steps, countersign, step, text};
use crate::workload::{Request, Workload};

pub const CONTENDER: Contender = Contender {
    name: "plain loop",
    about: "every rule tried in order with the product's own comparisons; request parsed with serde_json",
    most_rules: usize::MAX,
    takes_json: true,
    encode: countersign::encode,
    load,
};

struct Plain {
    bundle: Bundle,
    parsed: Vec<Input>,
}

impl Plain {
    fn decide(&self, question: Question<'_>) -> Option<u32> {
        let decides = self.bundle.rules.iter().position(|rule| {
            addresses(rule, question)
                && rule.conditions.iter().all(|wanted| {
                    let value = condition::lookup(question.context, &wanted.field);
                    condition::apply(&wanted.test, value) == ConditionResult::True
                })
        });
        decides.and_then(|rank| u32::try_from(rank).ok())
    }
}

impl Engine for Plain {
    fn from_json(&mut self, json: &str) -> RankResult {
        let input: Input = serde_json::from_str(json).map_err(text)?;
        Ok(self.decide((&input).into()))
    }

    fn parse(&mut self, requests: &[Request]) -> Result<(), String> {
        self.parsed = countersign::inputs(requests)?;
        Ok(())
    }

    fn from_parsed(&mut self, number: usize) -> RankResult {
        Ok(self.decide((&self.parsed[number]).into()))
    }
}

fn load(json: &str, _: &Workload) -> Result<(Box<dyn Engine>, Steps), String> {
    let mut steps = Steps::new();
    let bundle = step(&mut steps, "read and check", || countersign::parse_rules(json))?;
    Ok((Box::new(Plain { bundle, parsed: Vec::new() }), steps))
}
