//! An operation as a line for a shell.

use serde_json::Value;

use super::{list, resolved, text};

/// The line: host and token are variables that the reader sets, ids are words in capitals.
pub(super) fn line(document: &Value, method: &str, path: &str, item: &Value, operation: &Value) -> String {
    let parameters: Vec<&Value> = list(&item["parameters"])
        .iter()
        .chain(list(&operation["parameters"]))
        .map(|parameter| resolved(document, parameter))
        .collect();
    let mut parts = vec!["curl".to_owned()];
    if method != "get" {
        parts.push(format!("-X {}", method.to_uppercase()));
    }
    let answers = members_of_answers(document, operation);
    if answers.contains("text/event-stream") {
        // Shows events as they come.
        parts.push("-N".to_owned());
    }
    if answers.contains("octet-stream") {
        parts.push("-o corpus".to_owned());
    }
    let mut address = path.to_owned();
    for parameter in parameters.iter().filter(|parameter| parameter["in"] == "path") {
        let name = text(&parameter["name"]);
        let value = sample(parameter).unwrap_or_else(|| name.to_uppercase());
        address = address.replace(&format!("{{{name}}}"), &value);
    }
    parts.push(format!("\"$COUNTERSIGN_URL{address}\""));
    if list(&operation["security"]).iter().any(|way| way.get("token").is_some()) {
        parts.push("-H \"Authorization: Bearer $COUNTERSIGN_TOKEN\"".to_owned());
    }
    for parameter in parameters.iter().filter(|parameter| parameter["in"] == "header") {
        let one_value = list(&parameter["schema"]["enum"]).len() == 1;
        if let (true, Some(value)) = (parameter["required"] == true || one_value, sample(parameter)) {
            parts.push(format!("-H {}", quoted(&format!("{}: {value}", text(&parameter["name"])))));
        }
    }
    if let Some(example) = operation["requestBody"].pointer("/content/application~1json/example") {
        parts.push(format!("-d {}", quoted(&example.to_string())));
    }
    parts.join(" ")
}

/// A value that a parameter may have.
fn sample(parameter: &Value) -> Option<String> {
    let schema = &parameter["schema"];
    let given = list(&schema["examples"]).first().or_else(|| list(&schema["enum"]).first())?;
    Some(given.as_str().map_or_else(|| given.to_string(), str::to_owned))
}

fn members_of_answers(document: &Value, operation: &Value) -> String {
    let answers = super::members(&operation["responses"]).map(|(_, answer)| resolved(document, answer));
    answers.flat_map(|answer| super::members(&answer["content"])).map(|(media, _)| media.as_str()).collect()
}

/// `text` as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
