//! The settings: rollouts and reviews, invariants, people, tokens, permissions, keys, and the emergency switch.

mod approvals;
mod emergency;
mod fields;
mod gates;
mod invariants;
mod partner_keys;
mod people;
mod permissions;
mod proposals;
mod role_proposals;
mod sign_in;
mod signing_keys;
mod state;
mod tokens;
mod watch;

use leptos::prelude::*;
use lifecycle::authority::{Permission, Role};

use self::{
    approvals::Approvals, emergency::Emergency, gates::GateSettings, invariants::Invariants, partner_keys::PartnerKeys,
    people::People, permissions::PermissionTable, proposals::Proposals, role_proposals::RoleProposals,
    sign_in::SignInSettings, signing_keys::SigningKeys, state::PageState, tokens::Tokens, watch::Watch,
};
use crate::{
    api::workspace::{Workspace, read_workspace},
    components::{ErrorPanel, PageHead, Skeleton, Tab, TabPanel, Tabs, url_tab},
    frame::state::use_frame,
    labels,
};

/// The tabs of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SettingsTab {
    Rollout,
    Invariants,
    People,
    SignIn,
    Tokens,
    Permissions,
    Keys,
    Emergency,
}

impl SettingsTab {
    const ALL: [Self; 8] = [
        Self::Rollout,
        Self::Invariants,
        Self::People,
        Self::SignIn,
        Self::Tokens,
        Self::Permissions,
        Self::Keys,
        Self::Emergency,
    ];

    /// The value in the address.
    const fn id(self) -> &'static str {
        match self {
            Self::Rollout => "rollout",
            Self::Invariants => "invariants",
            Self::People => "people",
            Self::SignIn => "sign-in",
            Self::Tokens => "tokens",
            Self::Permissions => "permissions",
            Self::Keys => "keys",
            Self::Emergency => "emergency",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Rollout => "Rollout and reviews",
            Self::Invariants => "Invariants",
            Self::People => "People",
            Self::SignIn => "Sign-in",
            Self::Tokens => "Tokens",
            Self::Permissions => "Permissions",
            Self::Keys => "Keys",
            Self::Emergency => "Emergency",
        }
    }
}

/// Everyone may read the settings, administrators may change them.
#[component]
pub fn Settings() -> impl IntoView {
    let state = PageState::new();
    let workspace = Resource::new(move || state.version(), |_| read_workspace());
    view! {
        <PageHead title="Settings" />
        <Transition fallback=|| view! { <Skeleton lines=8 /> }>
            {move || Suspend::new(async move {
                match workspace.await {
                    Ok(workspace) => view! { <Page workspace=workspace state=state /> }.into_any(),
                    Err(error) => view! { <ErrorPanel error=error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Page(workspace: Workspace, state: PageState) -> impl IntoView {
    let tab = url_tab("tab", SettingsTab::Rollout.id());
    let me = use_frame().me();
    let roles = labels::roles(&me.roles);
    let others = roles.clone();
    let administers = me.may(Permission::Administer);
    let Workspace {
        settings,
        invariants,
        proposals,
        people,
        tokens,
        role_proposals,
        groups,
        provider,
        keys,
        partner_keys,
        as_of,
    } = workspace;
    let administrators =
        people.iter().flatten().filter(|person| person.roles.contains(&Role::Admin)).cloned().collect();
    let (myself, signer) = (me.clone(), me.clone());
    let may_disable = me.may(Permission::DisableEvaluation);
    let tabs = SettingsTab::ALL.map(|tab| Tab::new(tab.id(), tab.label())).to_vec();
    view! {
        <Proposals
            proposals=proposals
            me=me.clone()
            as_of=as_of
            accept=state.accept_proposal
            reject=state.reject_proposal
        />
        <section class="panel panel-flush">
            <Tabs group="settings" label="Settings" tabs=tabs selected=tab param="tab" />
            <TabPanel group="settings" id=SettingsTab::Rollout.id() selected=tab>
                <div class="stack">
                    <GateSettings settings=settings editable=administers action=state.save />
                    <Approvals settings=settings.approvals editable=administers action=state.save_approvals />
                    <Watch config=settings.watch editable=administers action=state.save_watch />
                </div>
            </TabPanel>
            <TabPanel group="settings" id=SettingsTab::Invariants.id() selected=tab>
                <Invariants
                    invariants=invariants
                    editable=administers
                    add=state.add_invariant
                    remove=state.remove_invariant
                />
            </TabPanel>
            <TabPanel group="settings" id=SettingsTab::People.id() selected=tab>
                <RoleProposals proposals=role_proposals me=myself state=state />
                {match people {
                    Some(people) => view! { <People people=people state=state /> }.into_any(),
                    None => view! { <AdministratorsOnly what="Who can sign in" roles=others /> }.into_any(),
                }}
            </TabPanel>
            <TabPanel group="settings" id=SettingsTab::SignIn.id() selected=tab>
                <SignInSettings
                    settings=settings.sign_in
                    groups=groups
                    provider=provider
                    administrators=administrators
                    editable=administers
                    state=state
                />
            </TabPanel>
            <TabPanel group="settings" id=SettingsTab::Tokens.id() selected=tab>
                {match tokens {
                    Some(tokens) => {
                        view! { <Tokens tokens=tokens as_of=as_of create=state.create_token revoke=state.revoke_token /> }.into_any()
                    }
                    None => view! { <AdministratorsOnly what="Tokens of programs" roles=roles /> }.into_any(),
                }}
            </TabPanel>
            <TabPanel group="settings" id=SettingsTab::Permissions.id() selected=tab>
                <PermissionTable mine=me.roles />
            </TabPanel>
            <TabPanel group="settings" id=SettingsTab::Keys.id() selected=tab>
                <div class="stack">
                    <SigningKeys keys=keys />
                    <PartnerKeys keys=partner_keys me=signer as_of=as_of state=state />
                </div>
            </TabPanel>
            <TabPanel group="settings" id=SettingsTab::Emergency.id() selected=tab>
                <Emergency editable=may_disable disable=state.disable enable=state.enable />
            </TabPanel>
        </section>
    }
}

/// Takes the place of content that only administrators may read.
#[component]
fn AdministratorsOnly(what: &'static str, roles: String) -> impl IntoView {
    view! {
        <div class="empty">
            <p class="empty-title">{what} " can be seen by administrators"</p>
            <p class="muted">"You are signed in as " {roles} ". Ask an administrator for changes."</p>
        </div>
    }
}
