//! Tabs that follow the ARIA pattern: one stop of the Tab key, arrows move, Home and End jump.

use leptos::{either::Either, ev::KeyboardEvent, html, prelude::*};
use leptos_router::hooks::use_query_map;
use wasm_bindgen::JsCast;

/// One tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// Names the tab in code and in the address.
    pub id: &'static str,
    /// The label.
    pub label: &'static str,
    /// A number after the label.
    pub count: Signal<Option<usize>>,
}

impl Tab {
    /// A tab without a number.
    pub fn new(id: &'static str, label: &'static str) -> Self {
        Self { id, label, count: Signal::stored(None) }
    }

    /// Adds a number after the label.
    #[must_use]
    pub fn counting(mut self, count: impl Into<Signal<Option<usize>>>) -> Self {
        self.count = count.into();
        self
    }
}

/// The chosen tab, which is stored in the address so that it survives a reload, can be shared, and works without
/// JavaScript: `let tab = url_tab("tab", "meaning");` goes with `<Tabs … param="tab">`.
pub fn url_tab(param: &'static str, first: &'static str) -> Signal<String> {
    let query = use_query_map();
    Signal::derive(move || query.read().get(param).filter(|tab| !tab.is_empty()).unwrap_or_else(|| first.to_owned()))
}

/// A row of tabs. With `param` they are links that put the choice into the address; without, they are buttons that
/// call `on_select`. Panels follow as [`TabPanel`]s with equal `group` and `selected`.
#[component]
pub fn Tabs(
    /// Unique on the page: the prefix of the ids of tabs and panels.
    group: &'static str,
    /// A name for the row of tabs, for screen readers.
    #[prop(into)]
    label: String,
    /// The tabs.
    tabs: Vec<Tab>,
    /// The chosen tab's id.
    #[prop(into)]
    selected: Signal<String>,
    /// Called with the id of the tab that was chosen.
    #[prop(optional, into)]
    on_select: Option<Callback<String>>,
    /// The parameter of the address that holds the choice.
    #[prop(optional)]
    param: Option<&'static str>,
    /// Content at the right end of the row.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let row = NodeRef::<html::Div>::new();
    let tabs = tabs
        .into_iter()
        .map(|tab| {
            let id = tab.id;
            let is_selected = Memo::new(move |_| selected.read().as_str() == id);
            let aria_selected = move || if is_selected.get() { "true" } else { "false" };
            let tabindex = move || if is_selected.get() { "0" } else { "-1" };
            let inside = view! {
                {tab.label}
                {move || tab.count.get().map(|count| view! { <span class="tab-count">{count}</span> })}
            };
            match param {
                Some(param) => Either::Left(view! {
                    <a
                        class="tab"
                        role="tab"
                        id=format!("{group}-tab-{id}")
                        aria-controls=format!("{group}-panel-{id}")
                        aria-selected=aria_selected
                        tabindex=tabindex
                        href=format!("?{param}={id}")
                        data-noscroll
                    >
                        {inside}
                    </a>
                }),
                None => Either::Right(view! {
                    <button
                        type="button"
                        class="tab"
                        role="tab"
                        id=format!("{group}-tab-{id}")
                        aria-controls=format!("{group}-panel-{id}")
                        aria-selected=aria_selected
                        tabindex=tabindex
                        on:click=move |_| {
                            if let Some(on_select) = on_select {
                                on_select.run(id.to_owned());
                            }
                        }
                    >
                        {inside}
                    </button>
                }),
            }
        })
        .collect_view();
    view! {
        <div class="tabs">
            <div class="tab-row" role="tablist" aria-label=label node_ref=row on:keydown=move |event| move_along(&row, &event)>
                {tabs}
            </div>
            {children.map(|children| view! { <div class="tabs-end">{children()}</div> })}
        </div>
    }
}

/// The content of a tab. It stays in the page while hidden, so that nothing typed into it is lost.
#[component]
pub fn TabPanel(
    /// See [`Tabs`].
    group: &'static str,
    /// The tab that the panel belongs to.
    id: &'static str,
    /// See [`Tabs`].
    #[prop(into)]
    selected: Signal<String>,
    children: Children,
) -> impl IntoView {
    view! {
        <div
            class="tab-panel"
            role="tabpanel"
            id=format!("{group}-panel-{id}")
            aria-labelledby=format!("{group}-tab-{id}")
            tabindex="0"
            hidden=move || selected.read().as_str() != id
        >
            {children()}
        </div>
    }
}

/// Moves focus and choice along the row with the keyboard.
fn move_along(row: &NodeRef<html::Div>, event: &KeyboardEvent) {
    let Some(row) = row.get_untracked() else { return };
    let tabs = row.children();
    let count = tabs.length();
    let at =
        (0..count).find(|&i| tabs.item(i).is_some_and(|tab| tab.get_attribute("tabindex").as_deref() == Some("0")));
    let (Some(at), true) = (at, count > 0) else { return };
    let to = match event.key().as_str() {
        "ArrowRight" => (at + 1) % count,
        "ArrowLeft" => (at + count - 1) % count,
        "Home" => 0,
        "End" => count - 1,
        _ => return,
    };
    event.prevent_default();
    if let Some(tab) = tabs.item(to).and_then(|tab| tab.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = tab.focus();
        tab.click();
    }
}
