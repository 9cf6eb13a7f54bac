//! A checkbox for each role.

use leptos::prelude::*;
use lifecycle::authority::{Role, Roles};

use super::Checkbox;

/// The checkboxes, in the order of the permission table.
#[component]
pub fn RoleBoxes(
    /// The roles to choose from.
    roles: Roles,
    /// The roles that are checked at first.
    #[prop(optional)]
    checked: Roles,
    /// Whether the answers cannot be changed.
    #[prop(optional, into)]
    disabled: Signal<bool>,
) -> impl IntoView {
    view! {
        <fieldset class="role-boxes">
            <legend>"Roles"</legend>
            {roles
                .into_iter()
                .map(|role| {
                    view! {
                        <Checkbox
                            label=role.name().replace('_', " ")
                            name="roles[]"
                            sends=role.name()
                            initial=checked.contains(&role)
                            disabled=disabled
                        />
                    }
                })
                .collect_view()}
        </fieldset>
    }
}

/// The roles that people have: all but the one for programs.
pub fn roles_of_people() -> Roles {
    Role::ALL.iter().copied().filter(|role| *role != Role::Service).collect()
}
