//! Which failed guardrails are overridden: those whose exception has both signatures, and whose signers still hold their
//! roles.

use super::{Exception, Quorum, guardrails::GuardrailName, may_act};
use crate::authority::{Role, same_person};

/// Both roles must sign, and the signers must be two people.
const ROLES: [Role; 2] = [Role::SafetyOwner, Role::RuntimeOwner];

/// The guardrails that are overridden: signed by two people who hold the two roles between them now, and neither wrote nor
/// submitted the bundle.
pub fn overridden(quorum: &Quorum<'_>, exceptions: &[Exception]) -> Vec<GuardrailName> {
    let counts = |exception: &&Exception| may_act(quorum.authors, quorum.built_by, &exception.actor).is_ok();
    let counting: Vec<(&Exception, Vec<Role>)> = exceptions
        .iter()
        .filter(counts)
        .map(|exception| (exception, quorum.standing.held(&exception.actor, &exception.roles)))
        .collect();
    let [safety, runtime] = ROLES;
    let by = |guardrail: GuardrailName, role: Role| {
        let signed = counting.iter().filter(move |(given, held)| given.guardrail == guardrail && held.contains(&role));
        signed.map(|(given, _)| given.actor.as_str())
    };
    GuardrailName::ALL
        .into_iter()
        .filter(|name| by(*name, safety).any(|one| by(*name, runtime).any(|other| !same_person(one, other))))
        .collect()
}

#[cfg(test)]
mod tests {
    use policy::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        authority::{Actor, HeldRoles, Roles, Via},
        review::exception::sign_exception,
        signing::{Key, KeyRing},
    };

    fn signed(name: &str, roles: &[Role], given: &[Exception]) -> Option<Exception> {
        let keys = KeyRing { current: Key::new("k", "secret"), previous: Vec::new() };
        let who = Actor { name: name.into(), roles: roles.iter().copied().collect(), via: Via::Session };
        let by = (&who, "The margin is known to dip in December");
        sign_exception("pktv1:00", GuardrailName::MarginDelta, by, given, Timestamp::EPOCH, &keys).ok()
    }

    proptest! {
        /// Compared with a direct implementation over pairs of people.
        #[test]
        fn two_people_with_the_two_roles_override(
            rows in prop::collection::vec((0_usize..5, prop::sample::subsequence(ROLES.to_vec(), 1..=2)), 0..6),
            held in prop::collection::vec(prop::sample::subsequence(ROLES.to_vec(), 0..=2), 5),
        ) {
            let names = ["ann", "bob", "cy", "dee", "sue"];
            let mut given: Vec<Exception> = Vec::new();
            for (who, roles) in &rows {
                given.extend(signed(names[*who], roles, &given));
            }
            let roles = |at: usize| held[at].iter().copied().collect::<Roles>();
            let standing = HeldRoles::of((0..5).map(|at| (names[at].to_owned(), roles(at))));
            let authors = ["ann".to_owned()];
            let quorum = Quorum { required: 2, authors: &authors, built_by: "bob", standing: &standing };
            let counts = |who: usize, role: Role| {
                who > 1 && held[who].contains(&role) && rows.iter().any(|(at, roles)| *at == who && roles.contains(&role))
            };
            let expected = (2..5).any(|one| (2..5).any(|other| {
                one != other && counts(one, Role::SafetyOwner) && counts(other, Role::RuntimeOwner)
            }));
            let names = overridden(&quorum, &given);
            prop_assert_eq!(names, if expected { vec![GuardrailName::MarginDelta] } else { Vec::new() });
        }
    }
}
