//! People: inviting them, signing in, passwords, roles and access.

mod access;
mod everywhere;
mod host;
mod invite;
mod password;
mod queries;
pub(super) mod roles;
pub(super) mod row;
mod sign_in;

pub use super::own_password::{confirm_session, is_confirmed};
pub use access::{Disabled, set_enabled};
pub use everywhere::{SignedOut, sign_out_everywhere};
pub use host::{add, set_password};
pub use invite::{Invited, NewPerson, invite};
pub use password::{Reset, change_password, redeem, reset};
pub use queries::{by_email, by_id, get, list};
pub use roles::{RolesSet, accept_roles, proposals, reject_roles, set_roles};
pub use sign_in::{SignedIn, sign_in, sign_in_to_demo, sign_out};
