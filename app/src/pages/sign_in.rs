//! The sign-in.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use lifecycle::authority::SignInRefused;

use crate::{
    api::session::{DemoPerson, DemoSignIn, SignIn as SignInAction, SignInMethods, demo_people, sign_in_ways},
    components::{Brand, Button, ButtonKind, FormError, Notice, Panel, TextInput, Tone},
    filter::address::escape,
};

/// The link to the sign-in provider, if there is one, and the form for email and password; in the demo also a one-click
/// card for each person. Works without scripts.
#[component]
pub fn SignIn() -> impl IntoView {
    let people = OnceResource::new(demo_people());
    let ways = OnceResource::new(sign_in_ways());
    view! {
        <Title text="Sign in" />
        <Suspense>
            {move || Suspend::new(async move {
                let people = people.await.unwrap_or_default();
                let ways = ways.await.unwrap_or(SignInMethods { provider: None, passwords: true });
                let alone = ways.provider.is_none();
                let demo = !people.is_empty();
                view! {
                    <main class="sign-in" class:sign-in-wide=demo>
                        <Brand />
                        <div class="sign-in-columns">
                            <Panel>
                                <div class="stack">
                                    <Refused />
                                    {ways.provider.map(|name| view! { <ProviderLink name=name /> })}
                                    <PasswordForm everyone=ways.passwords alone=alone />
                                </div>
                            </Panel>
                            {demo.then(|| view! { <DemoPeople people=people /> })}
                        </div>
                    </main>
                }
            })}
        </Suspense>
    }
}

/// Why the sign-in provider did not let a person in. The address holds the name of the reason, and nothing else that is
/// shown.
#[component]
fn Refused() -> impl IntoView {
    let refused = use_query_map().read_untracked().get("refused").and_then(|name| SignInRefused::from_name(&name));
    #[cfg(feature = "ssr")]
    if let Some(refused) = refused {
        crate::response::set_status_of_page(refused.status());
    }
    refused.map(|refused| {
        view! {
            <Notice tone=Tone::Bad>
                <strong>"You are not signed in"</strong>
                <p>{refused.words()}</p>
            </Notice>
        }
    })
}

/// A plain link: the way to the provider leads to another site.
#[component]
fn ProviderLink(name: String) -> impl IntoView {
    let next = use_query_map().read_untracked().get("next").map(|next| format!("?next={}", escape(&next)));
    view! {
        <a class="button button-primary" href=format!("/oidc/start{}", next.unwrap_or_default()) rel="external">
            "Sign in with "
            {name}
        </a>
    }
}

/// The page to open after signing in, as a hidden field. The server accepts only paths of this site.
#[component]
fn Next() -> impl IntoView {
    let next = use_query_map().read_untracked().get("next");
    view! { <input type="hidden" name="next" value=next.unwrap_or_else(|| "/".to_owned()) /> }
}

#[component]
fn PasswordForm(
    /// Whether everyone may use it, and not only one administrator.
    everyone: bool,
    /// Whether it is the only way to sign in.
    alone: bool,
) -> impl IntoView {
    let kind = if alone { ButtonKind::Primary } else { ButtonKind::Secondary };
    let action = ServerAction::<SignInAction>::new();
    view! {
        <ActionForm action=action>
            <div class="form">
                <h1>"Sign in"</h1>
                {(!everyone)
                    .then(|| {
                        view! { <p class="muted">"Passwords are switched off here, but for one administrator in an emergency."</p> }
                    })}
                <FormError action=action />
                <TextInput label="Email" name="email" kind="email" required=true autocomplete="username" />
                <TextInput label="Password" name="password" kind="password" required=true autocomplete="current-password" />
                <Next />
                <Button kind=kind submit=true pending=action.pending()>
                    "Sign in"
                </Button>
            </div>
        </ActionForm>
    }
}

#[component]
fn DemoPeople(people: Vec<DemoPerson>) -> impl IntoView {
    let action = ServerAction::<DemoSignIn>::new();
    view! {
        <section class="stack-tight">
            <h2>"Or sign in as a person of the demo"</h2>
            <p class="muted">"Each has a permission that the others lack: that is the point of a countersignature."</p>
            <div class="demo-people">
                {people
                    .into_iter()
                    .map(|person| {
                        view! {
                            <ActionForm action=action>
                                <input type="hidden" name="email" value=person.email />
                                <Next />
                                <button type="submit" class="demo-person" disabled=action.pending()>
                                    <strong>{crate::labels::outside(&person.name)}</strong>
                                    <span>{person.part}</span>
                                </button>
                            </ActionForm>
                        }
                    })
                    .collect_view()}
            </div>
        </section>
    }
}
