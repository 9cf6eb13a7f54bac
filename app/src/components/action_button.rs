//! A button that calls an action on one row.

use leptos::{
    form::ActionForm,
    prelude::*,
    server_fn::{Http, ServerFn, client::Client, codec::PostUrl, request::ClientReq, serde::de::DeserializeOwned},
};

use super::{Button, ButtonKind};
use crate::error::AppError;

/// The button, in a form that works without scripts.
#[component]
pub fn ActionButton<F, P>(
    /// The action, whose argument is the row's `id`.
    action: ServerAction<F>,
    /// The row's id.
    id: i64,
    /// What is written on the button.
    text: &'static str,
    /// What it does to which row, where the row is not named beside it.
    #[prop(optional, into)]
    label: Option<String>,
    /// How it looks.
    #[prop(optional)]
    kind: ButtonKind,
) -> impl IntoView
where
    F: DeserializeOwned + ServerFn<Error = AppError, Protocol = Http<PostUrl, P>> + Clone + Send + Sync + 'static,
    F::Output: Send + Sync + 'static,
    F::Client: Client<AppError>,
    <<F::Client as Client<AppError>>::Request as ClientReq<AppError>>::FormData: From<web_sys::FormData>,
{
    view! {
        <ActionForm action=action>
            <input type="hidden" name="id" value=id />
            <Button kind=kind small=true submit=true pending=action.pending() attr:aria-label=label>
                {text}
            </Button>
        </ActionForm>
    }
}
