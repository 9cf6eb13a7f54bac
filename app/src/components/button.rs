//! Buttons, and links that look like one.

use leptos::{either::Either, ev::MouseEvent, prelude::*};

/// How much a button asks for attention. A page has at most one primary button in sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ButtonKind {
    /// One of several things to do.
    #[default]
    Secondary,
    /// The one thing to do here.
    Primary,
    /// Takes something away from somebody.
    Danger,
    /// In a row of a table, or beside a field.
    Ghost,
}

impl ButtonKind {
    const fn class(self) -> &'static str {
        match self {
            Self::Secondary => "button",
            Self::Primary => "button button-primary",
            Self::Danger => "button button-danger",
            Self::Ghost => "button button-ghost",
        }
    }
}

/// What a click does. It owns nothing, so that a page on the server may be dropped on another thread than it was made on.
type Click = Callback<MouseEvent>;

fn handler(on_click: Option<Click>) -> impl Fn(MouseEvent) + Copy + 'static {
    move |event| {
        if let Some(on_click) = on_click {
            on_click.run(event);
        }
    }
}

/// A button. Further attributes are given with `attr:`, but what happens on a click is a property: a handler that is put
/// on a component from outside (`on:click`) stays the first one when the view around it is drawn anew.
#[component]
pub fn Button(
    /// How much it asks for attention.
    #[prop(optional)]
    kind: ButtonKind,
    /// Lower, for rows of tables.
    #[prop(optional)]
    small: bool,
    /// Whether it sends the form it stands in.
    #[prop(optional)]
    submit: bool,
    /// Whether what it started is still under way: it then shows that and cannot be pressed again.
    #[prop(optional, into)]
    pending: Signal<bool>,
    /// Whether it cannot be pressed. Say beside it why.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// What happens on a click.
    #[prop(optional, into)]
    on_click: Option<Click>,
    children: Children,
) -> impl IntoView {
    view! {
        <button
            type=if submit { "submit" } else { "button" }
            class=kind.class()
            class:button-small=small
            class:is-pending=pending
            disabled=move || disabled.get() || pending.get()
            aria-busy=move || pending.get().then_some("true")
            on:click=handler(on_click)
        >
            {children()}
        </button>
    }
}

/// A link that looks like a button.
#[component]
pub fn LinkButton(
    /// Where it goes.
    #[prop(into)]
    href: String,
    /// How much it asks for attention.
    #[prop(optional)]
    kind: ButtonKind,
    /// Lower, for rows of tables.
    #[prop(optional)]
    small: bool,
    /// Set for a file to save: the router then leaves the link to the browser.
    #[prop(optional)]
    download: bool,
    /// What happens on a click, before it leads there.
    #[prop(optional, into)]
    on_click: Option<Click>,
    children: Children,
) -> impl IntoView {
    if download {
        Either::Left(view! {
            <a class=kind.class() class:button-small=small href=href download rel="external" on:click=handler(on_click)>
                {children()}
            </a>
        })
    } else {
        Either::Right(view! {
            <a class=kind.class() class:button-small=small href=href on:click=handler(on_click)>
                {children()}
            </a>
        })
    }
}
