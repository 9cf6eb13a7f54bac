//! The actor, and the permit that a write needs.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Pass, Permission, Roles};

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
    /// The token or session the actor came with, and its limits.
    #[serde(default)]
    pub pass: Pass,
}

impl Actor {
    /// An actor that came without a credential.
    pub fn new(name: impl Into<String>, roles: Roles, via: Via) -> Self {
        Self { name: name.into(), roles, via, pass: Pass::default() }
    }

    /// The token or session the actor came with, as records name it.
    pub fn credential(&self) -> Option<String> {
        self.pass.credential.map(String::from)
    }

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

/// The actor's roles do not include the permission, or the actor signs nothing for a while.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{actor}` may not {}", .permission.describe())]
pub struct Denied {
    /// The actor.
    pub actor: String,
    /// The missing permission.
    pub permission: Permission,
    /// When the actor may sign again, if only that is in the way.
    pub signs_from: Option<Timestamp>,
}

/// The one place where access is decided.
///
/// # Errors
/// [`Denied`] when none of the actor's roles has the permission, and for what is signed while the actor signs nothing.
pub fn authorize(actor: &Actor, permission: Permission) -> Result<Permit, Denied> {
    let held = actor.may(permission);
    let signs_from = actor.pass.signs_from.filter(|_| held && permission.signs());
    if held && signs_from.is_none() {
        Ok(Permit { actor: actor.clone() })
    } else {
        Err(Denied { actor: actor.name.clone(), permission, signs_from })
    }
}

/// Whether the actor may propose what another person then countersigns: a proposal is the first of two signatures.
///
/// # Errors
/// [`Denied`] while the actor signs nothing.
pub fn may_propose(actor: &Actor) -> Result<(), Denied> {
    match actor.pass.signs_from {
        None => Ok(()),
        signs_from => Err(Denied { actor: actor.name.clone(), permission: Permission::Administer, signs_from }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::Role;

    /// The table of the contract, written a second time on purpose: role by permission.
    const TABLE: [(Permission, [u8; 8]); 15] = [
        (Permission::Read, [1, 1, 1, 1, 1, 1, 1, 0]),
        (Permission::EditDrafts, [1, 1, 0, 1, 0, 0, 0, 0]),
        (Permission::BuildPackets, [1, 1, 0, 1, 0, 0, 0, 0]),
        (Permission::ActOnPackets, [0, 1, 1, 1, 1, 0, 0, 0]),
        (Permission::ReadApprovals, [1, 1, 1, 1, 1, 1, 1, 1]),
        (Permission::DecideApprovals, [0, 1, 1, 1, 1, 0, 0, 0]),
        (Permission::SignExceptions, [0, 0, 0, 1, 1, 0, 0, 0]),
        (Permission::Apply, [0, 0, 0, 1, 0, 0, 0, 0]),
        (Permission::RollBack, [0, 0, 0, 1, 1, 0, 0, 0]),
        (Permission::Pause, [0, 0, 0, 1, 1, 0, 0, 0]),
        (Permission::HandleIncidents, [1, 1, 1, 1, 1, 0, 0, 0]),
        (Permission::DisableEvaluation, [0, 0, 0, 0, 0, 1, 0, 0]),
        (Permission::Administer, [0, 0, 0, 0, 0, 1, 0, 0]),
        (Permission::Countersign, [0, 0, 0, 0, 1, 0, 0, 0]),
        (Permission::Evaluate, [0, 0, 0, 0, 0, 0, 0, 1]),
    ];

    fn actor(roles: impl IntoIterator<Item = Role>) -> Actor {
        Actor::new("ada@example.com", roles.into_iter().collect(), Via::Session)
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
    fn people_who_sign_nothing_yet_keep_what_needs_no_signature() {
        let everyone = actor(Role::ALL.iter().copied());
        let until = Timestamp::from_unix_seconds(9);
        let barred = Actor { pass: Pass { signs_from: Some(until), ..Pass::default() }, ..everyone };
        for permission in Permission::ALL.iter().copied() {
            let refused = authorize(&barred, permission).err();
            assert_eq!(refused.is_some(), permission.signs(), "{permission}");
            assert!(refused.is_none_or(|denied| denied.signs_from == Some(until)));
        }
        let viewer = Actor { roles: [Role::Viewer].into(), ..barred };
        assert_eq!(authorize(&viewer, Permission::Apply).unwrap_err().signs_from, None, "the role is what is missing");
    }

    #[test]
    fn several_roles_add_up() {
        let both = actor([Role::Author, Role::Approver]);
        assert!(both.may(Permission::EditDrafts) && both.may(Permission::ActOnPackets));
        assert!(!both.may(Permission::Apply));
    }
}
