//! The sign-in.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    api::session::{DemoPerson, DemoSignIn, SignIn as SignInAction, demo_people},
    components::{Brand, Button, ButtonKind, FormError, Panel, TextInput},
};

/// The form for email and password; in the demo also a one-click card for each person. Works without scripts.
#[component]
pub fn SignIn() -> impl IntoView {
    let people = OnceResource::new(demo_people());
    view! {
        <Title text="Sign in" />
        <Suspense>
            {move || Suspend::new(async move {
                let people = people.await.unwrap_or_default();
                let demo = !people.is_empty();
                view! {
                    <main class="sign-in" class:sign-in-wide=demo>
                        <Brand />
                        <div class="sign-in-columns">
                            <Panel>
                                <PasswordForm />
                            </Panel>
                            {demo.then(|| view! { <DemoPeople people=people /> })}
                        </div>
                    </main>
                }
            })}
        </Suspense>
    }
}

/// The page to open after signing in, as a hidden field. The server accepts only paths of this site.
#[component]
fn Next() -> impl IntoView {
    let next = use_query_map().read_untracked().get("next");
    view! { <input type="hidden" name="next" value=next.unwrap_or_else(|| "/".to_owned()) /> }
}

#[component]
fn PasswordForm() -> impl IntoView {
    let action = ServerAction::<SignInAction>::new();
    view! {
        <ActionForm action=action>
            <div class="form">
                <h1>"Sign in"</h1>
                <FormError action=action />
                <TextInput label="Email" name="email" kind="email" required=true autocomplete="username" />
                <TextInput label="Password" name="password" kind="password" required=true autocomplete="current-password" />
                <Next />
                <Button kind=ButtonKind::Primary submit=true pending=action.pending()>
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
                                    <strong>{person.name}</strong>
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
