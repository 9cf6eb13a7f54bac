//! A schema inferred from recorded decisions: a starting point for an author.
//!
//! A value that was not seen yet is not an error. So bounds of numbers are not inferred, and the values of a text are
//! listed only where they clearly repeat, together with the values that the rules name. Evaluation does not enforce an
//! inferred schema until the author turns enforcement on.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::corpus::{Column, Columnar, Name, Role};
use crate::{
    bundle::{Bundle, Scalar, Test, condition::check_field, name::is_name, schema::FieldType},
    engine::Fact,
};

/// Maximum number of values listed for one field.
const MOST_VALUES: usize = 24;

/// The values of a text are listed when each was seen this often on average.
const REPEATED: usize = 10;

/// With fewer decisions than this, no field is declared as required.
const REQUIRED_FROM: usize = 20;

/// The values of one field in one agent's decisions.
#[derive(Debug, Default)]
struct Seen {
    rows: usize,
    codes: BTreeSet<u32>,
}

/// A field: its dotted path, its column, and the values in each agent's decisions, by the agent's code.
type FieldValues<'c> = (String, &'c Column, BTreeMap<u32, Seen>);

/// The schema of the agents in `corpus`, as written in a bundle. Fields that had values of different types, or arrays,
/// are left out. Returns `None` when nothing was recorded.
pub fn schema(corpus: &Columnar, bundle: &Bundle) -> Option<Value> {
    let (agents, actions) = (corpus.about(Role::Agent)?, corpus.about(Role::Action)?);
    let mut decisions: BTreeMap<u32, (usize, BTreeSet<u32>)> = BTreeMap::new();
    for row in 0..corpus.len() {
        let (rows, asked) = decisions.entry(agents.code(row)).or_default();
        *rows += 1;
        asked.insert(actions.code(row));
    }
    let mut declared = Map::new();
    let fields = fields(corpus, agents);
    for (code, (rows, asked)) in decisions {
        let Some(agent) = agents.values.text(code).filter(|agent| is_name(agent)) else { continue };
        let mut known = Map::new();
        for (path, column, seen) in &fields {
            let Some(seen) = seen.get(&code).filter(|_| !is_mixed(path, code, &fields)) else { continue };
            if let Some(field) = field(path, column, seen, rows, agent, bundle) {
                known.insert(path.clone(), field);
            }
        }
        let asked: BTreeSet<&str> =
            asked.iter().filter_map(|code| actions.values.text(*code)).filter(|name| is_name(name)).collect();
        declared.insert(agent.to_owned(), json!({"actions": asked, "fields": known}));
    }
    (!declared.is_empty()).then(|| json!({"enforce": false, "agents": declared}))
}

/// Whether an agent sent both a value at this path and a value below it, or spelled the path in two ways.
fn is_mixed(path: &str, agent: u32, fields: &[FieldValues<'_>]) -> bool {
    let there = fields.iter().filter(|(_, _, seen)| seen.contains_key(&agent));
    let covering = there
        .filter(|(other, ..)| other.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')));
    // The field itself is among them.
    covering.count() > 1
}

/// Every field that can be declared.
fn fields<'c>(corpus: &'c Columnar, agents: &Column) -> Vec<FieldValues<'c>> {
    let mut fields = Vec::new();
    for (name, column) in corpus.columns() {
        let Name::Field(path) = name else { continue };
        let hidden = hidden_rows(corpus, path);
        let path = path.join(".");
        if check_field(&path).is_err() {
            continue;
        }
        let mut seen: BTreeMap<u32, Seen> = BTreeMap::new();
        column.each(0..corpus.len(), |row, code| {
            if hidden.contains(&row) {
                return;
            }
            let seen = seen.entry(agents.code(row)).or_default();
            if column.values.fact(code) != Fact::Missing {
                seen.rows += 1;
                seen.codes.insert(code);
            }
        });
        fields.push((path, column, seen));
    }
    fields
}

/// The rows in which the evaluator does not look at the key `path`: it is spelled like a whole dotted path, and the row has
/// a member named by the first segment.
fn hidden_rows(corpus: &Columnar, path: &[String]) -> BTreeSet<usize> {
    let mut hidden = BTreeSet::new();
    let [key] = path else { return hidden };
    let Some((first, _)) = key.split_once('.') else { return hidden };
    for (name, column) in corpus.columns() {
        if matches!(name, Name::Field(keys) if keys.first().is_some_and(|key| key == first)) {
            column.each(0..corpus.len(), |row, _| {
                hidden.insert(row);
            });
        }
    }
    hidden
}

fn field(path: &str, column: &Column, seen: &Seen, rows: usize, agent: &str, bundle: &Bundle) -> Option<Value> {
    let facts = || seen.codes.iter().map(|code| column.values.fact(*code));
    let kind = |fact: Fact<'_>| match fact {
        Fact::Number(number) if number.fract() == 0.0 => Some(FieldType::Integer),
        Fact::Number(_) => Some(FieldType::Number),
        Fact::Bool(_) => Some(FieldType::Boolean),
        Fact::Text(_) => Some(FieldType::String),
        Fact::Missing | Fact::Array | Fact::Object => None,
    };
    let mut found = None;
    for fact in facts() {
        found = match (found, kind(fact)?) {
            (None, kind) => Some(kind),
            (Some(FieldType::Integer | FieldType::Number), FieldType::Number)
            | (Some(FieldType::Number), FieldType::Integer) => Some(FieldType::Number),
            (Some(one), other) if one == other => Some(one),
            _ => return None,
        };
    }
    let kind = found?;
    let mut field = Map::new();
    field.insert("type".to_owned(), kind.name().into());
    if kind == FieldType::String && seen.rows >= seen.codes.len() * REPEATED {
        let named = named(path, agent, bundle);
        let texts = facts().filter_map(|fact| if let Fact::Text(text) = fact { Some(text) } else { None });
        let values: BTreeSet<&str> = texts.chain(named.iter().flatten().copied()).collect();
        // A rule that tests a prefix expects values that no list contains.
        if named.is_some() && values.len() <= MOST_VALUES {
            field.insert("enum".to_owned(), json!(values));
        }
    }
    if seen.rows == rows && rows >= REQUIRED_FROM {
        field.insert("required".to_owned(), true.into());
    }
    Some(field.into())
}

/// The texts that the rules for this agent compare the field with; `None` when one of the rules tests a prefix.
fn named<'b>(path: &str, agent: &str, bundle: &'b Bundle) -> Option<BTreeSet<&'b str>> {
    let mut named = BTreeSet::new();
    let rules = bundle.rules.iter().filter(|rule| rule.agent.matches(agent));
    for condition in rules.flat_map(|rule| &rule.conditions).filter(|condition| condition.field == path) {
        match &condition.test {
            Test::StartsWith(_) => return None,
            Test::In(values) | Test::NotIn(values) => named.extend(values.iter().filter_map(text)),
            _ => {}
        }
    }
    Some(named)
}

fn text(value: &Scalar) -> Option<&str> {
    if let Scalar::String(text) = value { Some(text) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        bundle::{Schema, Source},
        engine::{Prepared, Status, arbitrary, names::are_names},
        replay::{Case, Dataset},
    };

    fn case(at: usize, context: &Value) -> Case {
        Case {
            case_id: at.to_string(),
            agent: "inbox.triage".to_owned(),
            action: "quarantine".to_owned(),
            context: context.as_object().cloned().unwrap_or_default(),
            expected_effect: None,
        }
    }

    fn learned(cases: &[Case], bundle: &Bundle) -> Option<Value> {
        schema(&Columnar::of_cases(Dataset::Recorded, cases).unwrap(), bundle)
    }

    #[test]
    fn types_values_and_what_is_always_there_are_learned() {
        let rules = json!({"rules": [{"id": "one", "agent": "inbox.*", "action": "*", "effect": "deny",
            "conditions": {"category": ["malware", "spam"], "^=sender": "x"}}]});
        let bundle = Source::read(rules).unwrap().parse_rules().bundle;
        let cases: Vec<Case> = (0..60)
            .map(|at| {
                let category = if at % 2 == 0 { "phishing" } else { "spam" };
                let mixed = if at % 2 == 0 { json!(1) } else { json!("one") };
                let ratio = if at % 3 == 0 { json!(1) } else { json!(0.5) };
                let mut context = json!({"score": at, "ratio": ratio, "category": category, "mixed": mixed,
                    "sender": "x@example.org", "deep": {"vip": true}, "name": format!("name {at}")});
                if at == 7 {
                    context["score"] = Value::Null;
                }
                case(at, &context)
            })
            .collect();
        let fields = json!({
            "score": {"type": "integer"},
            "ratio": {"type": "number", "required": true},
            "category": {"type": "string", "enum": ["malware", "phishing", "spam"], "required": true},
            "sender": {"type": "string", "required": true},
            "deep.vip": {"type": "boolean", "required": true},
            "name": {"type": "string", "required": true},
        });
        let agents = json!({"inbox.triage": {"actions": ["quarantine"], "fields": fields}});
        assert_eq!(learned(&cases, &bundle), Some(json!({"enforce": false, "agents": agents})));
        assert_eq!(learned(&[], &bundle), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// The result is a valid schema which, when enforced, refuses none of the decisions it was inferred from.
        #[test]
        fn what_was_seen_is_admitted(
            bundle in arbitrary::bundle(0..6), inputs in prop::collection::vec(arbitrary::input(), 1..60),
        ) {
            let cases: Vec<Case> = inputs.iter().enumerate().map(|(at, input)| Case {
                case_id: at.to_string(),
                agent: input.agent.clone(),
                action: input.action.clone(),
                context: input.context.clone(),
                expected_effect: None,
            }).collect();
            let Some(mut learned) = learned(&cases, &bundle) else { return Ok(()) };
            learned["enforce"] = true.into();
            let schema = Schema::parse(&learned).map_err(|faults| TestCaseError::fail(format!("{faults:?}")))?;
            let bundle = Bundle { rules: vec![], schema: Some(schema), ..bundle };
            let prepared = Prepared::new(&bundle);
            // Agents and actions that are no names are not declared, and nothing decides for them.
            for case in cases.iter().filter(|case| are_names(&case.agent, &case.action)) {
                prop_assert_eq!(prepared.verdict(case.into()).status, Status::NoMatch, "{:?} under {}", case, learned);
            }
        }
    }
}
