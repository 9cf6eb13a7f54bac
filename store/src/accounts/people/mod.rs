//! People: inviting them, signing in, passwords, roles and access.

mod access;
mod host;
mod invite;
mod password;
mod queries;
pub(super) mod roles;
pub(super) mod row;
mod sign_in;

pub use access::{Disabled, set_enabled};
pub use host::{add, set_password};
pub use invite::{Invited, NewPerson, invite};
pub use password::{Reset, change_password, redeem, reset};
pub use queries::{by_email, by_id, get, list, safety_owners};
pub use roles::{RolesSet, accept_roles, proposals, reject_roles, set_roles};
pub use sign_in::{password_counts, sign_in, sign_out};
