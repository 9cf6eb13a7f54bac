//! Linking one's own account with the sign-in provider.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use lifecycle::authority::{Identity, SignInRefused};
use policy::Timestamp;

use crate::{
    api::me::{ConfirmSession, UnlinkIdentity},
    components::{Button, ButtonKind, ExternalText, FormError, Notice, Panel, RelativeTime, TextInput, Tone},
    labels,
};

/// The link, or what is linked; nothing on a server without a provider, for an account that is not linked.
#[component]
pub(super) fn SignInProvider(
    identity: Option<Identity>,
    provider: Option<String>,
    confirmed: bool,
    as_of: Timestamp,
    confirm: ServerAction<ConfirmSession>,
    unlink: ServerAction<UnlinkIdentity>,
) -> impl IntoView {
    let refused = use_query_map().read_untracked().get("refused").and_then(|name| SignInRefused::from_name(&name));
    let shown = identity.is_some() || provider.is_some();
    shown.then(|| {
        view! {
            <Panel title="Sign-in provider">
                <div class="stack-tight">
                    {refused
                        .map(|refused| {
                            view! {
                                <Notice tone=Tone::Bad>
                                    <strong>"Your account was not linked"</strong>
                                    <p>{refused.words()}</p>
                                </Notice>
                            }
                        })}
                    {match identity {
                        Some(identity) => view! { <Linked identity=identity as_of=as_of unlink=unlink /> }.into_any(),
                        None => {
                            view! {
                                <p class="muted">
                                    "Once it is linked, you sign in there, and your groups give you their roles besides your own."
                                </p>
                                {if confirmed {
                                    view! {
                                        <p>
                                            <a class="button" href="/oidc/link" rel="external">
                                                "Link with "
                                                {provider}
                                            </a>
                                        </p>
                                    }
                                        .into_any()
                                } else {
                                    view! { <Confirm action=confirm /> }.into_any()
                                }}
                            }
                                .into_any()
                        }
                    }}
                </div>
            </Panel>
        }
    })
}

/// Asks for the password: who is linked with an account signs in to it from then on.
#[component]
fn Confirm(action: ServerAction<ConfirmSession>) -> impl IntoView {
    view! {
        <ActionForm action=action>
            <div class="form">
                <FormError action=action />
                <TextInput
                    label="Your password"
                    name="password"
                    id="link-password"
                    kind="password"
                    required=true
                    autocomplete="current-password"
                    hint="Then you are sent to the sign-in provider. Who is linked there signs in to this account."
                />
                <div class="form-foot">
                    <Button submit=true pending=action.pending()>
                        "Continue"
                    </Button>
                </div>
            </div>
        </ActionForm>
    }
}

#[component]
fn Linked(identity: Identity, as_of: Timestamp, unlink: ServerAction<UnlinkIdentity>) -> impl IntoView {
    let Identity { issuer, subject, confirmed_at, roles, .. } = identity;
    let given = if roles.is_empty() {
        "Your groups give no roles.".to_owned()
    } else {
        format!("Your groups give {}.", labels::roles(&roles))
    };
    view! {
        <p>
            "You are " <strong><ExternalText text=subject /></strong> " at " <ExternalText text=issuer />
            ", confirmed " <RelativeTime at=confirmed_at as_of=as_of /> ". " {given}
        </p>
        <p class="muted">"Your tokens work until 24 hours after the last confirmation."</p>
        <FormError action=unlink />
        <ActionForm action=unlink>
            <Button kind=ButtonKind::Danger small=true submit=true pending=unlink.pending()>
                "Unlink"
            </Button>
        </ActionForm>
    }
}
