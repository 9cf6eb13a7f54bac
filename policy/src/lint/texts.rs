//! Texts that do not say what they seem to say: invisible characters, characters that turn the direction of the text,
//! other spellings of what looks the same.

use std::cell::OnceCell;

use serde_json::{Map, Value, json};

use super::{Code, Finding, example::Example, listed::Listed};
use crate::{
    bundle::{ParsedRule, Source},
    characters::{self, Lines},
    json::{clip, escape},
};

/// One finding for every text of a rule that has odd characters, members' names included.
pub(super) fn check(rule: &ParsedRule<'_>, example: &Example<'_>) -> Vec<Finding> {
    let mut search = Search::new(rule.pointer(""), rule.id);
    if is_plain(rule.source) {
        search.blanks_around_names(rule.source);
        return search.found();
    }
    search.object("", rule.source, Lines::One);
    search.blanks_around_names(rule.source);
    for finding in &mut search.findings {
        finding.witness = witness(rule, example, finding);
    }
    search.found()
}

/// For a value of a condition, an input with the text that a reader takes it to be.
fn witness(rule: &ParsedRule<'_>, example: &Example<'_>, finding: &Finding) -> Option<Value> {
    let below = finding.path.strip_prefix(&rule.pointer("/conditions/"))?;
    let key = below.split('/').next()?;
    let intended = rule.conditions.iter().find(|intended| escape(intended.written) == key)?;
    let written = rule.source.get("conditions")?.get(intended.written)?;
    let text = match below.strip_prefix(key)?.strip_prefix('/') {
        None => written.as_str()?,
        Some(item) => written.get(item.parse::<usize>().ok()?)?.as_str()?,
    };
    let clean = characters::cleaned(text, Lines::One);
    example.with(&intended.condition.field, clean.into())
}

/// Whether all texts of an object, members' names included, are printable ASCII, as in nearly every rule.
fn is_plain(object: &Map<String, Value>) -> bool {
    fn plain(value: &Value) -> bool {
        match value {
            Value::String(text) => characters::is_plain(text, Lines::One),
            Value::Array(items) => items.iter().all(plain),
            Value::Object(object) => is_plain(object),
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
        }
    }
    object.iter().all(|(key, value)| characters::is_plain(key, Lines::One) && plain(value))
}

/// The findings about the texts of the bundle outside its rules.
pub fn check_bundle(source: &Source) -> Vec<Finding> {
    let mut search = Search::new(String::new(), None);
    search.text("/notes", &source.notes, Lines::Many, None);
    if let Some(schema) = &source.schema {
        search.value("/schema", schema, Lines::One, None);
    }
    search.object("/metadata", &source.metadata, Lines::Many);
    search.object("", &source.unknown, Lines::Many);
    search.found()
}

/// Maximum number of findings about the texts of one rule, or of the bundle outside its rules.
const MAX_NAMED: usize = 20;

struct Search<'a> {
    base: String,
    rule_id: Option<&'a str>,
    findings: Vec<Finding>,
    /// How many texts more have odd characters.
    more: usize,
}

impl<'a> Search<'a> {
    const fn new(base: String, rule_id: Option<&'a str>) -> Self {
        Self { base, rule_id, findings: Vec::new(), more: 0 }
    }

    fn found(mut self) -> Vec<Finding> {
        if self.more > 0
            && let Some(last) = self.findings.last_mut()
        {
            last.message.push_str(&format!(" So have {} more texts here.", self.more));
        }
        self.findings
    }

    /// Whether one more text is only counted.
    fn is_full(&mut self) -> bool {
        let is_full = self.findings.len() >= MAX_NAMED;
        self.more += usize::from(is_full);
        is_full
    }

    fn object(&mut self, pointer: &str, object: &Map<String, Value>, lines: Lines) {
        for (key, value) in object {
            let here = format!("{pointer}/{}", escape(key));
            self.key(pointer, &here, key, object);
            // Free members of a rule may hold longer texts.
            let lines = if here == "/metadata" { Lines::Many } else { lines };
            self.value(&here, value, lines, None);
        }
    }

    fn value(&mut self, pointer: &str, value: &Value, lines: Lines, list: Option<&List<'_>>) {
        match value {
            Value::String(text) => self.text(pointer, text, lines, list),
            Value::Array(items) => {
                let list = List { items, texts: OnceCell::new() };
                for (index, item) in items.iter().enumerate() {
                    self.value(&format!("{pointer}/{index}"), item, lines, Some(&list));
                }
            }
            Value::Object(object) => self.object(pointer, object, lines),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, pointer: &str, text: &str, lines: Lines, list: Option<&List<'_>>) {
        let Some(oddity) = characters::oddity(text, lines) else { return };
        if self.is_full() {
            return;
        }
        let clean = characters::cleaned(text, lines);
        let path = format!("{}{pointer}", self.base);
        // Of two entries of a list that look the same, one is enough.
        let twice = list.is_some_and(|list| list.has(&clean));
        let (suggestion, fix) = if twice {
            (format!("Remove it: the list has `{}` already.", clip(&clean)), json!([{"op": "remove", "path": path}]))
        } else {
            let suggestion = format!("Write `{}`.", clip(&clean));
            // What remains odd needs its author.
            let is_clean = characters::oddity(&clean, lines).is_none();
            let fix = if is_clean { json!([{"op": "replace", "path": path, "value": clean}]) } else { Value::Null };
            (suggestion, fix)
        };
        let message = format!("This text has {}: `{}`.", oddity.words(), clip(&shown(text, lines)));
        self.add(path, message, suggestion, fix);
    }

    fn key(&mut self, pointer: &str, here: &str, key: &str, object: &Map<String, Value>) {
        let Some(oddity) = characters::oddity(key, Lines::One) else { return };
        if self.is_full() {
            return;
        }
        let clean = characters::cleaned(key, Lines::One);
        let (from, to) = (format!("{}{here}", self.base), format!("{}{pointer}/{}", self.base, escape(&clean)));
        let message = format!("This name has {}: `{}`.", oddity.words(), clip(&characters::write_out(key)));
        if object.contains_key(&clean) {
            let suggestion = format!("Keep one of the two: `{}` is there as well.", clip(&clean));
            self.add(from, message, suggestion, Value::Null);
        } else {
            let fix = json!([{"op": "move", "from": from, "path": to}]);
            self.add(from, message, format!("Write `{}`.", clip(&clean)), fix);
        }
    }

    /// Names are read without the blanks around them, which nobody sees.
    fn blanks_around_names(&mut self, rule: &Map<String, Value>) {
        for key in ["agent", "action"] {
            let Some(text) = rule.get(key).and_then(Value::as_str) else { continue };
            if text.trim().len() < text.len()
                && characters::oddity(text, Lines::One).is_none()
                && !text.trim().is_empty()
            {
                let path = format!("{}/{key}", self.base);
                let fix = json!([{"op": "replace", "path": path, "value": text.trim()}]);
                let message = format!("This {key} has a blank before or after it, which nobody sees.");
                self.add(path, message, format!("Write `{}`.", text.trim()), fix);
            }
        }
    }

    fn add(&mut self, path: String, message: String, suggestion: String, fix: Value) {
        let finding = Finding::new(Code::InvisibleText, path, message).about(self.rule_id).suggest(suggestion);
        self.findings.push(finding.fix_if(serde_json::from_value(fix).ok()));
    }
}

/// A list, with its texts once one of them is odd.
struct List<'v> {
    items: &'v [Value],
    texts: OnceCell<Listed<'v>>,
}

impl List<'_> {
    fn has(&self, text: &str) -> bool {
        self.texts.get_or_init(|| Listed::texts(self.items)).has_text(text)
    }
}

fn shown(text: &str, lines: Lines) -> String {
    match lines {
        Lines::One => characters::write_out(text).into_owned(),
        Lines::Many => characters::write_out_lines(text).into_owned(),
    }
}
