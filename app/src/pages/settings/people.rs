//! The people who can sign in, and their roles.

use leptos::prelude::*;
use lifecycle::authority::Person;

use super::fields::RoleBoxes;
use crate::{
    api::workspace::{AddPerson, SetRoles},
    components::{Button, ButtonKind, Chip, Dialog, FormError, Table, TextInput, Tone},
    labels,
};

/// The people, and the dialogs that add a person and change roles.
#[component]
pub(super) fn People(
    people: Vec<Person>,
    set_roles: ServerAction<SetRoles>,
    add: ServerAction<AddPerson>,
) -> impl IntoView {
    let adding = RwSignal::new(false);
    let changing = RwSignal::new(false);
    let selected = RwSignal::new(None::<Person>);
    close_when_done(add, adding);
    close_when_done(set_roles, changing);
    view! {
        <div class="stack">
            <div class="spread">
                <p class="muted">"Taking a role away works at once, also for people who are signed in."</p>
                <span class="needs-script">
                    <Button kind=ButtonKind::Primary on_click=move |_| adding.set(true)>
                        "Add person"
                    </Button>
                </span>
            </div>
            <Table label="People">
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
                            let shown = person.clone();
                            view! {
                                <tr>
                                    <th scope="row">{person.name.clone()}</th>
                                    <td>{person.email.clone()}</td>
                                    <td>{labels::roles(&person.roles)}</td>
                                    <td>
                                        {if person.enabled {
                                            view! { <Chip tone=Tone::Good sign="✓">"allowed"</Chip> }
                                        } else {
                                            view! { <Chip tone=Tone::Bad sign="✕">"disabled"</Chip> }
                                        }}
                                    </td>
                                    <td class="num needs-script">
                                        <Button
                                            small=true
                                            attr:aria-label=format!("Change roles of {}", person.name)
                                            on_click=move |_| {
                                                selected.set(Some(shown.clone()));
                                                changing.set(true);
                                            }
                                        >
                                            "Change roles"
                                        </Button>
                                    </td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </Table>
        </div>
        <Dialog open=adding id="add-person" title="Add person">
            <ActionForm action=add>
                <div class="form">
                    <FormError action=add />
                    <TextInput label="Email" name="email" id="add-email" kind="email" required=true autocomplete="off" />
                    <TextInput label="Name" name="name" id="add-name" required=true autocomplete="off" />
                    <TextInput
                        label="Password"
                        name="password"
                        id="add-password"
                        kind="password"
                        required=true
                        autocomplete="new-password"
                        hint="They can sign in with it at once. Hand it over in person."
                    />
                    <RoleBoxes />
                    <div class="dialog-foot">
                        <Button on_click=move |_| adding.set(false)>"Cancel"</Button>
                        <Button kind=ButtonKind::Primary submit=true pending=add.pending()>
                            "Add person"
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
                            <ActionForm action=set_roles>
                                <div class="form">
                                    <p>
                                        <strong>{person.name}</strong>
                                        " "
                                        <span class="muted">{person.email.clone()}</span>
                                    </p>
                                    <FormError action=set_roles />
                                    <input type="hidden" name="email" value=person.email />
                                    <RoleBoxes checked=person.roles />
                                    <div class="dialog-foot">
                                        <Button on_click=move |_| changing.set(false)>"Cancel"</Button>
                                        <Button kind=ButtonKind::Primary submit=true pending=set_roles.pending()>
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

/// Closes a dialog once its form was accepted.
fn close_when_done<F>(action: ServerAction<F>, open: RwSignal<bool>)
where
    F: server_fn::ServerFn<Output = (), Error = crate::error::AppError> + Clone + Send + Sync + 'static,
{
    Effect::new(move |_| {
        if matches!(&*action.value().read(), Some(Ok(()))) {
            open.set(false);
        }
    });
}
