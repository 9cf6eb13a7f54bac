//! Who may do what: one pure table for the UI, the API, the command line and the workers.

pub mod actor;
pub mod permission;
pub mod person;
pub mod role;

pub use actor::{Actor, Denied, Permit, Via, authorize, same_person};
pub use permission::Permission;
pub use person::{Person, Token};
pub use role::{Role, Roles};
