//! regorus: `hits contains 17 if {…}` for each rule, then `min(hits)`. Both of its documented ways are run:
//! the virtual machine, and the interpreter of a compiled policy.

use std::{
    fmt::Write,
    num::{NonZeroU32, NonZeroUsize},
};

use regorus::{
    CompiledPolicy, Engine as Regorus, PolicyLengthConfig, Rc, Value, languages::rego::compiler::Compiler,
    rvm::vm::RegoVM,
};

use super::{Contender, Engine, RankResult, Steps, step, text};
use crate::workload::{FIELDS, Request, Rule, Test, Workload, model};

pub const MACHINE: Contender = Contender {
    name: "regorus (machine)",
    about: "Rego `hits contains 17 if {…}`, `first := min(hits)`, compiled for regorus' virtual machine",
    most_rules: 10_000,
    takes_json: true,
    encode,
    load: load_machine,
};

pub const INTERPRETER: Contender = Contender {
    name: "regorus (interpreter)",
    about: "the same policy, compiled and interpreted",
    most_rules: 10_000,
    takes_json: true,
    encode,
    load: load_interpreter,
};

const ENTRY: &str = "data.bench.first";

/// The part in which the two modes differ.
trait Evaluator {
    fn eval(&mut self, input: Value) -> Result<Value, String>;
}

impl Evaluator for RegoVM {
    fn eval(&mut self, input: Value) -> Result<Value, String> {
        self.set_input(input);
        self.execute().map_err(text)
    }
}

impl Evaluator for CompiledPolicy {
    fn eval(&mut self, input: Value) -> Result<Value, String> {
        self.eval_with_input(input).map_err(text)
    }
}

struct Rego<W> {
    evaluator: W,
    parsed: Vec<Value>,
}

impl<W: Evaluator> Engine for Rego<W> {
    fn from_json(&mut self, json: &str) -> RankResult {
        let input = Value::from_json_str(json).map_err(text)?;
        rank(&self.evaluator.eval(input)?)
    }

    fn parse(&mut self, requests: &[Request]) -> Result<(), String> {
        let parsed = requests.iter().map(|request| Value::from_json_str(&request.json).map_err(text));
        self.parsed = parsed.collect::<Result<_, _>>()?;
        Ok(())
    }

    fn from_parsed(&mut self, number: usize) -> RankResult {
        let input = self.parsed[number].clone();
        rank(&self.evaluator.eval(input)?)
    }
}

fn rank(value: &Value) -> RankResult {
    match value {
        Value::Undefined => Ok(None),
        value => Ok(Some(value.as_u32().map_err(text)?)),
    }
}

fn compile(policy: &str) -> Result<CompiledPolicy, String> {
    let mut engine = Regorus::new();
    // A policy of 10,000 rules is longer than the default limits.
    engine.set_policy_length_config(PolicyLengthConfig {
        max_col: NonZeroU32::MAX,
        max_file_bytes: NonZeroUsize::MAX,
        max_lines: NonZeroUsize::MAX,
    });
    engine.add_policy("bench.rego".to_owned(), policy.to_owned()).map_err(text)?;
    engine.compile_with_entrypoint(&Rc::from(ENTRY)).map_err(text)
}

fn load_machine(policy: &str, _: &Workload) -> Result<(Box<dyn Engine>, Steps), String> {
    let mut steps = Steps::new();
    let policy = step(&mut steps, "parse", || compile(policy))?;
    let program = step(&mut steps, "compile", || Compiler::compile_from_policy(&policy, &[ENTRY])).map_err(text)?;
    let mut machine = RegoVM::new();
    machine.load_program(program);
    machine.set_max_instructions(usize::MAX);
    Ok((Box::new(Rego { evaluator: machine, parsed: Vec::new() }), steps))
}

fn load_interpreter(policy: &str, _: &Workload) -> Result<(Box<dyn Engine>, Steps), String> {
    let mut steps = Steps::new();
    let policy = step(&mut steps, "parse", || compile(policy))?;
    Ok((Box::new(Rego { evaluator: policy, parsed: Vec::new() }), steps))
}

fn encode(workload: &Workload) -> String {
    let mut policy = String::from("package bench\n\nfirst := min(hits)\n\n");
    for (rank, rule) in workload.rules.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(policy, "hits contains {rank} if {{\n{}}}\n", body(rule));
    }
    policy
}

fn body(rule: &Rule) -> String {
    let mut lines = Vec::new();
    lines.extend(rule.agent.map(|agent| format!("input.agent == \"{}\"", model::agent(agent))));
    lines.extend(rule.action.map(|action| format!("input.action == \"{}\"", model::action(action))));
    for (field, test) in &rule.tests {
        let name = format!("input.context.{}", FIELDS[*field].0);
        let quoted = |number: u16| format!("\"{}\"", model::text(*field, number));
        match test {
            Test::OneOf(wanted) => lines.push(match wanted.as_slice() {
                [one] => format!("{name} == {}", quoted(*one)),
                many => {
                    let texts: Vec<String> = many.iter().map(|number| quoted(*number)).collect();
                    format!("{name} in {{{}}}", texts.join(", "))
                }
            }),
            Test::Not(unwanted) => lines.push(format!("{name} != {}", quoted(*unwanted))),
            Test::Is(flag) => lines.push(format!("{name} == {flag}")),
            Test::Between(low, high) => {
                lines.extend(low.map(|low| format!("{name} >= {low}")));
                lines.extend(high.map(|high| format!("{name} <= {high}")));
            }
        }
    }
    if lines.is_empty() {
        lines.push("true".to_owned());
    }
    lines.iter().map(|line| format!("  {line}\n")).collect()
}
