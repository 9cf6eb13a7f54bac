//! One's own tokens: they act in one's own name, with some of one's roles.

use leptos::prelude::*;
use lifecycle::authority::{Roles, Token};
use policy::Timestamp;

use crate::{
    api::me::{CreateOwnToken, RevokeOwnToken},
    components::{
        ActionButton, Button, ButtonKind, Chip, FormError, RelativeTime, RoleBoxes, Select, Table, TextInput, Tone,
    },
    labels,
};

/// The tokens, and the forms that create and revoke one.
#[component]
pub(super) fn OwnTokens(
    tokens: Vec<Token>,
    roles: Roles,
    as_of: Timestamp,
    with_provider: bool,
    create: ServerAction<CreateOwnToken>,
    revoke: ServerAction<RevokeOwnToken>,
) -> impl IntoView {
    let password_hint = if with_provider {
        "Asked for because a token outlives your session. Within ten minutes of signing in with the sign-in provider it may stay empty."
    } else {
        "Asked for because a token outlives your session."
    };
    let created = move || create.value().get().and_then(Result::ok);
    view! {
        <div class="stack">
            <p class="muted">"For the command line and scripts. What a token does counts as done by you; only you make one with your roles."</p>
            {move || {
                created()
                    .map(|token| {
                        view! {
                            <div class="notice tone-good" role="status">
                                <strong>"Token “" {labels::outside(&token.name)} "” is created."</strong>
                                <p>"Copy it now: it is not shown again."</p>
                                <p>
                                    <code class="secret">{token.secret}</code>
                                </p>
                            </div>
                        }
                    })
            }}
            <FormError action=revoke />
            {(!tokens.is_empty())
                .then(|| {
                    view! {
                        <Table label="Your tokens" cards=true>
                            <thead>
                                <tr>
                                    <th scope="col">"Token"</th>
                                    <th scope="col">"Roles"</th>
                                    <th scope="col">"Last used"</th>
                                    <th scope="col">"Works until"</th>
                                    <th scope="col">
                                        <span class="visually-hidden">"Revoke"</span>
                                    </th>
                                </tr>
                            </thead>
                            <tbody>
                                {tokens
                                    .into_iter()
                                    .map(|token| view! { <TokenRow token=token as_of=as_of revoke=revoke /> })
                                    .collect_view()}
                            </tbody>
                        </Table>
                    }
                })}
            <ActionForm action=create>
                <div class="form">
                    <FormError action=create />
                    <TextInput label="What it is for" name="name" id="own-token-name" required=true autocomplete="off" />
                    <Select
                        label="Works for"
                        name="days"
                        id="own-token-days"
                        options=vec![
                            ("30".to_owned(), "30 days".to_owned()),
                            ("90".to_owned(), "90 days".to_owned()),
                            ("365".to_owned(), "a year".to_owned()),
                        ]
                        initial="90"
                    />
                    <RoleBoxes roles=roles />
                    <TextInput
                        label="Your password"
                        name="password"
                        id="own-token-password"
                        kind="password"
                        autocomplete="current-password"
                        hint=password_hint
                    />
                    <div class="form-foot">
                        <Button kind=ButtonKind::Primary submit=true pending=create.pending()>
                            "Create token"
                        </Button>
                    </div>
                </div>
            </ActionForm>
        </div>
    }
}

#[component]
fn TokenRow(token: Token, as_of: Timestamp, revoke: ServerAction<RevokeOwnToken>) -> impl IntoView {
    let Token { id, name, roles, prefix, expires_at, last_used_at, revoked_at, .. } = token;
    let time = move |at: Option<Timestamp>, otherwise: &'static str| match at {
        Some(at) => view! { <RelativeTime at=at as_of=as_of /> }.into_any(),
        None => view! { <span class="faint">{otherwise}</span> }.into_any(),
    };
    let label = format!("Revoke {name}");
    view! {
        <tr>
            <th scope="row">
                {labels::outside(&name)} " "
                <code class="faint">{prefix} "…"</code>
            </th>
            <td>{labels::roles(&roles)}</td>
            <td>
                <span class="on-cards faint">"used "</span>
                {time(last_used_at, "never")}
            </td>
            <td>
                <span class="on-cards faint">"works until "</span>
                {time(expires_at, "it is revoked")}
            </td>
            <td class="num">
                {if revoked_at.is_some() {
                    view! { <Chip tone=Tone::Neutral sign="○">"revoked"</Chip> }.into_any()
                } else {
                    view! {
                        <ActionButton action=revoke id=id text="Revoke" label=label kind=ButtonKind::Danger />
                    }
                        .into_any()
                }}
            </td>
        </tr>
    }
}
