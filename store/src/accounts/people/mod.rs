//! People: signing in, roles and access.

mod edit;
mod held_roles;
mod queries;
mod row;
mod sign_in;

pub use edit::{add, set_enabled, set_password, set_roles};
pub(crate) use held_roles::standing;
pub use queries::{by_email, by_id, list};
pub use sign_in::{sign_in, sign_out};
