//! The people who can sign in, and their roles.

use leptos::{prelude::*, server_fn::ServerFn};
use lifecycle::authority::Person;

use super::state::PageState;
use crate::{
    api::people::{Ended, LinkFor},
    components::{
        Button, ButtonKind, Chip, Dialog, FormError, Notice, RoleBoxes, Table, TextInput, Tone, roles_of_people,
    },
    error::AppError,
    labels,
};

/// The people, and the dialogs that invite a person and change roles.
#[component]
pub(super) fn People(people: Vec<Person>, state: PageState) -> impl IntoView {
    let inviting = RwSignal::new(false);
    let changing = RwSignal::new(false);
    let selected = RwSignal::new(None::<Person>);
    close_when_done(state.invite, inviting);
    close_when_done(state.set_roles, changing);
    let invited = move || state.invite.value().get().and_then(Result::ok);
    let reset = move || state.reset.value().get().and_then(Result::ok);
    view! {
        <div class="stack">
            <div class="spread">
                <p class="muted">"Taking a role away works at once, also for people who are signed in."</p>
                <span class="needs-script">
                    <Button kind=ButtonKind::Primary on_click=move |_| inviting.set(true)>
                        "Invite person"
                    </Button>
                </span>
            </div>
            {move || invited().map(|made| view! { <NewLink made=made /> })}
            {move || reset().map(|made| view! { <NewLink made=made /> })}
            {move || state.set_enabled.value().get().and_then(Result::ok).map(|done| view! { <WhatEnded done=done /> })}
            <FormError action=state.set_enabled />
            <FormError action=state.reset />
            <Table label="People" cards=true>
                <thead>
                    <tr>
                        <th scope="col">"Person"</th>
                        <th scope="col">"Email"</th>
                        <th scope="col">"Roles"</th>
                        <th scope="col">"Sign-in"</th>
                        <th scope="col">
                            <span class="visually-hidden">"Change"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {people
                        .into_iter()
                        .map(|person| {
                            view! { <PersonRow person=person state=state selected=selected changing=changing /> }
                        })
                        .collect_view()}
                </tbody>
            </Table>
        </div>
        <Dialog open=inviting id="invite-person" title="Invite person">
            <ActionForm action=state.invite>
                <div class="form">
                    <FormError action=state.invite />
                    <TextInput label="Email" name="email" id="invite-email" kind="email" required=true autocomplete="off" />
                    <TextInput
                        label="Name"
                        name="name"
                        id="invite-name"
                        required=true
                        autocomplete="off"
                        hint="They choose their password themselves, with a link that works once."
                    />
                    <RoleBoxes roles=roles_of_people() />
                    <div class="dialog-foot">
                        <Button on_click=move |_| inviting.set(false)>"Cancel"</Button>
                        <Button kind=ButtonKind::Primary submit=true pending=state.invite.pending()>
                            "Invite person"
                        </Button>
                    </div>
                </div>
            </ActionForm>
        </Dialog>
        <Dialog open=changing id="change-roles" title="Change roles">
            {move || {
                selected
                    .get()
                    .map(|person| {
                        view! {
                            <ActionForm action=state.set_roles>
                                <div class="form">
                                    <p>
                                        <strong>{labels::outside(&person.name)}</strong>
                                        " "
                                        <span class="muted">{labels::outside(&person.email)}</span>
                                    </p>
                                    <FormError action=state.set_roles />
                                    <input type="hidden" name="email" value=person.email />
                                    <RoleBoxes roles=roles_of_people() checked=person.roles />
                                    <p class="faint">
                                        "Once there were two safety owners, one of them has to accept every new role that signs \
                                         or administers: all but author and viewer."
                                    </p>
                                    <div class="dialog-foot">
                                        <Button on_click=move |_| changing.set(false)>"Cancel"</Button>
                                        <Button kind=ButtonKind::Primary submit=true pending=state.set_roles.pending()>
                                            "Save roles"
                                        </Button>
                                    </div>
                                </div>
                            </ActionForm>
                        }
                    })
            }}
        </Dialog>
    }
}

#[component]
fn PersonRow(
    person: Person,
    state: PageState,
    selected: RwSignal<Option<Person>>,
    changing: RwSignal<bool>,
) -> impl IntoView {
    let shown = person.clone();
    let Person { email, name, roles, enabled, has_password, linked, signs_from, .. } = person;
    let (switch, switch_label, switch_kind, consequence) = if enabled {
        (
            "Disable",
            format!("Disable {name}"),
            ButtonKind::Danger,
            "Their sessions end, and their tokens are revoked for good",
        )
    } else {
        (
            "Enable",
            format!("Enable {name}"),
            ButtonKind::Secondary,
            "They may sign in again; revoked tokens stay revoked",
        )
    };
    let link = if has_password || linked { "Reset password" } else { "Invite again" };
    let (reset_email, reset_label) = (email.clone(), format!("{link}: {name}"));
    view! {
        <tr>
            <th scope="row">{labels::outside(&name)}</th>
            <td>{labels::outside(&email)}</td>
            <td>{labels::roles(&roles)}</td>
            <td>
                {match (enabled, has_password || linked) {
                    (false, _) => view! { <Chip tone=Tone::Bad sign="✕">"disabled"</Chip> },
                    (true, false) => view! { <Chip tone=Tone::Neutral sign="○">"invited"</Chip> },
                    (true, true) => view! { <Chip tone=Tone::Good sign="✓">"allowed"</Chip> },
                }}
                {linked.then(|| view! { <Chip tone=Tone::Neutral>"linked"</Chip> })}
                {signs_from
                    .map(|at| {
                        view! {
                            <Chip tone=Tone::Warn sign="▲" attr:title=format!("until {at}")>
                                "handed over, signs nothing"
                            </Chip>
                        }
                    })}
            </td>
            <td class="num needs-script">
                <div class="row">
                    <Button
                        small=true
                        attr:aria-label=format!("Change roles of {name}")
                        on_click=move |_| {
                            selected.set(Some(shown.clone()));
                            changing.set(true);
                        }
                    >
                        "Change roles"
                    </Button>
                    {enabled
                        .then(move || {
                            view! {
                                <ActionForm action=state.reset>
                                    <input type="hidden" name="email" value=reset_email />
                                    <Button small=true submit=true attr:aria-label=reset_label>
                                        {link}
                                    </Button>
                                </ActionForm>
                            }
                        })}
                    <ActionForm action=state.set_enabled>
                        <input type="hidden" name="email" value=email />
                        <input type="hidden" name="enabled" value=(!enabled).to_string() />
                        <Button
                            small=true
                            submit=true
                            kind=switch_kind
                            attr:aria-label=switch_label
                            attr:title=consequence
                        >
                            {switch}
                        </Button>
                    </ActionForm>
                </div>
            </td>
        </tr>
    }
}

/// What became of a link that was just made.
#[component]
fn NewLink(made: LinkFor) -> impl IntoView {
    let LinkFor { email, link } = made;
    if let Some(error) = link.mail_error {
        return view! {
            <Notice tone=Tone::Bad>
                <strong>"The link for " {labels::outside(&email)} " was not sent."</strong>
                <p>{error}</p>
            </Notice>
        }
        .into_any();
    }
    match link.url {
        Some(url) => view! {
            <div class="notice tone-good" role="status">
                <strong>"Hand this link over to " {labels::outside(&email)} "."</strong>
                <p>
                    "It works once and is not shown again. Everyone who has it can take the account, so it signs nothing for 24 \
                     hours after that, and the safety owners are informed."
                </p>
                <p>
                    <code class="secret">{url}</code>
                </p>
            </div>
        }
        .into_any(),
        None => view! {
            <div class="notice tone-good" role="status">
                <strong>"A link was sent to " {labels::outside(&email)} "."</strong>
            </div>
        }
        .into_any(),
    }
}

/// What ended when a person was disabled; nothing for one who was enabled.
#[component]
fn WhatEnded(done: Ended) -> impl IntoView {
    let Ended { email, sessions, tokens, waiting } = done;
    if !waiting.is_empty() {
        return Some(
            view! {
                <div class="notice tone-warn" role="status">
                    <strong>{email} " may sign in again."</strong>
                    <p>"Until a safety owner accepts it, without: " {labels::roles(&waiting)} "."</p>
                </div>
            }
            .into_any(),
        );
    }
    (sessions > 0 || !tokens.is_empty()).then(|| {
        let tokens = if tokens.is_empty() { "no token".to_owned() } else { tokens.join(", ") };
        view! {
            <div class="notice tone-warn" role="status">
                <strong>{labels::outside(&email)} " is disabled."</strong>
                <p>"Sessions ended: " {sessions} ". Tokens revoked: " {labels::outside(&tokens)} "."</p>
            </div>
        }
        .into_any()
    })
}

/// Closes a dialog once its form was accepted.
fn close_when_done<F>(action: ServerAction<F>, open: RwSignal<bool>)
where
    F: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    F::Output: Clone + Send + Sync + 'static,
{
    Effect::new(move |_| {
        if matches!(&*action.value().read(), Some(Ok(_))) {
            open.set(false);
        }
    });
}
