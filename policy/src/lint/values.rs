//! Values that are not what they look like: text that looks like a number, an amount, a range or a boolean, and numbers
//! that are not the ones their author wrote.

use serde_json::{Value, json};

use super::{
    Code, Finding,
    amounts::{Meant, read},
    example::Example,
};
use crate::{
    bundle::{
        NamePattern, ParsedRule, Schema, Source, Test,
        condition::{Operator, key_of, number_value},
        schema::FieldType,
    },
    json::{Literals, clip, escape},
};

/// The findings about the values that the conditions of a rule compare with: of each kind one for every condition, so that
/// a long list has one answer.
pub(super) fn check(
    rule: &ParsedRule<'_>,
    example: &Example<'_>,
    (schema, literals): (Option<&Schema>, &Literals),
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(Value::Object(conditions)) = rule.source.get("conditions") else { return findings };
    for intended in &rule.conditions {
        let Some(written) = conditions.get(intended.written).filter(|_| intended.written == intended.condition.key)
        else {
            continue;
        };
        let condition = &intended.condition;
        let is_list = matches!(condition.test, Test::In(_) | Test::NotIn(_));
        let (items, alone) = match written {
            Value::Array(items) => (items.as_slice(), false),
            one => (std::slice::from_ref(one), true),
        };
        let base = format!("/conditions/{}", escape(intended.written));
        let place = |index: usize| if alone { base.clone() } else { format!("{base}/{index}") };
        let (mut inexact, mut texts) = (Odd::default(), Odd::default());
        let reads_texts = is_list && !is_declared_text(rule, schema, &condition.field);
        for (index, value) in items.iter().enumerate() {
            let pointer = || rule.pointer(&place(index));
            if let Some(literal) = inexact_literal(value, literals, pointer) {
                inexact.add(|| (place(index), (value, literal)));
            } else if let Some(found) = value.as_str().filter(|_| reads_texts).and_then(read) {
                texts.add(|| (place(index), (value, found)));
            }
        }
        if let Some(mut finding) = inexact_number(rule, &inexact, is_list) {
            let becomes = inexact.first().and_then(|(_, (value, _))| value.as_f64()).map(number_value);
            finding.witness = example.with(&condition.field, becomes.unwrap_or_default());
            findings.push(finding);
        }
        let operator = alone.then_some(condition.test.operator());
        if let Some(mut finding) = suspicious_text(rule, &texts, &condition.field, operator) {
            let meant = texts.first().and_then(|(_, (_, (_, meant)))| match meant {
                Meant::Value(value) => Some(value.clone()),
                Meant::Bounds(bounds) => bounds.first().map(|(_, bound)| number_value(*bound)),
                Meant::Unclear => None,
            });
            finding.witness = meant.and_then(|meant| example.with(&condition.field, meant));
            findings.push(finding);
        }
    }
    findings
}

/// The numbers of budgets and of the schema that are not the ones their author wrote.
pub fn check_bundle(source: &Source) -> Vec<Finding> {
    let mut found = Odd::default();
    for (index, rule) in source.rules.iter().enumerate() {
        if let Some(Value::Object(budget)) = rule.get("budget") {
            for (key, value) in budget {
                let pointer = || format!("/rules/{index}/budget/{}", escape(key));
                if let Some(literal) = inexact_literal(value, &source.literals, pointer) {
                    found.add(|| (pointer(), (value, literal)));
                }
            }
        }
    }
    if let Some(schema) = &source.schema {
        numbers_below("/schema", schema, &source.literals, &mut found);
    }
    let more = found.more();
    let id = |finding: &Finding| source.rules.get(finding.position()?)?.get("id")?.as_str();
    let mut findings: Vec<Finding> = found
        .first
        .into_iter()
        .filter_map(|(pointer, (value, literal))| {
            let becomes = number_value(value.as_f64()?);
            let message = format!("{literal} is not a number that can be kept: it becomes {becomes}, and that counts.");
            let fix = json!([{"op": "replace", "path": pointer, "value": becomes}]);
            let finding =
                Finding::new(Code::InexactNumber, pointer, message).suggest("Write the number that it becomes.");
            let rule = id(&finding);
            Some(finding.fix_if(serde_json::from_value(fix).ok()).about(rule))
        })
        .collect();
    if let Some(last) = findings.last_mut().filter(|_| more > 0) {
        last.message.push_str(&format!(" So do {more} more numbers."));
    }
    findings
}

fn numbers_below<'v>(pointer: &str, value: &'v Value, literals: &Literals, found: &mut Odd<(&'v Value, String)>) {
    match value {
        Value::Number(_) => {
            if let Some(literal) = inexact_literal(value, literals, || pointer.to_owned()) {
                found.add(|| (pointer.to_owned(), (value, literal)));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                numbers_below(&format!("{pointer}/{index}"), item, literals, found);
            }
        }
        Value::Object(object) => {
            for (key, item) in object {
                numbers_below(&format!("{pointer}/{}", escape(key)), item, literals, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Maximum number of items of one list that are repaired at once.
const MAX_REPAIRED: usize = 100;

/// The first odd items of one kind with their places, and how many there are.
struct Odd<T> {
    first: Vec<(String, T)>,
    count: usize,
}

impl<T> Default for Odd<T> {
    fn default() -> Self {
        Self { first: Vec::new(), count: 0 }
    }
}

impl<T> Odd<T> {
    fn add(&mut self, item: impl FnOnce() -> (String, T)) {
        self.count += 1;
        if self.first.len() < MAX_REPAIRED {
            self.first.push(item());
        }
    }

    fn first(&self) -> Option<&(String, T)> {
        self.first.first()
    }

    /// How many items there are that the list does not have.
    fn more(&self) -> usize {
        self.count - self.first.len()
    }

    /// The end of the message about the first item.
    fn others(&self) -> String {
        match self.count {
            0 | 1 => String::new(),
            2 => " So is one more here.".to_owned(),
            count => format!(" So are {} more here.", count - 1),
        }
    }
}

/// Whether the schema declares the field as text for the one agent of the rule.
fn is_declared_text(rule: &ParsedRule<'_>, schema: Option<&Schema>, field: &str) -> bool {
    let Some(NamePattern::Exact(agent)) = &rule.agent else { return false };
    let declared = schema.and_then(|schema| schema.agents.get(agent)?.fields.get(field));
    declared.is_some_and(|field| field.kind == FieldType::String)
}

/// How a number is written, when the double it becomes is another one.
fn inexact_literal(value: &Value, literals: &Literals, pointer: impl Fn() -> String) -> Option<String> {
    let Value::Number(number) = value else { return None };
    let becomes = number.as_f64()?;
    let same = match (number.as_i64(), number.as_u64()) {
        // A double of this size is whole, and 128 bits hold it.
        (Some(whole), _) => becomes as i128 == i128::from(whole),
        (None, Some(whole)) => becomes as i128 == i128::from(whole),
        (None, None) => true,
    };
    if !same {
        return Some(number.to_string());
    }
    if literals.is_empty() { None } else { literals.at(&pointer(), value).map(str::to_owned) }
}

fn inexact_number(rule: &ParsedRule<'_>, found: &Odd<(&Value, String)>, is_list: bool) -> Option<Finding> {
    let (pointer, (value, literal)) = found.first()?;
    let becomes = value.as_f64().map(|number| format!("{number}")).unwrap_or_default();
    let message = format!(
        "{literal} is not a number that can be kept: it becomes {becomes}, which other numbers become as well, and this \
         matches them all.{}",
        found.others()
    );
    let finding = rule.finding(Code::InexactNumber, pointer, message);
    let repaired = |with: &dyn Fn(&Value, &str) -> Option<Value>| {
        let one = |(pointer, (value, literal)): &(String, (&Value, String))| {
            Some(json!({"op": "replace", "path": rule.pointer(pointer), "value": with(value, literal)?}))
        };
        let all: Option<Vec<Value>> = found.first.iter().map(one).collect();
        all.and_then(|all| serde_json::from_value(Value::Array(all)).ok())
    };
    Some(if is_list {
        // Of an overlong literal only the beginning is kept.
        let text = |_: &Value, literal: &str| (!literal.ends_with('…')).then(|| json!(literal));
        finding
            .suggest(format!("Write it as text, \"{literal}\", and let the caller send text."))
            .fix_if(repaired(&text))
    } else {
        finding
            .suggest("Write the number that it becomes, or compare a smaller unit.")
            .fix_if(repaired(&|value, _| value.as_f64().map(number_value)))
    })
}

fn suspicious_text(
    rule: &ParsedRule<'_>,
    found: &Odd<(&Value, (&'static str, Meant))>,
    field: &str,
    alone: Option<Operator>,
) -> Option<Finding> {
    let (pointer, (text, (what, meant))) = found.first()?;
    let text = clip(text.as_str()?);
    let message =
        format!("\"{text}\" is a text that looks like {what}: it matches only that very text.{}", found.others());
    let finding = rule.finding(Code::SuspiciousText, pointer, message);
    let path = rule.pointer(pointer);
    let (suggestion, fix) = match meant {
        Meant::Value(value) => {
            let replaced = |(pointer, (_, (_, meant))): &(String, (&Value, (&str, Meant)))| match meant {
                Meant::Value(value) => Some(json!({"op": "replace", "path": rule.pointer(pointer), "value": value})),
                Meant::Bounds(_) | Meant::Unclear => None,
            };
            let fix = Value::Array(found.first.iter().filter_map(replaced).collect());
            (format!("Write {value} without quotes."), Some(fix))
        }
        Meant::Bounds(bounds) => {
            let entries: Vec<(String, Value)> =
                bounds.iter().map(|(operator, number)| (key_of(*operator, field), number_value(*number))).collect();
            let words: Vec<String> = entries.iter().map(|(key, value)| format!("`\"{key}\": {value}`")).collect();
            let conditions = rule.source.get("conditions").and_then(Value::as_object);
            let free = entries.iter().all(|(key, _)| conditions.is_none_or(|conditions| !conditions.contains_key(key)));
            let fix = (alone == Some(Operator::Equals) && free).then(|| {
                let add = entries.into_iter().map(|(key, value)| {
                    json!({"op": "add", "path": rule.pointer(&format!("/conditions/{}", escape(&key))), "value": value})
                });
                Value::Array(std::iter::once(json!({"op": "remove", "path": path})).chain(add).collect())
            });
            (format!("Write {}.", words.join(" and ")), fix)
        }
        Meant::Unclear => ("Write the number without unit and grouping, if a number is sent.".to_owned(), None),
    };
    let mut finding = finding.suggest(suggestion).fix_if(fix.and_then(|fix| serde_json::from_value(fix).ok()));
    if finding.fix.is_some()
        && let Some(note) = &mut finding.suggestion
    {
        note.push_str(" If text is sent, declare the field as a string in the schema.");
    }
    Some(finding)
}
