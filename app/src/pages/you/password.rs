//! Changing one's own password.

use leptos::prelude::*;

use crate::{
    api::me::ChangePassword,
    components::{Button, ButtonKind, FormError, TextInput},
};

/// The form. It works without scripts.
#[component]
pub(super) fn Password(action: ServerAction<ChangePassword>) -> impl IntoView {
    view! {
        <ActionForm action=action>
            <div class="form">
                <FormError action=action />
                <TextInput
                    label="Old password"
                    name="old_password"
                    kind="password"
                    required=true
                    autocomplete="current-password"
                />
                <TextInput
                    label="New password"
                    name="new_password"
                    kind="password"
                    required=true
                    autocomplete="new-password"
                    hint="At least ten characters; several words are best. Your other sessions end."
                />
                <div class="form-foot">
                    <Button kind=ButtonKind::Primary submit=true pending=action.pending()>
                        "Change password"
                    </Button>
                </div>
            </div>
        </ActionForm>
    }
}
