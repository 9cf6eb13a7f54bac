//! Bearer tokens of programs.

use leptos::prelude::*;
use lifecycle::authority::Token;
use policy::Timestamp;

use crate::{
    api::people::{CreateToken, RevokeToken},
    components::{
        ActionButton, Button, ButtonKind, Checkbox, Chip, Dialog, EmptyState, FormError, RelativeTime, Select, Table,
        TextArea, TextInput, Tone,
    },
    labels,
};

/// The tokens, and the forms that create and revoke one.
#[component]
pub(super) fn Tokens(
    tokens: Vec<Token>,
    as_of: Timestamp,
    create: ServerAction<CreateToken>,
    revoke: ServerAction<RevokeToken>,
) -> impl IntoView {
    let creating = RwSignal::new(false);
    let created = move || create.value().get().and_then(Result::ok);
    Effect::new(move |_| {
        if matches!(&*create.value().read(), Some(Ok(_))) {
            creating.set(false);
        }
    });
    view! {
        <div class="stack">
            <div class="spread">
                <p class="muted">
                    "Programs send one as “Authorization: Bearer csn_…”. Only its hash is stored. What programs may ask: "
                    <a href="/docs" rel="external">"the HTTP API"</a> ". Tokens with your own roles are made on the page "
                    <a href="/me">"You"</a> "."
                </p>
                <span class="needs-script">
                    <Button kind=ButtonKind::Primary on_click=move |_| creating.set(true)>
                        "New token"
                    </Button>
                </span>
            </div>
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
            {if tokens.is_empty() {
                view! {
                    <EmptyState title="No tokens yet">
                        <p>"Agents need one to ask for decisions, and scripts to roll out from the command line."</p>
                    </EmptyState>
                }
                    .into_any()
            } else {
                view! { <TokenTable tokens=tokens as_of=as_of revoke=revoke /> }.into_any()
            }}
        </div>
        <Dialog open=creating id="new-token" title="New token">
            <ActionForm action=create>
                <div class="form">
                    <FormError action=create />
                    <TextInput label="What it is for" name="name" id="token-name" required=true autocomplete="off" />
                    <Select
                        label="Works for"
                        name="days"
                        options=vec![
                            ("30".to_owned(), "30 days".to_owned()),
                            ("90".to_owned(), "90 days".to_owned()),
                            ("365".to_owned(), "a year".to_owned()),
                        ]
                        initial="90"
                    />
                    <TextArea
                        label="Agents"
                        name="agents"
                        id="token-agents"
                        rows=2
                        mono=true
                        required=true
                        placeholder="inbox.*"
                        hint="The program may ask for these only: names or prefixes such as inbox.*, one a line; * for all."
                    />
                    <Checkbox label="Reports outcomes of decisions that other tokens asked for" name="reporter" />
                    <div class="dialog-foot">
                        <Button on_click=move |_| creating.set(false)>"Cancel"</Button>
                        <Button kind=ButtonKind::Primary submit=true pending=create.pending()>
                            "Create token"
                        </Button>
                    </div>
                </div>
            </ActionForm>
        </Dialog>
    }
}

#[component]
fn TokenTable(tokens: Vec<Token>, as_of: Timestamp, revoke: ServerAction<RevokeToken>) -> impl IntoView {
    view! {
        <Table label="Tokens" cards=true>
            <thead>
                <tr>
                    <th scope="col">"Token"</th>
                    <th scope="col">"Acts as"</th>
                    <th scope="col">"Reach"</th>
                    <th scope="col">"Made"</th>
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
                    .map(|token| {
                        let id = token.id;
                        let name = token.name.clone();
                        let reach = reach(&token);
                        let time = move |at: Option<Timestamp>, otherwise: &'static str| match at {
                            Some(at) => view! { <RelativeTime at=at as_of=as_of /> }.into_any(),
                            None => view! { <span class="faint">{otherwise}</span> }.into_any(),
                        };
                        view! {
                            <tr>
                                <th scope="row">
                                    {labels::outside(&token.name)} " "
                                    <code class="faint">{token.prefix} "…"</code>
                                </th>
                                <td>
                                    <span class="on-cards faint">"acts as "</span>
                                    {token.email.as_deref().map_or_else(|| "itself".to_owned(), labels::outside)}
                                </td>
                                <td>{reach}</td>
                                <td>
                                    <span class="on-cards faint">"made "</span>
                                    <RelativeTime at=token.created_at as_of=as_of />
                                    <span class="faint">" by " {labels::outside(&token.created_by)}</span>
                                </td>
                                <td>
                                    <span class="on-cards faint">"used "</span>
                                    {time(token.last_used_at, "never")}
                                </td>
                                <td>
                                    <span class="on-cards faint">"works until "</span>
                                    {time(token.expires_at, "it is revoked")}
                                </td>
                                <td class="num">
                                    {if token.revoked_at.is_some() {
                                        view! { <Chip tone=Tone::Neutral sign="○">"revoked"</Chip> }.into_any()
                                    } else {
                                        view! {
                                            <ActionButton action=revoke id=id text="Revoke" label=format!("Revoke {name}") kind=ButtonKind::Danger attr:title="Programs that use it are refused from then on" />
                                        }
                                            .into_any()
                                    }}
                                </td>
                            </tr>
                        }
                    })
                    .collect_view()}
            </tbody>
        </Table>
    }
}

/// What a token reaches: the agents of a program, or the roles of a person.
fn reach(token: &Token) -> String {
    match (&token.email, token.reporter) {
        (Some(_), _) => labels::roles(&token.roles),
        (None, false) => token.agents.join(", "),
        (None, true) => format!("{}; reports for others", token.agents.join(", ")),
    }
}
