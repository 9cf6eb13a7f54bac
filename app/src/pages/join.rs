//! Choosing a password with a one-time link: the first one after an invitation, or a new one.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    api::session::{Join as JoinAction, LinkHolder, open_link},
    components::{Brand, Button, ButtonKind, FormError, Panel, TextInput},
};

/// The form, or why the link does not work. Works without scripts.
#[component]
pub fn Join() -> impl IntoView {
    let code = use_query_map().read_untracked().get("code").unwrap_or_default();
    let asked = code.clone();
    let holder = OnceResource::new(async move { open_link(asked).await });
    view! {
        <Title text="Choose your password" />
        <Suspense>
            {move || {
                let code = code.clone();
                Suspend::new(async move {
                    let content = match holder.await {
                        Ok(holder) => view! { <PasswordForm code=code holder=holder /> }.into_any(),
                        Err(error) => view! {
                            <div class="stack">
                                <h1>"This link does not work"</h1>
                                <p>{error.detail().to_owned()}</p>
                                <a href="/sign-in">"Sign in"</a>
                            </div>
                        }
                        .into_any(),
                    };
                    view! {
                        <main class="sign-in">
                            <Brand />
                            <Panel>{content}</Panel>
                        </main>
                    }
                })
            }}
        </Suspense>
    }
}

#[component]
fn PasswordForm(code: String, holder: LinkHolder) -> impl IntoView {
    let action = ServerAction::<JoinAction>::new();
    let LinkHolder { email, name, invited } = holder;
    let greeting = if invited {
        "you were invited. Choose your password; nobody else knows it."
    } else {
        "choose a new password. Your sessions end everywhere."
    };
    view! {
        <ActionForm action=action>
            <div class="form">
                <h1>"Choose your password"</h1>
                <p class="muted">"Hello " {name} ", " {greeting}</p>
                <FormError action=action />
                <input type="hidden" name="code" value=code />
                <p>
                    <span class="faint">"You sign in as "</span>
                    <strong>{crate::labels::outside(&email)}</strong>
                </p>
                <TextInput
                    label="Password"
                    name="password"
                    kind="password"
                    required=true
                    autocomplete="new-password"
                    hint="At least ten characters; several words are best."
                />
                <Button kind=ButtonKind::Primary submit=true pending=action.pending()>
                    "Save password"
                </Button>
            </div>
        </ActionForm>
    }
}
