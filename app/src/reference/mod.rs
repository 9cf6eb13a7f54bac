//! `/docs`: the contract of the HTTP API as a page. The server renders it from the document that `/openapi.json`
//! serves. The page is not part of the app that browsers hydrate, and runs no script.

mod curl;
mod document;
mod operation;
mod schema;

use leptos::prelude::*;
use serde_json::Value;

use self::document::{list, members, text};
use crate::{
    components::{Brand, Column, Head, Panel, Table, prose::prose},
    context::Theme,
};

/// The page about `document`, in `theme`; without one, in the theme of the reader's system.
pub fn page(document: &Value, theme: Option<Theme>) -> String {
    Owner::new().with(|| whole(document, theme).to_html())
}

fn whole(document: &Value, theme: Option<Theme>) -> impl IntoView {
    let info = &document["info"];
    let tags: Vec<&Value> = list(&document["tags"]).iter().collect();
    let contents = tags.iter().map(|tag| {
        let name = text(&tag["name"]);
        view! {
            <li>
                <a href=format!("#{}", anchor(name))>{name.to_owned()}</a>
            </li>
        }
    });
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.map(Theme::name)>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <title>"HTTP API · Countersign"</title>
                <link rel="stylesheet" href="/pkg/countersign.css" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
            </head>
            <body>
                <a class="button skip" href="#main">
                    "Skip to the content"
                </a>
                <div class="reference">
                    <nav class="reference-contents" aria-label="Contents">
                        <Brand />
                        <ul>
                            {contents.collect_view()} <li>
                                <a href="#errors">"Errors"</a>
                            </li> <li>
                                <a href="#schemas">"Schemas"</a>
                            </li>
                        </ul>
                    </nav>
                    <main class="stack" id="main">
                        <h1>"HTTP API"</h1>
                        <Start info=info.clone() />
                        {tags.iter().map(|tag| resource(document, tag)).collect_view()}
                        {errors(document)}
                        {schemas(document)}
                    </main>
                </div>
            </body>
        </html>
    }
}

/// An introduction to read before the first call.
#[component]
fn Start(info: Value) -> impl IntoView {
    const EXPORTS: &str = "export COUNTERSIGN_URL=http://127.0.0.1:3000\nexport COUNTERSIGN_TOKEN=csn_…";
    view! {
        <Panel title="Before the first call">
            <div class="stack">
                <p>{prose(text(&info["description"]))}</p>
                <p>
                    "The contract as OpenAPI "<a href="/openapi.json">"3.1, for programs"</a>
                    ". An administrator makes tokens under "<a href="/settings?tab=tokens">"Settings › Tokens"</a>
                    "; the lines below work once host and token are filled in here:"
                </p>
                <pre class="reference-code">{EXPORTS}</pre>
                <p>
                    "Words in capitals stand for ids of yours. Lists answer " <code>"next_cursor"</code>
                    "; given back as " <code>"cursor"</code> ", it continues after the last row."
                </p>
            </div>
        </Panel>
    }
}

/// The operations with this tag.
fn resource(document: &Value, tag: &Value) -> impl IntoView + use<> {
    const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
    let name = text(&tag["name"]);
    let operations = members(&document["paths"]).flat_map(|(path, item)| {
        METHODS.iter().filter_map(move |method| item.get(*method).map(|operation| (*method, path, item, operation)))
    });
    let cards = operations
        .filter(|(_, _, _, operation)| list(&operation["tags"]).iter().any(|of| of == name))
        .map(|(method, path, item, operation)| operation::card(document, method, path, item, operation))
        .collect_view();
    view! {
        <section class="stack reference-resource" aria-labelledby=anchor(name)>
            <div class="stack-tight">
                <h2 id=anchor(name)>{name.to_owned()}</h2>
                <p class="muted">{prose(text(&tag["description"]))}</p>
            </div>
            {cards}
        </section>
    }
}

/// The codes of errors.
fn errors(document: &Value) -> impl IntoView + use<> {
    const COLUMNS: &[Column] = &[Column::Text("Code"), Column::Number("Status"), Column::Text("When")];
    let codes = &document["components"]["schemas"]["ProblemCode"];
    let rows = list(&codes["enum"]).iter().map(text).map(|code| {
        view! {
            <tr>
                <th scope="row">
                    <code>{code.to_owned()}</code>
                </th>
                <td class="num">{codes["x-statuses"][code].to_string()}</td>
                <td>{prose(text(&codes["x-enum-descriptions"][code]))}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! {
        <section class="stack reference-resource" aria-labelledby="errors">
            <div class="stack-tight">
                <h2 id="errors">"Errors"</h2>
                <p class="muted">
                    "Every error is an " <code>"application/problem+json"</code> " document ("
                    <a href="#schema-Problem">"Problem"</a> "). Programs distinguish them by " <code>"code"</code>
                    ", which never changes its meaning; " <code>"detail"</code> " is for people."
                </p>
            </div>
            <Panel flush=true>
                <Table label="Codes of errors">
                    <Head columns=COLUMNS />
                    <tbody>{rows}</tbody>
                </Table>
            </Panel>
        </section>
    }
}

/// The schemas of requests and responses.
fn schemas(document: &Value) -> impl IntoView + use<> {
    let all = members(&document["components"]["schemas"]).map(|(name, schema)| schema::card(name, schema));
    view! {
        <section class="stack reference-resource" aria-labelledby="schemas">
            <div class="stack-tight">
                <h2 id="schemas">"Schemas"</h2>
                <p class="muted">"What requests and answers are made of."</p>
            </div>
            {all.collect_view()}
        </section>
    }
}

/// The id of the heading of a resource.
fn anchor(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn small() -> Value {
        json!({
            "info": { "description": "JSON & more" },
            "tags": [{ "name": "Key figures", "description": "Of `30` days" }],
            "paths": { "/kpis/{id}": { "post": {
                "operationId": "makeKpi", "tags": ["Key figures"], "summary": "Make <one>",
                "x-permission": "read", "x-roles": ["viewer"],
                "parameters": [
                    { "$ref": "#/components/parameters/Id" },
                    { "name": "limit", "in": "query", "schema": { "type": "integer", "minimum": 1, "maximum": 9 } },
                ],
                "requestBody": { "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/Kpi" }, "example": { "name": "it's" },
                } } },
                "responses": { "200": { "description": "Made.", "content": { "application/json": {
                    "schema": { "type": "array", "items": { "$ref": "#/components/schemas/Kpi" } },
                } } } },
            } } },
            "components": {
                "parameters": { "Id": { "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } } },
                "schemas": { "Kpi": {
                    "type": "object", "required": ["name"], "properties": { "name": { "type": ["string", "null"] } },
                } },
            },
        })
    }

    #[test]
    fn what_the_document_says_is_on_the_page_escaped() {
        let page = page(&small(), Some(Theme::Dark));
        assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\" data-theme=\"dark\">"), "{page}");
        assert!(page.contains("JSON &amp; more") && page.contains("Make &lt;one&gt;"), "{page}");
        // The renderer adds a marker after the text, so the end tag does not follow it directly.
        assert!(page.contains("<code>30"), "{page}");
        assert_eq!(page.matches("<h1>").count(), 1);
        assert!(page.contains("href=\"#schema-Kpi\"") && page.contains("id=\"schema-Kpi\""));
        assert!(page.contains("string or null") && page.contains("1 to 9"), "{page}");
        assert!(!page.contains("<script") && !page.contains("style="));
    }

    #[test]
    fn a_curl_line_survives_quotes() {
        let page = page(&small(), None);
        assert!(
            page.contains(r"-d '{&quot;name&quot;:&quot;it'\''s&quot;}'")
                || page.contains(r#"-d '{"name":"it'\''s"}'"#)
        );
        assert!(page.contains("/kpis/ID"), "{page}");
    }
}
