//! Making a draft and opening it.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::use_toasts;
use crate::error::AppError;

/// A button handler that makes a new draft and opens it.
pub fn open_new_draft<F>(pending: RwSignal<bool>, make: impl Fn() -> F + Clone + 'static) -> impl Fn() + Clone + 'static
where
    F: Future<Output = Result<i64, AppError>> + 'static,
{
    let navigate = use_navigate();
    let toasts = use_toasts();
    move || {
        let (navigate, make) = (navigate.clone(), make.clone());
        pending.set(true);
        spawn_local(async move {
            match make().await {
                Ok(id) => navigate(&format!("/studio/{id}"), NavigateOptions::default()),
                Err(error) => {
                    toasts.bad(&error);
                    pending.try_set(false);
                }
            }
        });
    }
}
