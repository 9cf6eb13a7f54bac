//! `/docs`: the contract of the HTTP API as pages, one for each resource. The server renders them from the document that
//! `/openapi.json` serves. They are not part of the app that browsers hydrate, and run no script.

mod address;
mod curl;
mod document;
mod operation;
mod schema;

use std::collections::BTreeMap;

use leptos::prelude::*;
use serde_json::Value;

use self::{
    address::{ERRORS, ROOT, SCHEMAS, path_of, slug},
    document::{list, members, text},
};
use crate::{
    components::{Brand, Column, Head, Panel, Table, prose::prose},
    context::Theme,
};

/// The pages about `document` by path, in `theme`; without one, in the theme of the reader's system. One page for everything
/// would be so long that phones and screen readers give up on it.
pub fn pages(document: &Value, theme: Option<Theme>) -> BTreeMap<String, String> {
    let whole = |title: &str, path: &str, content: AnyView| frame(document, theme, title, path, content).to_html();
    Owner::new().with(|| {
        let start = view! {
            <Start info=document["info"].clone() />
            {index(document)}
        };
        let mut pages = BTreeMap::from([
            (ROOT.to_owned(), whole("HTTP API", ROOT, start.into_any())),
            (path_of(ERRORS), whole("Errors", &path_of(ERRORS), errors(document).into_any())),
            (path_of(SCHEMAS), whole("Schemas", &path_of(SCHEMAS), schemas(document).into_any())),
        ]);
        for tag in list(&document["tags"]) {
            let name = text(&tag["name"]);
            let path = path_of(&slug(name));
            let page = whole(name, &path, resource(document, tag).into_any());
            pages.insert(path, page);
        }
        pages
    })
}

/// A page with this title and content.
fn frame(document: &Value, theme: Option<Theme>, title: &str, path: &str, content: AnyView) -> impl IntoView {
    let tags = list(&document["tags"]).iter().map(|tag| text(&tag["name"]));
    let start = ("Start".to_owned(), ROOT.to_owned());
    let tags = tags.map(|name| (name.to_owned(), path_of(&slug(name))));
    let others = [("Errors".to_owned(), path_of(ERRORS)), ("Schemas".to_owned(), path_of(SCHEMAS))];
    let contents = std::iter::once(start).chain(tags).chain(others).map(|(name, to)| {
        let current = (to == path).then_some("page");
        view! {
            <li>
                <a href=to aria-current=current>
                    {name}
                </a>
            </li>
        }
    });
    let whole_title =
        if path == ROOT { format!("{title} · Countersign") } else { format!("{title} · HTTP API · Countersign") };
    // As text in the view it would be followed by a marker, which a title shows.
    let whole_title = whole_title.replace('&', "&amp;").replace('<', "&lt;");
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.map(Theme::name)>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <title inner_html=whole_title />
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
                        <ul>{contents.collect_view()}</ul>
                    </nav>
                    <main class="stack" id="main">
                        <h1>{title.to_owned()}</h1>
                        {content}
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
                    "; the lines on these pages work once host and token are filled in here:"
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

/// An operation with its method, its path, and the item of the document that describes the path.
type Operation<'d> = (&'static str, &'d str, &'d Value, &'d Value);

/// The operations with this tag.
fn operations<'d>(document: &'d Value, tag: &str) -> impl Iterator<Item = Operation<'d>> {
    const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
    let all = members(&document["paths"]).flat_map(|(path, item)| {
        METHODS.into_iter().filter_map(move |method| Some((method, path.as_str(), item, item.get(method)?)))
    });
    all.filter(move |(_, _, _, operation)| list(&operation["tags"]).iter().any(|of| of == tag))
}

/// All operations, with links to the pages that describe them.
fn index(document: &Value) -> impl IntoView + use<> {
    const COLUMNS: &[Column] = &[Column::Text("Call"), Column::Text("What it does")];
    let tags = list(&document["tags"]).iter().map(|tag| {
        let name = text(&tag["name"]);
        let (slug, path) = (slug(name), path_of(&slug(name)));
        let rows = operations(document, name).map(|(method, address, _, operation)| {
            let place = format!("{path}#{}", text(&operation["operationId"]));
            let call = format!("{} {address}", method.to_uppercase());
            view! {
                <tr>
                    <th scope="row">
                        <code>{call}</code>
                    </th>
                    <td>
                        <a href=place>{prose(text(&operation["summary"]))}</a>
                    </td>
                </tr>
            }
        });
        let rows = rows.collect_view();
        let (label, name) = (format!("Operations: {name}"), name.to_owned());
        let about = prose(text(&tag["description"]));
        view! {
            <section class="stack reference-resource" aria-labelledby=slug.clone()>
                <div class="stack-tight">
                    <h2 id=slug.clone()>
                        <a href=path>{name}</a>
                    </h2>
                    <p class="muted">{about}</p>
                </div>
                <Panel flush=true>
                    <Table label=label>
                        <Head columns=COLUMNS />
                        <tbody>{rows}</tbody>
                    </Table>
                </Panel>
            </section>
        }
    });
    tags.collect_view()
}

/// The operations with this tag, described.
fn resource(document: &Value, tag: &Value) -> impl IntoView + use<> {
    let name = text(&tag["name"]);
    let cards = operations(document, name)
        .map(|(method, path, item, operation)| operation::card(document, method, path, item, operation))
        .collect_view();
    view! {
        <p class="muted">{prose(text(&tag["description"]))}</p>
        {cards}
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
        <p class="muted">
            "Every error is an " <code>"application/problem+json"</code> " document ("
            <a href=schema::place("Problem")>"Problem"</a> "). Programs distinguish them by " <code>"code"</code>
            ", which never changes its meaning; " <code>"detail"</code> " is for people."
        </p>
        <Panel flush=true>
            <Table label="Codes of errors">
                <Head columns=COLUMNS />
                <tbody>{rows}</tbody>
            </Table>
        </Panel>
    }
}

/// The schemas of requests and responses.
fn schemas(document: &Value) -> impl IntoView + use<> {
    let all = members(&document["components"]["schemas"]).map(|(name, schema)| schema::card(name, schema));
    view! {
        <p class="muted">"What requests and answers are made of."</p>
        {all.collect_view()}
    }
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
    fn what_the_document_says_is_on_the_pages_escaped() {
        let pages = pages(&small(), Some(Theme::Dark));
        assert_eq!(pages.keys().collect::<Vec<_>>(), ["/docs", "/docs/errors", "/docs/key-figures", "/docs/schemas"]);
        for page in pages.values() {
            assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\" data-theme=\"dark\">"), "{page}");
            assert_eq!(page.matches("<h1>").count(), 1);
            assert!(!page.contains("<script") && !page.contains("style="));
        }
        let start = &pages["/docs"];
        assert!(start.contains("JSON &amp; more") && start.contains("Make &lt;one&gt;"), "{start}");
        assert!(start.contains("href=\"/docs/key-figures#makeKpi\""), "{start}");
        let figures = &pages["/docs/key-figures"];
        // The renderer adds a marker after the text, so the end tag does not follow it directly.
        assert!(figures.contains("<code>30") && figures.contains("id=\"makeKpi\""), "{figures}");
        assert!(figures.contains("href=\"/docs/schemas#schema-Kpi\"") && figures.contains("1 to 9"), "{figures}");
        assert!(figures.contains("aria-current=\"page\""), "{figures}");
        assert!(figures.contains("<title>Key figures · HTTP API · Countersign</title>"), "{figures}");
        let schemas = &pages["/docs/schemas"];
        assert!(schemas.contains("id=\"schema-Kpi\"") && schemas.contains("string or null"), "{schemas}");
    }

    #[test]
    fn a_curl_line_survives_quotes() {
        let page = &pages(&small(), None)["/docs/key-figures"];
        assert!(
            page.contains(r"-d '{&quot;name&quot;:&quot;it'\''s&quot;}'")
                || page.contains(r#"-d '{"name":"it'\''s"}'"#)
        );
        assert!(page.contains("/kpis/ID"), "{page}");
    }
}
