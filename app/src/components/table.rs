//! Tables, which scroll inside their box on narrow screens.

use leptos::prelude::*;

/// A table. Its children are a [`Head`] or `<thead>`, and `<tbody>`. Numbers go into `<td class="num">`.
#[component]
pub fn Table(
    /// A name for the list, for screen readers.
    #[prop(into)]
    label: String,
    /// Whether rows are links or can be selected: they are highlighted under the pointer.
    #[prop(optional)]
    interactive: bool,
    /// Whether a phone shows each row as a card of short lines instead of one long line.
    #[prop(optional)]
    cards: bool,
    children: Children,
) -> impl IntoView {
    let region = label.clone();
    view! {
        <div class="table-scroll" role="region" tabindex="0" aria-label=region>
            <table class="table" class:table-interactive=interactive class:table-cards=cards aria-label=label>
                {children()}
            </table>
        </div>
    }
}

/// The title of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// A column of words.
    Text(&'static str),
    /// A column of numbers, aligned to the right.
    Number(&'static str),
}

/// The head of a table whose columns have only titles.
#[component]
pub fn Head(
    /// The columns, from left to right.
    columns: &'static [Column],
) -> impl IntoView {
    let cell = |column: &Column| match *column {
        Column::Text(title) => view! { <th scope="col">{title}</th> }.into_any(),
        Column::Number(title) => view! {
            <th scope="col" class="num">
                {title}
            </th>
        }
        .into_any(),
    };
    view! {
        <thead>
            <tr>{columns.iter().map(cell).collect_view()}</tr>
        </thead>
    }
}

/// The button below an incomplete list.
#[component]
pub fn LoadMore(
    /// Whether there are more rows.
    #[prop(into)]
    more: Signal<bool>,
    /// Whether more rows are being fetched.
    #[prop(optional, into)]
    pending: Signal<bool>,
    /// Fetches more rows.
    #[prop(into)]
    on_more: Callback<()>,
) -> impl IntoView {
    view! {
        <Show when=move || more.get()>
            <div class="load-more">
                <super::Button pending=pending on:click=move |_| on_more.run(())>
                    "Load more"
                </super::Button>
            </div>
        </Show>
    }
}
