//! Tables that scroll inside their box on narrow screens.

use leptos::prelude::*;

/// A table. Its children are a [`Head`] or `<thead>`, and `<tbody>`. Numbers go into `<td class="num">`.
#[component]
pub fn Table(
    /// What the table lists, for screen readers.
    #[prop(into)]
    label: String,
    /// Rows are links or can be chosen: they light up under the pointer.
    #[prop(optional)]
    interactive: bool,
    /// On a phone each row is a card of short lines instead of a line that runs out of sight.
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
    /// A column of numbers: it stands at the right edge, as they do.
    Number(&'static str),
}

/// The head of a table whose columns only have titles.
#[component]
pub fn Head(
    /// From left to right.
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

/// The button under a list that is not shown whole.
#[component]
pub fn LoadMore(
    /// Whether there is more.
    #[prop(into)]
    more: Signal<bool>,
    /// Whether more is being fetched.
    #[prop(optional, into)]
    pending: Signal<bool>,
    /// Fetches more.
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
