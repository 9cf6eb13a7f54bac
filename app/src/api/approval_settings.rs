//! Who decides about calls by default, how many, and until when.

use leptos::prelude::*;
#[cfg(feature = "ssr")]
use lifecycle::{
    approval::settings::{ApprovalSettings, DefaultApprovers},
    authority::{Permission, Role, authorize},
};

use super::workspace::Saved;
#[cfg(feature = "ssr")]
use super::{people::read_roles, workspace::number};
use crate::error::{AppError, Reply};

/// Sets what holds for calls whose rule says nothing else. `expires_in` is in seconds.
///
/// # Errors
/// `forbidden` without the permission to administer; `invalid_field` for values out of range, or without a role.
#[server(prefix = "/api", endpoint = "workspace/save-approvals", output = Reply)]
pub async fn save_approvals(
    #[server(default)] roles: Vec<String>,
    quorum: String,
    expires_in: String,
    #[server(default)] require_on_behalf_of: bool,
) -> Result<Saved, AppError> {
    let (store, actor) = (crate::context::app_context()?.store, crate::context::actor()?);
    authorize(&actor, Permission::Administer).map_err(store::Error::from)?;
    let roles = read_roles(&roles)?;
    let approvals = ApprovalSettings {
        approvers: DefaultApprovers {
            revenue_ops: roles.contains(&Role::RevenueOps),
            approver: roles.contains(&Role::Approver),
            runtime_owner: roles.contains(&Role::RuntimeOwner),
            safety_owner: roles.contains(&Role::SafetyOwner),
        },
        quorum: number("quorum", &quorum)?,
        expires_in: number("expires_in", &expires_in)?,
        require_on_behalf_of,
    };
    let changed = store::settings::change(&store, &actor, |settings| settings.approvals = approvals).await?;
    Ok(Saved { proposed: changed.proposal.is_some() })
}
