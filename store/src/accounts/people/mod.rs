//! People: signing in, roles and access.

mod edit;
mod queries;
mod row;
mod sign_in;
mod standing;

pub use edit::{add, set_enabled, set_password, set_roles};
pub use queries::{by_email, by_id, list};
pub use sign_in::{sign_in, sign_out};
pub(crate) use standing::standing;
