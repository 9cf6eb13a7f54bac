//! How people sign in, and the roles that groups at the sign-in provider give.

use leptos::prelude::*;
use lifecycle::{
    authority::{GroupRoles, Person},
    settings::{Passwords, SignInSettings as Config},
};

use super::{fields::Number, state::PageState};
use crate::{
    api::sign_in_settings::{RemoveGroup, SaveSignIn, SetGroup},
    components::{Button, ButtonKind, ExternalText, FormError, RoleBoxes, Select, Table, TextInput, roles_of_people},
    labels,
};

/// The forms; read-only unless `editable`.
#[component]
pub(super) fn SignInSettings(
    settings: Config,
    groups: Vec<GroupRoles>,
    provider: Option<String>,
    administrators: Vec<Person>,
    editable: bool,
    state: PageState,
) -> impl IntoView {
    let provider = provider.map_or_else(
        || "This server has no sign-in provider. Its operator names one with --oidc-issuer.".to_owned(),
        |name| format!("People sign in through {name}."),
    );
    view! {
        <div class="stack">
            <p class="muted">{provider}</p>
            <HowToSignIn settings=settings administrators=administrators editable=editable action=state.save_sign_in />
            <Groups groups=groups editable=editable set=state.set_group remove=state.remove_group />
        </div>
    }
}

#[component]
fn HowToSignIn(
    settings: Config,
    administrators: Vec<Person>,
    editable: bool,
    action: ServerAction<SaveSignIn>,
) -> impl IntoView {
    let locked = Signal::stored(!editable);
    let who = Passwords::ALL.map(|one| (one.name().to_owned(), label(one).to_owned())).to_vec();
    let mut people = vec![(String::new(), "Nobody".to_owned())];
    people.extend(administrators.into_iter().map(|person| (person.id.to_string(), person.name)));
    let chosen = settings.break_glass.map(|id| id.to_string()).unwrap_or_default();
    if !people.iter().any(|(id, _)| *id == chosen) {
        // Only administrators may read who the others are.
        people.push((chosen.clone(), format!("Person {chosen}")));
    }
    view! {
        <ActionForm action=action>
            <fieldset class="group">
                <legend>"Signing in"</legend>
                <FormError action=action />
                <div class="group-fields">
                    <Number
                        label="Minutes within which the provider confirms a session"
                        name="check_minutes"
                        min="1"
                        initial=settings.check_minutes.to_string()
                        locked=locked
                    />
                    <Select
                        label="Who signs in with a password"
                        name="passwords"
                        options=who
                        initial=settings.passwords.name()
                        disabled=locked
                    />
                    <Select
                        label="Break-glass administrator"
                        name="break_glass"
                        options=people
                        initial=chosen
                        disabled=locked
                        hint="Can sign in with a password when the provider fails."
                    />
                </div>
            </fieldset>
            {editable
                .then(|| {
                    view! {
                        <div class="form-foot">
                            <Button kind=ButtonKind::Primary submit=true pending=action.pending()>
                                "Save sign-in"
                            </Button>
                        </div>
                    }
                })}
        </ActionForm>
    }
}

#[component]
fn Groups(
    groups: Vec<GroupRoles>,
    editable: bool,
    set: ServerAction<SetGroup>,
    remove: ServerAction<RemoveGroup>,
) -> impl IntoView {
    let none = groups.is_empty();
    view! {
        <section class="stack-tight">
            <h2>"Roles by groups"</h2>
            <p class="muted">
                "Members of these groups at the sign-in provider have these roles. A role goes with the group, when the provider is \
                 asked next. Roles that sign, stop or administer wait for a safety owner."
            </p>
            <FormError action=remove />
            {if none {
                view! { <p class="faint">"No group gives a role."</p> }.into_any()
            } else {
                view! {
                    <Table label="Roles by groups" cards=true>
                        <thead>
                            <tr>
                                <th scope="col">"Group"</th>
                                <th scope="col">"Roles"</th>
                                <th scope="col">
                                    <span class="visually-hidden">"Remove"</span>
                                </th>
                            </tr>
                        </thead>
                        <tbody>
                            {groups
                                .into_iter()
                                .map(|row| view! { <GroupRow row=row editable=editable remove=remove /> })
                                .collect_view()}
                        </tbody>
                    </Table>
                }
                    .into_any()
            }}
            {editable
                .then(|| {
                    view! {
                        <ActionForm action=set>
                            <div class="form">
                                <FormError action=set />
                                <TextInput
                                    label="Group"
                                    name="group"
                                    id="group-name"
                                    required=true
                                    autocomplete="off"
                                    hint="As the provider spells it. A group that is in the list gets other roles."
                                />
                                <RoleBoxes roles=roles_of_people() />
                                <div class="form-foot">
                                    <Button submit=true pending=set.pending()>"Save group"</Button>
                                </div>
                            </div>
                        </ActionForm>
                    }
                })}
        </section>
    }
}

#[component]
fn GroupRow(row: GroupRoles, editable: bool, remove: ServerAction<RemoveGroup>) -> impl IntoView {
    let GroupRoles { group, roles } = row;
    let label = format!("Remove {group}");
    view! {
        <tr>
            <th scope="row">
                <ExternalText text=group.clone() />
            </th>
            <td>{labels::roles(&roles)}</td>
            <td class="num">
                {editable
                    .then(|| {
                        view! {
                            <ActionForm action=remove>
                                <input type="hidden" name="group" value=group />
                                <Button kind=ButtonKind::Ghost small=true submit=true attr:aria-label=label>
                                    "Remove"
                                </Button>
                            </ActionForm>
                        }
                    })}
            </td>
        </tr>
    }
}

const fn label(who: Passwords) -> &'static str {
    match who {
        Passwords::Everyone => "Everyone who has one",
        Passwords::BreakGlass => "Only the break-glass administrator",
    }
}
