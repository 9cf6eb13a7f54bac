//! A bit-vector kernel written for exactly these fields: the part of a decision that remains when everything but the
//! AND is gone.
//!
//! Requests are given as row numbers, one per field. Nothing is checked, no type can be wrong, no rule can fail.

use super::{Contender, Engine, RankResult, Steps, step};
use crate::workload::{FIELDS, Kind, Request, Rule, Test, Value, Workload};

pub const CONTENDER: Contender = Contender {
    name: "kernel",
    about: "hand-written AND of one row of bits a field, request interned ahead; the floor for a look-up",
    // The rows of 100,000 rules would take gigabytes.
    most_rules: 10_000,
    takes_json: false,
    encode: |_| String::new(),
    load,
};

/// Number of words that are combined at a time.
const BLOCK: usize = 8;
/// Number of rules that a block has bits for.
const BITS: usize = 64 * BLOCK;
/// Number of fields of the context, plus agent and action.
const COLUMNS: usize = FIELDS.len() + 2;
const AGENT: usize = FIELDS.len();

struct Kernel {
    blocks: usize,
    columns: Vec<Column>,
    /// The rows of all columns, `blocks` each.
    rows: Vec<[u64; BLOCK]>,
    /// For each request, the start of its row in each column.
    parsed: Vec<Vec<usize>>,
}

/// A field that some rule tests.
struct Column {
    at: usize,
    /// Thresholds between the classes of a number, ascending; for strings and flags, the value is the row number.
    thresholds: Vec<i64>,
    first_row: usize,
}

impl Kernel {
    fn new(rules: &[Rule]) -> Self {
        let mut kernel =
            Self { blocks: rules.len().div_ceil(BITS), columns: Vec::new(), rows: Vec::new(), parsed: Vec::new() };
        for at in (0..COLUMNS).filter(|at| rules.iter().any(|rule| tests_column(rule, *at))) {
            let thresholds = thresholds(rules, at);
            kernel.columns.push(Column { at, thresholds: thresholds.clone(), first_row: kernel.rows.len() });
            for value in values(at, &thresholds) {
                kernel.add_row(rules, at, value);
            }
        }
        kernel
    }

    /// Adds the row of the rules that `value` satisfies.
    fn add_row(&mut self, rules: &[Rule], at: usize, value: Value) {
        let start = self.rows.len();
        self.rows.resize(start + self.blocks, [0; BLOCK]);
        for (rank, _) in rules.iter().enumerate().filter(|(_, rule)| holds(rule, at, value)) {
            self.rows[start + rank / BITS][rank / 64 % BLOCK] |= 1 << (rank % 64);
        }
    }

    fn intern(&self, request: &Request) -> Vec<usize> {
        let row = |column: &Column| match value(request, column.at) {
            Value::Text(number) => usize::from(number),
            Value::Flag(flag) => usize::from(flag),
            Value::Int(number) => column.thresholds.partition_point(|threshold| *threshold <= number),
        };
        self.columns.iter().map(|column| column.first_row + row(column) * self.blocks).collect()
    }

    fn first(&self, rows: &[usize]) -> Option<u32> {
        for block in 0..self.blocks {
            let mut left = [u64::MAX; BLOCK];
            for start in rows {
                for (word, bits) in left.iter_mut().zip(&self.rows[start + block]) {
                    *word &= bits;
                }
            }
            if let Some(at) = left.iter().position(|word| *word != 0) {
                let rank = (block * BLOCK + at) * 64 + left[at].trailing_zeros() as usize;
                return Some(rank as u32);
            }
        }
        None
    }
}

fn tests_column(rule: &Rule, at: usize) -> bool {
    match at.checked_sub(AGENT) {
        None => rule.tests.iter().any(|(field, _)| *field == at),
        Some(0) => rule.agent.is_some(),
        Some(_) => rule.action.is_some(),
    }
}

fn holds(rule: &Rule, at: usize, value: Value) -> bool {
    let named = |name: Option<u32>| name.is_none_or(|name| Value::Int(name.into()) == value);
    match at.checked_sub(AGENT) {
        None => rule.tests.iter().all(|(field, test)| *field != at || test.holds(value)),
        Some(0) => named(rule.agent),
        Some(_) => named(rule.action),
    }
}

fn value(request: &Request, at: usize) -> Value {
    match at.checked_sub(AGENT) {
        None => request.values[at],
        Some(0) => Value::Int(request.agent.into()),
        Some(_) => Value::Int(request.action.into()),
    }
}

/// Numbers at which some rule's test changes, ascending.
fn thresholds(rules: &[Rule], at: usize) -> Vec<i64> {
    let mut thresholds: Vec<i64> = Vec::new();
    for rule in rules {
        let name = if at == AGENT { rule.agent } else { rule.action };
        if at >= AGENT {
            thresholds.extend(name.into_iter().flat_map(|name| [i64::from(name), i64::from(name) + 1]));
        }
        for (_, test) in rule.tests.iter().filter(|(field, _)| *field == at) {
            if let Test::Between(low, high) = test {
                thresholds.extend(low.iter().copied().chain(high.map(|high| high + 1)));
            }
        }
    }
    thresholds.sort_unstable();
    thresholds.dedup();
    thresholds
}

/// One value for every row.
fn values(at: usize, thresholds: &[i64]) -> Vec<Value> {
    match FIELDS.get(at).map(|(_, kind)| *kind) {
        Some(Kind::Text(texts)) => (0..texts).map(Value::Text).collect(),
        Some(Kind::Flag) => vec![Value::Flag(false), Value::Flag(true)],
        Some(Kind::Int(_)) | None => std::iter::once(-1).chain(thresholds.iter().copied()).map(Value::Int).collect(),
    }
}

impl Engine for Kernel {
    fn from_json(&mut self, _: &str) -> RankResult {
        Err("the kernel takes interned requests only".to_owned())
    }

    fn parse(&mut self, requests: &[Request]) -> Result<(), String> {
        self.parsed = requests.iter().map(|request| self.intern(request)).collect();
        Ok(())
    }

    fn from_parsed(&mut self, number: usize) -> RankResult {
        Ok(self.first(&self.parsed[number]))
    }
}

fn load(_: &str, workload: &Workload) -> Result<(Box<dyn Engine>, Steps), String> {
    let mut steps = Steps::new();
    let kernel = step(&mut steps, "compile", || Kernel::new(&workload.rules));
    Ok((Box::new(kernel), steps))
}
