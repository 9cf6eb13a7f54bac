//! Buttons, and links that look like one.

use leptos::{either::Either, ev::MouseEvent, prelude::*};

/// The emphasis of a button. A page shows at most one primary button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ButtonKind {
    /// One of several actions.
    #[default]
    Secondary,
    /// The main action of the page.
    Primary,
    /// An action that takes something away from people.
    Danger,
    /// A quiet button in a row of a table or next to a field.
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

/// The handler of a click. It owns no values, because a server may drop the page on a different thread from the one
/// that rendered it.
type Click = Callback<MouseEvent>;

fn handler(on_click: Option<Click>) -> impl Fn(MouseEvent) + Copy + 'static {
    move |event| {
        if let Some(on_click) = on_click {
            on_click.run(event);
        }
    }
}

/// A button. Further attributes are given with `attr:`. The handler of a click is a property, because a handler that a
/// caller adds with `on:click` is not replaced when the surrounding view is rendered again.
#[component]
pub fn Button(
    /// The emphasis.
    #[prop(optional)]
    kind: ButtonKind,
    /// Whether the button is lower, for rows of tables.
    #[prop(optional)]
    small: bool,
    /// Whether the button submits its form.
    #[prop(optional)]
    submit: bool,
    /// Whether the button's action is still running. The button then says so and cannot be pressed.
    #[prop(optional, into)]
    pending: Signal<bool>,
    /// Whether the button cannot be pressed. Explain why next to it.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// The handler of a click.
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
    /// The address.
    #[prop(into)]
    href: String,
    /// The emphasis.
    #[prop(optional)]
    kind: ButtonKind,
    /// Whether the link is lower, for rows of tables.
    #[prop(optional)]
    small: bool,
    /// Whether the link saves a file. The router then leaves it to the browser.
    #[prop(optional)]
    download: bool,
    /// The handler of a click, before the navigation.
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
