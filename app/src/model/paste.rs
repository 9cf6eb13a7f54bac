//! Rules from the clipboard: JSON in any form of a bundle, or rows of a spreadsheet.

use serde_json::{Map, Value};

use super::{
    RawRule,
    condition::{ValueKind, split_list},
    rule,
    text::{self, ParseError},
};

/// Columns of a spreadsheet without a heading, in this order.
const COLUMNS: [&str; 6] = ["id", "agent", "action", "effect", "priority", "reason"];

/// Whether `text` looks like rules, so that pasting a word into the page does nothing.
pub fn looks_like_rules(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with(['{', '[']) || text.lines().next().is_some_and(|line| line.contains('\t'))
}

/// The rules in `text`.
///
/// # Errors
/// [`ParseError`] with what is wrong and where.
pub fn rules(text: &str) -> Result<Vec<RawRule>, ParseError> {
    let trimmed = text.trim_start_matches('\u{feff}').trim();
    let rules = if trimmed.starts_with(['{', '[']) {
        let value = text::parse(trimmed)?;
        // A single rule is accepted too.
        let value = match value {
            Value::Object(object) if !object.contains_key("rules") && object.contains_key("id") => {
                Value::Array(vec![Value::Object(object)])
            }
            other => other,
        };
        text::source(value)?.rules
    } else {
        from_rows(trimmed)?
    };
    if rules.is_empty() {
        return Err(ParseError { line: None, column: 0, message: "there are no rules in it".to_owned() });
    }
    Ok(rules)
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
                Ok(Value::Object(object)) => conditions.extend(object),
                _ => return Err(place("expected a JSON object")),
            },
            "budget.cost" | "budget.compute" => {
                let value = rule::read_number(cell).map_err(|_| place("not a number"))?;
                rule::set_budget(&mut rule, name.trim_start_matches("budget."), value);
            }
            "budget.risk" => rule::set_budget(&mut rule, "risk", Some(cell.into())),
            name if COLUMNS.contains(&name) => rule::set(&mut rule, name, Some(cell.into())),
            condition => {
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
    fn a_word_is_not_rules() {
        assert!(!looks_like_rules("hello") && looks_like_rules(" [") && looks_like_rules("a\tb"));
    }
}
