//! The error of a form that the server refused.

use leptos::{prelude::*, server_fn::ServerFn};

use policy::characters::write_out_lines;

use crate::{error::AppError, labels};

/// The error of the last call of `action`, for the field it is about; `None` if the call succeeded.
pub fn form_error<F>(action: ServerAction<F>) -> Signal<Option<String>>
where
    F: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    F::Output: Clone + Send + Sync + 'static,
{
    Signal::derive(move || action.value().get().and_then(Result::err).map(|error| labels::form_error(&error)))
}

/// The error of the last call of `action` as a notice above the form.
#[component]
pub fn FormError<F>(
    /// The action of the form.
    action: ServerAction<F>,
) -> impl IntoView
where
    F: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    F::Output: Clone + Send + Sync + 'static,
{
    move || {
        action.value().get().and_then(Result::err).map(|error| {
            view! {
                <div class="notice tone-bad" role="alert">
                    {write_out_lines(error.detail()).into_owned()}
                </div>
            }
        })
    }
}
