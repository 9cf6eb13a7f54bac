//! One operation: its access rules, parameters, body and responses, and a command to try it.

use leptos::prelude::*;
use serde_json::Value;

use super::{
    curl,
    document::{list, members, resolved, text},
    schema,
};
use crate::components::{Column, Head, Table, prose::prose};

/// The panel of one operation.
pub(super) fn card(
    document: &Value,
    method: &'static str,
    path: &str,
    item: &Value,
    operation: &Value,
) -> impl IntoView + use<> {
    let id = text(&operation["operationId"]).to_owned();
    let description = text(&operation["description"]);
    let description = (!description.is_empty()).then(|| view! { <p>{prose(description)}</p> });
    view! {
        <article class="panel" id=id aria-label=text(&operation["summary"]).to_owned()>
            <div class="panel-head">
                <h2>{prose(text(&operation["summary"]))}</h2>
            </div>
            <div class="panel-body stack">
                <p class="reference-address">
                    <span class=format!("chip {}", tone(method))>{method.to_uppercase()}</span>
                    <code>{path.to_owned()}</code>
                </p>
                {description}
                <p class="muted">{access(operation)}</p>
                {parameters(document, item, operation)}
                {body(operation)}
                {answers(document, operation)}
                <pre class="reference-code">{curl::command(document, method, path, item, operation)}</pre>
            </div>
        </article>
    }
}

/// Reading operations are grey, writing operations blue.
fn tone(method: &str) -> &'static str {
    if method == "get" { "tone-neutral" } else { "tone-accent" }
}

/// The roles that may call the operation.
fn access(operation: &Value) -> AnyView {
    let schemes = list(&operation["security"]);
    let open =
        schemes.is_empty() || schemes.iter().any(|scheme| scheme.as_object().is_some_and(serde_json::Map::is_empty));
    if let Some(permission) = operation["x-permission"].as_str() {
        let roles = list(&operation["x-roles"]).iter().map(text).collect::<Vec<_>>().join(", ");
        return view! {
            "Needs the permission "
            <code>{permission.to_owned()}</code>
            {format!(": {roles}.")}
        }
        .into_any();
    }
    if open { "Open to everyone: needs no token.".into_any() } else { "Needs a token.".into_any() }
}

fn parameters(document: &Value, item: &Value, operation: &Value) -> Option<impl IntoView + use<>> {
    const COLUMNS: &[Column] = &[Column::Text("Parameter"), Column::Text("Type"), Column::Text("Meaning")];
    let all = list(&item["parameters"]).iter().chain(list(&operation["parameters"]));
    let rows: Vec<_> = all
        .map(|parameter| {
            let parameter = resolved(document, parameter);
            let place = text(&parameter["in"]);
            let needed = if parameter["required"] == true { "required" } else { "optional" };
            view! {
                <tr>
                    <th scope="row">
                        <code>{text(&parameter["name"]).to_owned()}</code>
                        <span class="reference-note">{format!("{place}, {needed}")}</span>
                    </th>
                    <td>{schema::words(&parameter["schema"])}</td>
                    <td>{prose(text(&parameter["description"]))}</td>
                </tr>
            }
        })
        .collect();
    let label = format!("Parameters of {}", text(&operation["operationId"]));
    (!rows.is_empty()).then(|| {
        view! {
            <Table label=label>
                <Head columns=COLUMNS />
                <tbody>{rows}</tbody>
            </Table>
        }
    })
}

/// The request body.
fn body(operation: &Value) -> Option<impl IntoView + use<>> {
    let body = operation.get("requestBody")?;
    let media = body.pointer("/content/application~1json")?;
    let may_lack = if body["required"] == true { "Body: " } else { "Body, which may be left out: " };
    let limit = text(&body["description"]);
    let limit = (!limit.is_empty()).then(|| format!(". {limit}"));
    Some(view! {
        <div class="stack-tight">
            <p>{may_lack} {schema::words(&media["schema"])} {limit}</p>
            {example("Example of a body", media)}
        </div>
    })
}

fn answers(document: &Value, operation: &Value) -> impl IntoView + use<> {
    const COLUMNS: &[Column] = &[Column::Text("Answer"), Column::Text("Body"), Column::Text("When")];
    let mut examples = Vec::new();
    let rows: Vec<_> = members(&operation["responses"])
        .map(|(status, answer)| {
            let answer = resolved(document, answer);
            for (_, media) in members(&answer["content"]) {
                examples.extend(example(&format!("Example of {status}"), media));
            }
            let headers = members(&answer["headers"]).map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
            view! {
                <tr>
                    <th scope="row">{status.clone()}</th>
                    <td>{bodies(answer)}</td>
                    <td>
                        {prose(text(&answer["description"]))}
                        {(!headers.is_empty())
                            .then(|| view! { <span class="reference-note">{format!("Headers: {headers}")}</span> })}
                    </td>
                </tr>
            }
        })
        .collect();
    let label = format!("Answers of {}", text(&operation["operationId"]));
    view! {
        <div class="stack-tight">
            <Table label=label>
                <Head columns=COLUMNS />
                <tbody>{rows}</tbody>
            </Table>
            {examples}
        </div>
    }
}

/// The bodies of a response; for an error, its codes.
fn bodies(answer: &Value) -> AnyView {
    let of = |(media, content): (&String, &Value)| {
        let codes = list(&content["schema"]["properties"]["code"]["enum"]);
        if !codes.is_empty() {
            let codes = codes.iter().map(|code| view! { <code>{text(code).to_owned()}</code> }.into_any());
            return schema::joined(codes.collect(), " or ");
        }
        match media.as_str() {
            "application/json" => schema::words(&content["schema"]),
            other => view! { <code>{other.to_owned()}</code> }.into_any(),
        }
    };
    schema::joined(members(&answer["content"]).map(of).collect(), " or ")
}

fn example(title: &str, media: &Value) -> Option<impl IntoView + use<>> {
    let example = media.get("example")?;
    let written = serde_json::to_string_pretty(example).unwrap_or_default();
    Some(view! {
        <details>
            <summary>{title.to_owned()}</summary>
            <pre class="reference-code">{written}</pre>
        </details>
    })
}
