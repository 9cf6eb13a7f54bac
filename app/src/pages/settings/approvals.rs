//! Who decides about agents' calls where a rule does not say it, how many, and until when.

use leptos::prelude::*;
use lifecycle::{
    approval::ApprovalSettings,
    authority::{Permission, Role},
};

use super::fields::Number;
use crate::{
    api::approval_settings::SaveApprovals,
    components::{Button, ButtonKind, Checkbox, FormError, RoleBoxes},
};

/// The form; read-only unless `editable`.
#[component]
pub(super) fn Approvals(
    settings: ApprovalSettings,
    editable: bool,
    action: ServerAction<SaveApprovals>,
) -> impl IntoView {
    let locked = Signal::stored(!editable);
    let names = settings.approvers.names();
    let deciding: Vec<Role> = Permission::DecideApprovals.roles().to_vec();
    let checked = deciding.iter().copied().filter(|role| names.iter().any(|name| name == role.name())).collect();
    view! {
        <ActionForm action=action>
            <fieldset class="group">
                <legend>"Approvals"</legend>
                <p class="faint">"Who decides about a call that needs approval, where its rule does not say it."</p>
                <FormError action=action />
                <RoleBoxes roles=deciding.into_iter().collect() checked=checked disabled=locked />
                <div class="group-fields">
                    <Number
                        label="People who have to approve a call"
                        name="quorum"
                        min="1"
                        initial=settings.quorum.to_string()
                        locked=locked
                    />
                    <Number
                        label="A request expires after, seconds"
                        name="expires_in"
                        min="60"
                        initial=settings.expires_in.to_string()
                        locked=locked
                    />
                    <Checkbox
                        label="An agent must say for whom it acts"
                        name="require_on_behalf_of"
                        initial=settings.require_on_behalf_of
                        disabled=locked
                    />
                </div>
                <p class="faint">"Where the rule says that the risk is high, two people have to approve."</p>
            </fieldset>
            {editable
                .then(|| {
                    view! {
                        <div class="form-foot">
                            <Button kind=ButtonKind::Primary submit=true pending=action.pending()>
                                "Save approvals"
                            </Button>
                        </div>
                    }
                })}
        </ActionForm>
    }
}
