//! Who may do what: one pure table for the pages, the API, the command line and the background jobs.

pub mod actor;
pub mod held_roles;
pub mod permission;
pub mod person;
pub mod role;

pub use actor::{Actor, Denied, Permit, Via, authorize, same_person};
pub use held_roles::HeldRoles;
pub use permission::Permission;
pub use person::{Person, Token};
pub use role::{Role, Roles};
