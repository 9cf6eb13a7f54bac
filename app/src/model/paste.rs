//! Rules from the clipboard: JSON in any form of a bundle, or rows of a spreadsheet.

use policy::bundle::{Effect, Source};
use serde_json::{Map, Value};

use super::{
    Edit, RawRule,
    condition::{ValueKind, split_list},
    rule,
    text::{self, ParseError},
};

/// Columns of a spreadsheet without a heading, in this order.
const COLUMNS: [&str; 6] = ["id", "agent", "action", "effect", "priority", "reason"];

/// Whether `text` looks like rules, so that pasting a word into the page does nothing.
pub fn looks_like_rules(text: &str) -> bool {
    let text = text::without_mark(text).trim_start();
    text.starts_with(['{', '[']) || text.lines().next().is_some_and(|line| line.contains('\t'))
}

/// What was pasted: rules, and what a whole bundle says beside them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pasted {
    /// The rules, at least one.
    pub rules: Vec<RawRule>,
    /// The default effect, where it is written.
    pub default_effect: Option<Effect>,
    /// The effect on errors, where it is written.
    pub on_error: Option<Effect>,
    /// The declared domain, where it is written.
    pub schema: Option<Value>,
}

impl Pasted {
    /// The edits that take over what the bundle says beside its rules and `head` says otherwise, each in words. Without
    /// them, the rules may mean something else here than where they come from.
    pub fn settings(&self, head: &Source) -> Vec<(String, Edit)> {
        let mut edits = Vec::new();
        if let Some(effect) = self.default_effect.filter(|effect| *effect != head.default_effect) {
            let words = format!("Default effect {effect} (here {})", head.default_effect);
            edits.push((words, Edit::DefaultEffect(effect)));
        }
        if let Some(effect) = self.on_error.filter(|effect| *effect != head.on_error) {
            edits.push((format!("Effect on errors {effect} (here {})", head.on_error), Edit::OnError(effect)));
        }
        if let Some(schema) = self.schema.as_ref().filter(|schema| head.schema.as_ref() != Some(schema)) {
            let here = if head.schema.is_some() { "another one" } else { "none" };
            edits.push((format!("Schema (here {here})"), Edit::Schema(Some(schema.clone()))));
        }
        edits
    }
}

/// The rules in `text`.
///
/// # Errors
/// [`ParseError`] with what is wrong and where.
pub fn rules(text: &str) -> Result<Vec<RawRule>, ParseError> {
    read(text).map(|pasted| pasted.rules)
}

/// The rules in `text`, and what a whole bundle says beside them.
///
/// # Errors
/// [`ParseError`] with what is wrong and where.
pub fn read(text: &str) -> Result<Pasted, ParseError> {
    let trimmed = text::without_mark(text).trim();
    let pasted = if trimmed.starts_with(['{', '[']) {
        let value = text::parse(trimmed)?;
        // A single rule is accepted too.
        let value = match value {
            Value::Object(object) if !object.contains_key("rules") && object.contains_key("id") => {
                Value::Array(vec![Value::Object(object)])
            }
            other => other,
        };
        let is_written = |name: &str| value.get(name).is_some_and(|value| !value.is_null());
        let (has_default, has_on_error) = (is_written("default_effect"), is_written("on_error"));
        let source = text::source(value)?;
        Pasted {
            default_effect: has_default.then_some(source.default_effect),
            on_error: has_on_error.then_some(source.on_error),
            schema: source.schema,
            rules: source.rules,
        }
    } else {
        Pasted { rules: from_rows(trimmed)?, ..Pasted::default() }
    };
    if pasted.rules.is_empty() {
        return Err(ParseError { line: None, column: 0, message: "there are no rules in it".to_owned() });
    }
    Ok(pasted)
}

/// Rules from tab-separated rows. A first row with an `id` cell is a heading. Columns named `budget.cost`,
/// `budget.compute`, `budget.risk` or `tags` set those fields; a column with an unknown name (`>=risk_score`,
/// `category`) is a condition.
fn from_rows(text: &str) -> Result<Vec<RawRule>, ParseError> {
    let mut rows = records(text).into_iter();
    let (first_line, first) = rows.next().ok_or_else(|| wrong(1, 1, "there are no rules in it"))?;
    let headed = first.iter().any(|cell| cell.trim().eq_ignore_ascii_case("id"));
    let columns: Vec<String> = if headed {
        first.iter().map(|cell| heading(cell.trim())).collect()
    } else {
        COLUMNS.iter().map(|name| (*name).to_owned()).collect()
    };
    for (at, name) in columns.iter().enumerate() {
        if !name.is_empty() && columns.iter().take(at).any(|other| other == name) {
            let message = format!("the column `{name}` is there twice; keep the one that is meant");
            return Err(wrong(first_line, at + 1, &message));
        }
    }
    let unheaded = (!headed).then_some((first_line, first));
    let mut rules = Vec::new();
    for (line, cells) in unheaded.into_iter().chain(rows) {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if cells.len() > columns.len() {
            let message = format!("{} cells, but only {} columns are known", cells.len(), columns.len());
            return Err(wrong(line, 1, &message));
        }
        rules.push(from_cells(&columns, &cells, line)?);
    }
    Ok(rules)
}

fn heading(cell: &str) -> String {
    let plain = cell.to_lowercase().replace(' ', "_");
    let known = COLUMNS.contains(&plain.as_str())
        || matches!(
            plain.as_str(),
            "enabled" | "tags" | "conditions" | "budget.cost" | "budget.compute" | "budget.risk"
        );
    if known { plain } else { cell.to_owned() }
}

fn from_cells(columns: &[String], cells: &[String], line: usize) -> Result<RawRule, ParseError> {
    let mut rule = RawRule::new();
    let mut conditions = Map::new();
    for (column, (name, cell)) in columns.iter().zip(cells).enumerate() {
        let cell = cell.trim();
        if cell.is_empty() || name.is_empty() {
            continue;
        }
        let place = |message: &str| wrong(line, column + 1, &format!("{name}: {message}"));
        match name.as_str() {
            "priority" => {
                let value = rule::read_number(cell).map_err(|_| place("not a number"))?;
                rule::set(&mut rule, "priority", value);
            }
            "enabled" => {
                let on = match cell.to_lowercase().as_str() {
                    "true" | "yes" | "1" | "on" => true,
                    "false" | "no" | "0" | "off" => false,
                    _ => return Err(place("expected true or false")),
                };
                rule::set(&mut rule, "enabled", Some(on.into()));
            }
            "tags" => rule::set(&mut rule, "tags", Some(Value::Array(split_list(cell, Some(ValueKind::Text))))),
            "conditions" => match text::parse(cell) {
                Ok(Value::Object(object)) => {
                    if let Some(twice) = object.keys().find(|key| conditions.contains_key(*key)) {
                        return Err(place(&format!(
                            "`{twice}` has a column of its own, too; keep the one that is meant"
                        )));
                    }
                    conditions.extend(object);
                }
                _ => return Err(place("expected a JSON object")),
            },
            "budget.cost" | "budget.compute" => {
                let value = rule::read_number(cell).map_err(|_| place("not a number"))?;
                rule::set_budget(&mut rule, name.trim_start_matches("budget."), value);
            }
            "budget.risk" => rule::set_budget(&mut rule, "risk", Some(cell.into())),
            name if COLUMNS.contains(&name) => rule::set(&mut rule, name, Some(cell.into())),
            condition => {
                if conditions.contains_key(condition) {
                    return Err(place("it stands among the conditions, too; keep the one that is meant"));
                }
                conditions.insert(condition.to_owned(), cell_value(cell));
            }
        }
    }
    if !conditions.is_empty() {
        rule::set(&mut rule, "conditions", Some(Value::Object(conditions)));
    }
    Ok(rule)
}

/// A condition's value from a cell: a list when the cell contains bars.
fn cell_value(cell: &str) -> Value {
    if cell.contains('|') {
        return Value::Array(split_list(cell, None));
    }
    ValueKind::guess(cell).read(cell).unwrap_or_else(|| cell.into())
}

fn wrong(line: usize, column: usize, message: &str) -> ParseError {
    ParseError { line: Some(line), column, message: message.to_owned() }
}

/// Splits tab-separated text into cells, each record with its line. As spreadsheets write it, a cell in quotes may
/// contain tabs and new lines.
fn records(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut records = Vec::new();
    let (mut cells, mut cell) = (Vec::new(), String::new());
    let (mut quoted, mut line, mut start) = (false, 1, 1);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            '\t' if !quoted => cells.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                cells.push(std::mem::take(&mut cell));
                records.push((start, std::mem::take(&mut cells)));
                line += 1;
                start = line;
            }
            other => {
                line += usize::from(other == '\n');
                cell.push(other);
            }
        }
    }
    if !cell.is_empty() || !cells.is_empty() {
        cells.push(cell);
        records.push((start, cells));
    }
    records
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_json_form_of_a_bundle_is_read() {
        for text in [
            r#"[{"id":"aaa"}]"#,
            r#"{"rules":[{"id":"aaa"}]}"#,
            r#"{"version":"1.0.0","rules":[{"id":"aaa"}]}"#,
            r#"{"id":"aaa","effect":"deny"}"#,
        ] {
            assert_eq!(rules(text).unwrap()[0]["id"], "aaa", "{text}");
        }
        assert_eq!(rules("\u{feff} [{\"id\":\"aaa\"}]").unwrap()[0]["id"], "aaa");
        assert!(looks_like_rules("\u{feff}{"));
        assert!(rules("[]").is_err());
        assert_eq!(rules("[{]").unwrap_err().line, Some(1));
    }

    #[test]
    fn a_spreadsheet_with_headings_is_read() {
        let text = "ID\tAgent\tAction\tEffect\tPriority\t>=risk_score\tcategory\ttags\tbudget.cost\tReason\n\
                    aaa\tinbox.triage\tquarantine\tallow\t80\t90\tphishing|malware\tinbox, hot\t0.5\t\"Two\tparts\"\n\
                    \n\
                    bbb\t*\t*\tdeny\t\t\t\t\t\tStop it all\n";
        let rules = rules(text).unwrap();
        assert_eq!(
            Value::Object(rules[0].clone()),
            json!({"id":"aaa","agent":"inbox.triage","action":"quarantine","effect":"allow","priority":80,
                "conditions":{">=risk_score":90,"category":["phishing","malware"]},"tags":["inbox","hot"],
                "budget":{"cost":0.5},"reason":"Two\tparts"})
        );
        assert_eq!(rules.len(), 2);
        assert!(!rules[1].contains_key("conditions"));
    }

    #[test]
    fn a_spreadsheet_without_headings_has_the_first_columns() {
        let rules = rules("aaa\t*\tdelete\tdeny\t90\tNever delete\n").unwrap();
        assert_eq!(rules[0]["priority"], 90);
        assert_eq!(rules[0]["reason"], "Never delete");
    }

    #[test]
    fn a_bad_cell_is_named_with_its_row() {
        let error = rules("id\tpriority\naaa\thigh").unwrap_err();
        assert_eq!(error.to_string(), "line 2, column 2: priority: not a number");
    }

    #[test]
    fn what_is_there_twice_is_named() {
        for (text, message) in [
            (
                "id\tvip\tvip\naaa\t1\t2",
                "line 1, column 3: the column `vip` is there twice; keep the one that is meant",
            ),
            (
                "id\tReason\treason\naaa\ta\tb",
                "line 1, column 3: the column `reason` is there twice; keep the one that is meant",
            ),
            (
                "id\tconditions\tvip\naaa\t{\"vip\":1}\t2",
                "line 2, column 3: vip: it stands among the conditions, too; keep the one that is meant",
            ),
            (
                "id\tvip\tconditions\naaa\t2\t{\"vip\":1}",
                "line 2, column 3: conditions: `vip` has a column of its own, too; keep the one that is meant",
            ),
        ] {
            assert_eq!(rules(text).unwrap_err().to_string(), message);
        }
        // A column without a heading is not read, so there may be several.
        assert!(rules("id\t\t\naaa\t1\t2").is_ok());
    }

    #[test]
    fn what_a_bundle_says_beside_its_rules_is_offered() {
        let text = r#"{"default_effect":"allow","on_error":"deny","schema":{"agents":{}},"rules":[{"id":"aaa"}]}"#;
        let pasted = read(text).unwrap();
        let head = Source::default();
        let words: Vec<String> = pasted.settings(&head).into_iter().map(|(words, _)| words).collect();
        assert_eq!(words, ["Default effect allow (here deny)", "Schema (here none)"]);
        let content = crate::model::Content::default();
        let edits = pasted.settings(&head).into_iter().map(|(_, edit)| edit);
        let add = Edit::Add { rules: pasted.rules.clone(), after: None };
        let taken = content.edited(&Edit::Together(std::iter::once(add).chain(edits).collect())).unwrap();
        assert_eq!((taken.rules().len(), taken.head().default_effect), (1, Effect::Allow));
        assert_eq!(taken.head().schema, Some(json!({"agents": {}})));
        assert!(pasted.settings(taken.head()).is_empty());
        // What is not written is not offered.
        assert!(read(r#"{"rules":[{"id":"aaa"}]}"#).unwrap().settings(taken.head()).is_empty());
    }

    #[test]
    fn a_word_is_not_rules() {
        assert!(!looks_like_rules("hello") && looks_like_rules(" [") && looks_like_rules("a\tb"));
    }
}
