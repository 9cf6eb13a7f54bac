//! The settings of the rollout, people, tokens, and who may do what.

mod emergency;
mod invariants;
mod keys;
mod people;
mod permissions;
mod rules;
mod tokens;
mod watch;

use leptos::prelude::*;
use lifecycle::authority::{Permission, Role};

use self::{
    emergency::Emergency, invariants::Invariants, keys::Keys, people::People, permissions::PermissionTable,
    rules::Rules, tokens::Tokens, watch::Watch,
};
use crate::{
    api::{
        system::{DisableEvaluation, EnableEvaluation},
        workspace::{
            AddInvariant, AddPerson, CreateToken, RemoveInvariant, RevokeToken, SaveSettings, SaveWatch, SetRoles,
            Workspace, read_workspace,
        },
    },
    components::{ErrorPanel, PageHead, Skeleton, Tab, TabPanel, Tabs, url_tab, use_toasts},
    error::AppError,
    frame::{live::use_live, use_frame},
    labels,
};

/// What the page has sent. Kept outside of what is fetched again.
#[derive(Clone, Copy)]
struct Desk {
    save: ServerAction<SaveSettings>,
    save_watch: ServerAction<SaveWatch>,
    set_roles: ServerAction<SetRoles>,
    add: ServerAction<AddPerson>,
    create: ServerAction<CreateToken>,
    revoke: ServerAction<RevokeToken>,
    add_invariant: ServerAction<AddInvariant>,
    remove_invariant: ServerAction<RemoveInvariant>,
    disable: ServerAction<DisableEvaluation>,
    enable: ServerAction<EnableEvaluation>,
}

/// Everybody may read the settings; administrators may change them.
#[component]
pub fn Settings() -> impl IntoView {
    let desk = Desk {
        save: ServerAction::new(),
        save_watch: ServerAction::new(),
        set_roles: ServerAction::new(),
        add: ServerAction::new(),
        create: ServerAction::new(),
        revoke: ServerAction::new(),
        add_invariant: ServerAction::new(),
        remove_invariant: ServerAction::new(),
        disable: ServerAction::new(),
        enable: ServerAction::new(),
    };
    let changed = move || {
        (
            desk.save.version().get(),
            desk.save_watch.version().get(),
            desk.set_roles.version().get(),
            desk.add.version().get(),
            desk.create.version().get(),
            desk.revoke.version().get(),
            desk.add_invariant.version().get(),
            desk.remove_invariant.version().get(),
        )
    };
    let workspace = Resource::new(changed, |_| read_workspace());
    announce(desk.save, "Settings saved");
    announce(desk.save_watch, "Limits saved");
    announce(desk.set_roles, "Roles changed");
    announce(desk.add, "Person added");
    announce(desk.revoke, "Token revoked");
    announce(desk.add_invariant, "Invariant added");
    announce(desk.remove_invariant, "Invariant removed");
    announce(desk.disable, "Evaluation disabled");
    announce(desk.enable, "Evaluation enabled");
    refresh_frame(desk);
    view! {
        <PageHead title="Settings" />
        <Transition fallback=|| view! { <Skeleton lines=8 /> }>
            {move || Suspend::new(async move {
                match workspace.await {
                    Ok(workspace) => view! { <Page workspace=workspace desk=desk /> }.into_any(),
                    Err(error) => view! { <ErrorPanel error=error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Page(workspace: Workspace, desk: Desk) -> impl IntoView {
    let tab = url_tab("tab", "rollout");
    let me = use_frame().me();
    let roles = labels::roles(&me.roles);
    let others = roles.clone();
    let administers = me.may(Permission::Administer);
    let Workspace { settings, invariants, people, tokens, keys, as_of } = workspace;
    let may_disable = me.may(Permission::DisableEvaluation);
    let tabs = vec![
        Tab::new("rollout", "Rollout and reviews"),
        Tab::new("invariants", "Invariants"),
        Tab::new("people", "People"),
        Tab::new("tokens", "Tokens"),
        Tab::new("permissions", "Permissions"),
        Tab::new("keys", "Keys"),
        Tab::new("emergency", "Emergency"),
    ];
    view! {
        <section class="panel panel-flush">
            <Tabs group="settings" label="Settings" tabs=tabs selected=tab param="tab" />
            <TabPanel group="settings" id="rollout" selected=tab>
                <div class="stack">
                    <Rules settings=settings editable=administers action=desk.save />
                    <Watch config=settings.watch editable=administers action=desk.save_watch />
                </div>
            </TabPanel>
            <TabPanel group="settings" id="invariants" selected=tab>
                <Invariants
                    invariants=invariants
                    editable=administers
                    add=desk.add_invariant
                    remove=desk.remove_invariant
                />
            </TabPanel>
            <TabPanel group="settings" id="people" selected=tab>
                {match people {
                    Some(people) => view! { <People people=people set_roles=desk.set_roles add=desk.add /> }.into_any(),
                    None => view! { <AdministratorsOnly what="Who can sign in" roles=others /> }.into_any(),
                }}
            </TabPanel>
            <TabPanel group="settings" id="tokens" selected=tab>
                {match tokens {
                    Some(tokens) => {
                        view! { <Tokens tokens=tokens as_of=as_of create=desk.create revoke=desk.revoke /> }.into_any()
                    }
                    None => view! { <AdministratorsOnly what="Tokens of programs" roles=roles /> }.into_any(),
                }}
            </TabPanel>
            <TabPanel group="settings" id="permissions" selected=tab>
                <PermissionTable mine=me.roles />
            </TabPanel>
            <TabPanel group="settings" id="keys" selected=tab>
                <Keys keys=keys />
            </TabPanel>
            <TabPanel group="settings" id="emergency" selected=tab>
                <Emergency editable=may_disable disable=desk.disable enable=desk.enable />
            </TabPanel>
        </section>
    }
}

/// What stands where the reader may not look.
#[component]
fn AdministratorsOnly(what: &'static str, roles: String) -> impl IntoView {
    view! {
        <div class="empty">
            <p class="empty-title">{what} " can be seen by administrators"</p>
            <p class="muted">"You are signed in as " {roles} ". Ask an administrator for changes."</p>
        </div>
    }
}

/// Says that it worked. What went wrong is said beside the form.
fn announce<F>(action: ServerAction<F>, words: &'static str)
where
    F: server_fn::ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    F::Output: Clone + Send + Sync + 'static,
{
    let toasts = use_toasts();
    Effect::new(move |_| {
        if matches!(&*action.value().read(), Some(Ok(_))) {
            toasts.good(words);
        }
    });
}

/// The banner above the page shows at once what was switched.
fn refresh_frame(desk: Desk) {
    let live = use_live();
    Effect::new(move |_| {
        if desk.disable.version().get() + desk.enable.version().get() > 0 {
            live.refresh();
        }
    });
}

/// What was wrong with a form that was sent.
#[component]
fn Refusal<F>(action: ServerAction<F>) -> impl IntoView
where
    F: server_fn::ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    F::Output: Clone + Send + Sync + 'static,
{
    move || {
        action.value().get().and_then(Result::err).map(|error| {
            view! {
                <div class="notice tone-bad" role="alert">
                    {error.detail().to_owned()}
                </div>
            }
        })
    }
}

/// A box to tick for each role.
#[component]
fn RoleBoxes(
    /// The roles ticked at first.
    #[prop(optional)]
    ticked: lifecycle::authority::Roles,
    /// The role of programs is only for tokens.
    #[prop(optional)]
    programs: bool,
) -> impl IntoView {
    view! {
        <fieldset class="role-boxes">
            <legend>"Roles"</legend>
            {Role::ALL
                .iter()
                .copied()
                .filter(|role| programs || *role != Role::Service)
                .map(|role| {
                    view! {
                        <crate::components::Checkbox
                            label=role.name().replace('_', " ")
                            name="roles[]"
                            sends=role.name()
                            initial=ticked.contains(&role)
                        />
                    }
                })
                .collect_view()}
        </fieldset>
    }
}
