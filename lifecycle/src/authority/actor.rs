//! The actor, and the permit that a write needs.

use serde::{Deserialize, Serialize};

use super::{Permission, Roles};

/// How an actor reached the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Via {
    /// A browser session.
    Session,
    /// A bearer token.
    Token,
    /// The command line on the database.
    Cli,
    /// The server's background jobs; `worker` in JSON and SQL.
    #[serde(rename = "worker")]
    #[strum(serialize = "worker")]
    Job,
}

impl Via {
    /// The name used in JSON and SQL.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// An authenticated person or program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The email of a person, even when the person uses a token, or the name of a program. Separation of duties
    /// compares this name.
    pub name: String,
    /// The actor's roles.
    pub roles: Roles,
    /// How the actor reached the service.
    pub via: Via,
}

impl Actor {
    /// Whether any of the actor's roles has `permission`.
    pub fn may(&self, permission: Permission) -> bool {
        permission.roles().iter().any(|role| self.roles.contains(role))
    }
}

/// Whether two names belong to the same person: spellings of an email may differ in case.
pub fn same_person(a: &str, b: &str) -> bool {
    same_name(a) == same_name(b)
}

/// The one spelling of a name that identifies a person.
pub(super) fn same_name(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Proof that the actor holds a permission. Only [`authorize`] creates a permit, and every write requires one.
#[derive(Debug, Clone)]
pub struct Permit {
    actor: Actor,
}

impl Permit {
    /// The authorized actor.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// The actor's roles do not include the permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{actor}` may not {}", .permission.describe())]
pub struct Denied {
    /// The actor.
    pub actor: String,
    /// The missing permission.
    pub permission: Permission,
}

/// The one place where access is decided.
///
/// # Errors
/// [`Denied`] when none of the actor's roles has the permission.
pub fn authorize(actor: &Actor, permission: Permission) -> Result<Permit, Denied> {
    if actor.may(permission) {
        Ok(Permit { actor: actor.clone() })
    } else {
        Err(Denied { actor: actor.name.clone(), permission })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::Role;

    /// The table of the contract, written a second time on purpose: role by permission.
    const TABLE: [(Permission, [u8; 8]); 13] = [
        (Permission::Read, [1, 1, 1, 1, 1, 1, 1, 0]),
        (Permission::EditDrafts, [1, 1, 0, 1, 0, 0, 0, 0]),
        (Permission::BuildPackets, [1, 1, 0, 1, 0, 0, 0, 0]),
        (Permission::ActOnPackets, [0, 1, 1, 1, 1, 0, 0, 0]),
        (Permission::SignExceptions, [0, 0, 0, 1, 1, 0, 0, 0]),
        (Permission::Countersign, [0, 0, 0, 0, 1, 0, 0, 0]),
        (Permission::Apply, [0, 0, 0, 1, 0, 0, 0, 0]),
        (Permission::RollBack, [0, 0, 0, 1, 1, 0, 0, 0]),
        (Permission::Pause, [0, 0, 0, 1, 1, 0, 0, 0]),
        (Permission::HandleIncidents, [1, 1, 1, 1, 1, 0, 0, 0]),
        (Permission::DisableEvaluation, [0, 0, 0, 0, 0, 1, 0, 0]),
        (Permission::Administer, [0, 0, 0, 0, 0, 1, 0, 0]),
        (Permission::Evaluate, [0, 0, 0, 0, 0, 0, 0, 1]),
    ];

    fn actor(roles: impl IntoIterator<Item = Role>) -> Actor {
        Actor { name: "ada@example.com".into(), roles: roles.into_iter().collect(), via: Via::Session }
    }

    #[test]
    fn every_role_has_exactly_the_permissions_of_the_table() {
        assert_eq!(TABLE.map(|(permission, _)| permission), *Permission::ALL);
        for (permission, row) in TABLE {
            for (role, allowed) in Role::ALL.iter().copied().zip(row) {
                let answer = authorize(&actor([role]), permission);
                assert_eq!(answer.is_ok(), allowed == 1, "{role} × {permission}");
            }
            assert!(authorize(&actor([]), permission).is_err(), "nobody × {permission}");
        }
    }

    #[test]
    fn several_roles_add_up() {
        let both = actor([Role::Author, Role::Approver]);
        assert!(both.may(Permission::EditDrafts) && both.may(Permission::ActOnPackets));
        assert!(!both.may(Permission::Apply));
    }
}
