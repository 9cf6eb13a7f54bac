//! Panels, page heads, empty states and errors.

use leptos::{children::ViewFnOnce, prelude::*};
use leptos_meta::Title;
use policy::characters::{write_out, write_out_lines};

use crate::error::AppError;

/// The head of a page: breadcrumbs, the page's only `h1`, details after it, and its actions on the right.
#[component]
pub fn PageHead(
    /// The heading; also the document's title.
    #[prop(into)]
    title: String,
    /// The name of the page in the navigation, for screen readers, when the heading is a sentence.
    #[prop(optional)]
    name: &'static str,
    /// The pages above this one in the breadcrumbs: name and address.
    #[prop(optional)]
    above: Vec<(String, String)>,
    /// Chips and a short sentence after the heading.
    #[prop(optional, into)]
    meta: Option<ViewFnOnce>,
    /// Buttons.
    #[prop(optional, into)]
    actions: Option<ViewFnOnce>,
) -> impl IntoView {
    // Titles may come from outside.
    let title = write_out(&title).into_owned();
    let last = title.clone();
    view! {
        <Title text=title.clone() />
        {(!above.is_empty())
            .then(move || {
                view! {
                    <nav class="crumbs" aria-label="Breadcrumb">
                        {above
                            .into_iter()
                            .map(|(name, href)| {
                                view! {
                                    <a href=href><bdi>{write_out(&name).into_owned()}</bdi></a>
                                    <span aria-hidden="true">"›"</span>
                                }
                            })
                            .collect_view()} <bdi>{last}</bdi>
                    </nav>
                }
            })}
        <header class="page-head">
            <div class="page-title">
                <h1>
                    {(!name.is_empty()).then(|| view! { <span class="visually-hidden">{name} ": "</span> })} {title}
                </h1>
                {meta.map(|meta| view! { <div class="page-meta">{meta.run()}</div> })}
            </div>
            {actions.map(|actions| view! { <div class="page-actions">{actions.run()}</div> })}
        </header>
    }
}

/// A box with an optional heading.
#[component]
pub fn Panel(
    /// The heading, an `h2`.
    #[prop(optional, into)]
    title: Option<String>,
    /// A short note after the heading.
    #[prop(optional, into)]
    note: Option<String>,
    /// Buttons or links to the right of the heading.
    #[prop(optional, into)]
    actions: Option<ViewFnOnce>,
    /// Whether to leave out the padding: for tables and tabs that reach the edges.
    #[prop(optional)]
    flush: bool,
    children: Children,
) -> impl IntoView {
    let has_head = title.is_some() || actions.is_some();
    view! {
        <section class="panel" class:panel-flush=flush>
            {has_head
                .then(|| {
                    view! {
                        <div class="panel-head">
                            {title.map(|title| view! { <h2>{title}</h2> })}
                            {note.map(|note| view! { <span class="panel-note">{note}</span> })}
                            {actions.map(|actions| view! { <div class="panel-actions">{actions.run()}</div> })}
                        </div>
                    }
                })} <div class="panel-body">{children()}</div>
        </section>
    }
}

/// Takes the place of an empty list: the purpose of the list, and the next step.
#[component]
pub fn EmptyState(
    /// The missing content: `No packets wait for you`.
    #[prop(into)]
    title: String,
    /// The purpose of the list, and buttons for the next step.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="empty">
            <p class="empty-title">{title}</p>
            <div class="empty-body">{children()}</div>
        </div>
    }
}

/// Takes the place of content that could not be read. On the server this component also sets the page's HTTP status.
#[component]
pub fn ErrorPanel(
    /// The error.
    error: AppError,
) -> impl IntoView {
    #[cfg(feature = "ssr")]
    crate::response::set_status_of_page(error.0.status);
    view! {
        <div class="notice tone-bad" role="alert">
            <strong>{error.0.title}</strong>
            <p>{write_out_lines(&error.0.detail).into_owned()}</p>
        </div>
    }
}

/// A message that must be seen: `<Notice tone=Tone::Warn>"…"</Notice>`.
#[component]
pub fn Notice(
    /// The colour.
    #[prop(optional)]
    tone: super::Tone,
    children: Children,
) -> impl IntoView {
    view! { <div class=format!("notice {}", tone.class())>{children()}</div> }
}
