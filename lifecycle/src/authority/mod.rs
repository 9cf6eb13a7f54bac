//! Who may do what: one pure table for the pages, the API, the command line and the background jobs.

pub mod actor;
pub mod groups;
pub mod held_roles;
pub mod identity;
pub mod pass;
pub mod permission;
pub mod person;
pub mod proposal;
pub mod role;

pub use actor::{Actor, Denied, Permit, Via, authorize, may_propose, same_person};
pub use groups::{GroupRoles, GroupTable, RolesByGroups};
pub use held_roles::HeldRoles;
pub use identity::{Identity, SignInRefused};
pub use pass::{AgentScope, Credential, Pass};
pub use permission::Permission;
pub use person::{Announcement, Person, SentLink, Session, Token};
pub use proposal::{MayNotAccept, RoleChange, RoleProposal};
pub use role::{Role, Roles};
