//! The forms of the settings page. They live outside the resource, so that fetching again does not reset them.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    api::{
        approval_settings::SaveApprovals,
        partner_keys::{AcceptPartnerKey, ProposePartnerKey, RejectPartnerKey, RemovePartnerKey},
        people::{AcceptRoles, CreateToken, InvitePerson, RejectRoles, ResetPerson, RevokeToken, SetEnabled, SetRoles},
        safeguards::{AcceptProposal, RejectProposal},
        sign_in_settings::{RemoveGroup, SaveSignIn, SetGroup},
        system::{DisableEvaluation, EnableEvaluation},
        workspace::{AddInvariant, RemoveInvariant, SaveSettings, SaveWatch, Saved},
    },
    components::use_toasts,
    error::AppError,
    frame::live_updates::use_live,
};

/// The forms of the page.
#[derive(Clone, Copy)]
pub(super) struct PageState {
    pub save: ServerAction<SaveSettings>,
    pub save_watch: ServerAction<SaveWatch>,
    pub save_approvals: ServerAction<SaveApprovals>,
    pub save_sign_in: ServerAction<SaveSignIn>,
    pub set_group: ServerAction<SetGroup>,
    pub remove_group: ServerAction<RemoveGroup>,
    pub set_roles: ServerAction<SetRoles>,
    pub invite: ServerAction<InvitePerson>,
    pub reset: ServerAction<ResetPerson>,
    pub set_enabled: ServerAction<SetEnabled>,
    pub accept_roles: ServerAction<AcceptRoles>,
    pub reject_roles: ServerAction<RejectRoles>,
    pub create_token: ServerAction<CreateToken>,
    pub revoke_token: ServerAction<RevokeToken>,
    pub add_invariant: ServerAction<AddInvariant>,
    pub remove_invariant: ServerAction<RemoveInvariant>,
    pub accept_proposal: ServerAction<AcceptProposal>,
    pub reject_proposal: ServerAction<RejectProposal>,
    pub propose_key: ServerAction<ProposePartnerKey>,
    pub accept_key: ServerAction<AcceptPartnerKey>,
    pub reject_key: ServerAction<RejectPartnerKey>,
    pub remove_key: ServerAction<RemovePartnerKey>,
    pub disable: ServerAction<DisableEvaluation>,
    pub enable: ServerAction<EnableEvaluation>,
}

impl PageState {
    /// Forms that announce their success.
    pub fn new() -> Self {
        let state = Self {
            save: ServerAction::new(),
            save_watch: ServerAction::new(),
            save_approvals: ServerAction::new(),
            save_sign_in: ServerAction::new(),
            set_group: ServerAction::new(),
            remove_group: ServerAction::new(),
            set_roles: ServerAction::new(),
            invite: ServerAction::new(),
            reset: ServerAction::new(),
            set_enabled: ServerAction::new(),
            accept_roles: ServerAction::new(),
            reject_roles: ServerAction::new(),
            create_token: ServerAction::new(),
            revoke_token: ServerAction::new(),
            add_invariant: ServerAction::new(),
            remove_invariant: ServerAction::new(),
            accept_proposal: ServerAction::new(),
            reject_proposal: ServerAction::new(),
            propose_key: ServerAction::new(),
            accept_key: ServerAction::new(),
            reject_key: ServerAction::new(),
            remove_key: ServerAction::new(),
            disable: ServerAction::new(),
            enable: ServerAction::new(),
        };
        announce_saved(state.save, "Settings saved");
        announce_saved(state.save_watch, "Limits saved");
        announce_saved(state.save_approvals, "Approvals saved");
        announce_saved(state.save_sign_in, "Sign-in saved");
        announce_saved(state.set_group, "Group saved");
        announce_saved(state.remove_group, "Group removed");
        announce(state.accept_proposal, "Accepted: the change is in force");
        announce(state.reject_proposal, "Rejected: nothing changes");
        announce(state.set_roles, "Roles changed");
        announce(state.invite, "Person invited");
        announce(state.set_enabled, "Access changed");
        announce(state.accept_roles, "Roles accepted");
        announce(state.reject_roles, "Roles rejected");
        announce(state.revoke_token, "Token revoked");
        announce(state.add_invariant, "Invariant added");
        announce_saved(state.remove_invariant, "Invariant removed");
        announce(state.propose_key, "Proposed: a safety owner has to accept the key");
        announce(state.accept_key, "Key accepted: what it signs counts");
        announce(state.reject_key, "Key rejected");
        announce(state.remove_key, "Key removed");
        announce(state.disable, "Evaluation disabled");
        announce(state.enable, "Evaluation enabled");
        state.refresh_frame();
        state
    }

    /// Changes whenever a form changes the content of the page; tracked.
    pub fn version(self) -> [usize; 22] {
        [
            self.save.version().get(),
            self.save_watch.version().get(),
            self.save_approvals.version().get(),
            self.save_sign_in.version().get(),
            self.set_group.version().get(),
            self.remove_group.version().get(),
            self.set_roles.version().get(),
            self.invite.version().get(),
            self.reset.version().get(),
            self.set_enabled.version().get(),
            self.accept_roles.version().get(),
            self.reject_roles.version().get(),
            self.create_token.version().get(),
            self.revoke_token.version().get(),
            self.add_invariant.version().get(),
            self.remove_invariant.version().get(),
            self.accept_proposal.version().get(),
            self.reject_proposal.version().get(),
            self.propose_key.version().get(),
            self.accept_key.version().get(),
            self.reject_key.version().get(),
            self.remove_key.version().get(),
        ]
    }

    /// Updates the banners of the frame as soon as evaluation was disabled or enabled, or a safeguard changed.
    fn refresh_frame(self) {
        let live = use_live();
        Effect::new(move |_| {
            let switched = self.disable.version().get() + self.enable.version().get();
            let saved = self.save.version().get() + self.save_watch.version().get() + self.save_sign_in.version().get();
            let saved = saved + self.save_approvals.version().get();
            if switched + saved + self.accept_proposal.version().get() > 0 {
                live.refresh();
            }
        });
    }
}

/// Reports in a toast that settings were saved, or that a part of them waits for a safety owner.
fn announce_saved<F>(action: ServerAction<F>, message: &'static str)
where
    F: ServerFn<Output = Saved, Error = AppError> + Clone + Send + Sync + 'static,
{
    let toasts = use_toasts();
    Effect::new(move |_| match &*action.value().read() {
        Some(Ok(Saved { proposed: true })) => {
            toasts.note("Proposed: a safety owner has to accept what weakens a safeguard")
        }
        Some(Ok(Saved { proposed: false })) => toasts.good(message),
        _ => {}
    });
}

/// Reports success in a toast. The form itself shows errors.
fn announce<F>(action: ServerAction<F>, message: &'static str)
where
    F: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    F::Output: Clone + Send + Sync + 'static,
{
    let toasts = use_toasts();
    Effect::new(move |_| {
        if matches!(&*action.value().read(), Some(Ok(_))) {
            toasts.good(message);
        }
    });
}
