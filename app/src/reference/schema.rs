//! Schemas in words and as tables.

use leptos::prelude::*;
use serde_json::Value;

use super::{
    address::{SCHEMAS, path_of},
    document::{list, members, text},
};
use crate::components::{Column, Head, Table, prose::prose};

/// The panel of one named schema.
pub(super) fn card(name: &str, schema: &Value) -> impl IntoView + use<> {
    let table = match schema {
        _ if schema.get("properties").is_some() => properties(name, schema).into_any(),
        _ if schema.get("x-enum-descriptions").is_some() => values(name, schema).into_any(),
        _ => view! { <p class="reference-pad">{words(schema)}</p> }.into_any(),
    };
    view! {
        <article class="panel panel-flush" id=format!("schema-{name}") aria-label=name.to_owned()>
            <div class="panel-head">
                <h2>{name.to_owned()}</h2>
                <span class="panel-note">{prose(text(&schema["description"]))}</span>
            </div>
            <div class="panel-body">{table}</div>
        </article>
    }
}

/// The members of an object: required members first, in the order of the schema.
fn properties(name: &str, schema: &Value) -> impl IntoView + use<> {
    const COLUMNS: &[Column] = &[Column::Text("Member"), Column::Text("Type"), Column::Text("Meaning")];
    let required: Vec<&str> = list(&schema["required"]).iter().map(text).collect();
    let rest = members(&schema["properties"]).map(|(name, _)| name.as_str()).filter(|name| !required.contains(name));
    let rows = required.iter().copied().chain(rest).filter_map(|member| {
        let about = schema["properties"].get(member)?;
        let optional = !required.contains(&member);
        Some(view! {
            <tr>
                <th scope="row">
                    <code>{member.to_owned()}</code>
                    {optional.then(|| view! { <span class="reference-note">"may be absent"</span> })}
                </th>
                <td>{words(about)}</td>
                <td>{prose(text(&about["description"]))}</td>
            </tr>
        })
    });
    let rows = rows.collect_view();
    view! {
        <Table label=format!("Members of {name}")>
            <Head columns=COLUMNS />
            <tbody>{rows}</tbody>
        </Table>
    }
}

/// The values of an enumeration.
fn values(name: &str, schema: &Value) -> impl IntoView + use<> {
    const COLUMNS: &[Column] = &[Column::Text("Value"), Column::Text("Meaning")];
    let rows = list(&schema["enum"]).iter().map(text).map(|value| {
        view! {
            <tr>
                <th scope="row">
                    <code>{value.to_owned()}</code>
                </th>
                <td>{prose(text(&schema["x-enum-descriptions"][value]))}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! {
        <Table label=format!("Values of {name}")>
            <Head columns=COLUMNS />
            <tbody>{rows}</tbody>
        </Table>
    }
}

/// The address of a named schema.
pub(super) fn place(name: &str) -> String {
    format!("{}#schema-{name}", path_of(SCHEMAS))
}

/// A schema in words, with links to the named ones.
pub(super) fn words(schema: &Value) -> AnyView {
    if let Some(reference) = schema["$ref"].as_str() {
        // A reference may lead to a property of a schema.
        let path = reference.strip_prefix("#/components/schemas/").unwrap_or_default();
        let name = path.split('/').next().unwrap_or_default().to_owned();
        let place = place(&name);
        return view! { <a href=place>{name}</a> }.into_any();
    }
    for (choice, between) in [("oneOf", " or "), ("anyOf", " or "), ("allOf", " and ")] {
        if let Some(parts) = schema.get(choice).and_then(Value::as_array) {
            return joined(parts.iter().map(words).collect(), between);
        }
    }
    if let Some(value) = schema.get("const") {
        return code(value);
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return view! {
            {joined(values.iter().map(code).collect(), " or ")}
            {bounds(schema)}
        }
        .into_any();
    }
    if schema.get("items").is_some() {
        return view! {
            "array of "
            {words(&schema["items"])}
            {bounds(schema)}
        }
        .into_any();
    }
    if schema.get("properties").is_some() {
        let parts = members(&schema["properties"]).map(|(name, of)| {
            view! {
                <code>{name.clone()}</code>
                ": "
                {words(of)}
            }
            .into_any()
        });
        return view! { "object with " {joined(parts.collect(), ", ")} }.into_any();
    }
    if schema["additionalProperties"].is_object() {
        return view! { "object by name of " {words(&schema["additionalProperties"])} }.into_any();
    }
    format!("{}{}", kind(schema), bounds(schema)).into_any()
}

/// `number or null`
fn kind(schema: &Value) -> String {
    match &schema["type"] {
        Value::String(one) => one.clone(),
        Value::Array(many) => many.iter().map(text).collect::<Vec<_>>().join(" or "),
        _ => "any JSON".to_owned(),
    }
}

fn code(value: &Value) -> AnyView {
    let written = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    view! { <code>{written}</code> }.into_any()
}

/// Ranges and defaults, after a comma.
fn bounds(schema: &Value) -> String {
    let range = |least: &str, most: &str, unit: &str| match (schema.get(least), schema.get(most)) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}{unit}")),
        (Some(least), None) => Some(format!("{least} or more{unit}")),
        (None, Some(most)) => Some(format!("at most {most}{unit}")),
        (None, None) => None,
    };
    let bounds = [
        range("minimum", "maximum", ""),
        range("minLength", "maxLength", " characters"),
        range("minItems", "maxItems", " items"),
        schema["format"].as_str().map(str::to_owned),
        schema
            .get("default")
            .map(|value| format!("default {}", value.as_str().map_or(value.to_string(), str::to_owned))),
    ];
    bounds.into_iter().flatten().map(|part| format!(", {part}")).collect()
}

/// Views with `between` between each two.
pub(super) fn joined(parts: Vec<AnyView>, between: &'static str) -> AnyView {
    let part = |(at, part)| if at == 0 { part } else { view! { {between} {part} }.into_any() };
    parts.into_iter().enumerate().map(part).collect_view().into_any()
}
