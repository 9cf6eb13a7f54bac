//! The permission table, as the authorizer uses it.

use leptos::prelude::*;
use lifecycle::authority::{Permission, Role, Roles};

use crate::components::Table;

/// Permissions by role, with the reader's own roles marked.
#[component]
pub(super) fn PermissionTable(mine: Roles) -> impl IntoView {
    let roles: Vec<(Role, bool)> = Role::ALL.iter().map(|role| (*role, mine.contains(role))).collect();
    view! {
        <div class="stack">
            <p class="muted">
                "One table decides for pages, API and command line alike. Columns with your roles are marked. Nobody may sign off what they wrote."
            </p>
            <Table label="Permissions by role">
                <thead>
                    <tr>
                        <th scope="col">"May"</th>
                        {roles
                            .iter()
                            .map(|(role, mine)| {
                                view! {
                                    <th scope="col" class="permission" class:permission-mine=*mine>
                                        {role.name().replace('_', " ")}
                                    </th>
                                }
                            })
                            .collect_view()}
                    </tr>
                </thead>
                <tbody>
                    {Permission::ALL
                        .iter()
                        .map(|permission| {
                            view! {
                                <tr>
                                    <th scope="row">{permission.describe()}</th>
                                    {roles
                                        .iter()
                                        .map(|(role, mine)| {
                                            let has = permission.roles().contains(role);
                                            view! {
                                                <td class="permission" class:permission-mine=*mine class:permission-has=has>
                                                    <span aria-hidden="true">{if has { "✓" } else { "·" }}</span>
                                                    <span class="visually-hidden">{if has { "yes" } else { "no" }}</span>
                                                </td>
                                            }
                                        })
                                        .collect_view()}
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </Table>
        </div>
    }
}
