//! An operation as a curl command.

use serde_json::Value;

use super::document::{list, members, resolved, text};

/// The command. Host and token are variables for the reader to set; ids are words in capitals.
pub(super) fn command(document: &Value, method: &str, path: &str, item: &Value, operation: &Value) -> String {
    let parameters: Vec<&Value> = list(&item["parameters"])
        .iter()
        .chain(list(&operation["parameters"]))
        .map(|parameter| resolved(document, parameter))
        .collect();
    let mut parts = vec!["curl".to_owned()];
    if method != "get" {
        parts.push(format!("-X {}", method.to_uppercase()));
    }
    let media = response_media(document, operation);
    if media.contains("text/event-stream") {
        // Prints events as they arrive.
        parts.push("-N".to_owned());
    }
    if media.contains("octet-stream") {
        parts.push("-o corpus".to_owned());
    }
    let mut address = path.to_owned();
    for parameter in parameters.iter().filter(|parameter| parameter["in"] == "path") {
        let name = text(&parameter["name"]);
        let value = sample(parameter).unwrap_or_else(|| name.to_uppercase());
        address = address.replace(&format!("{{{name}}}"), &value);
    }
    parts.push(format!("\"$COUNTERSIGN_URL{address}\""));
    if list(&operation["security"]).iter().any(|scheme| scheme.get("token").is_some()) {
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

/// An example value of a parameter.
fn sample(parameter: &Value) -> Option<String> {
    let schema = &parameter["schema"];
    let given = list(&schema["examples"]).first().or_else(|| list(&schema["enum"]).first())?;
    Some(given.as_str().map_or_else(|| given.to_string(), str::to_owned))
}

/// The media types of all responses, joined.
fn response_media(document: &Value, operation: &Value) -> String {
    let answers = members(&operation["responses"]).map(|(_, answer)| resolved(document, answer));
    answers.flat_map(|answer| members(&answer["content"])).map(|(media, _)| media.as_str()).collect()
}

/// `text` quoted as one word for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
