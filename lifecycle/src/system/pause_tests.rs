use proptest::prelude::*;

use super::*;
use crate::{
    authority::Via,
    metrics::{GateConfig, RecentDecisions},
    signing::Key,
    system::TriggerMetric,
};

fn keys() -> KeyRing {
    KeyRing { current: Key::new("k", "secret"), previous: Vec::new() }
}

fn person(name: &str, roles: &[Role]) -> Actor {
    Actor { name: name.into(), roles: roles.iter().copied().collect(), via: Via::Session }
}

fn pause(triggers: &[&str]) -> Pause {
    Pause {
        reason: "margins fall".into(),
        ticket: Some("INC-2026-0001".into()),
        by: "sue@example.com".into(),
        since: Timestamp::from_unix_seconds(1_000),
        trigger_metrics: triggers.iter().map(|name| (*name).to_owned()).collect(),
        release_signatures: Vec::new(),
    }
}

/// Those who have signed still hold the roles that they signed with.
fn signed(pause: &Pause, who: &Actor, readings: &[TriggerReading]) -> Result<Signed, ReleaseRefused> {
    let held = |given: &ReleaseSignature| (given.by.clone(), given.roles.iter().copied().collect());
    signed_while(&HeldRoles::of(pause.release_signatures.iter().map(held)), pause, who, readings)
}

fn signed_while(
    standing: &HeldRoles,
    pause: &Pause,
    who: &Actor,
    readings: &[TriggerReading],
) -> Result<Signed, ReleaseRefused> {
    let keys = keys();
    let context = Signing { keys: &keys, standing };
    sign_release(pause, who, "put right", readings, Timestamp::from_unix_seconds(2_000), context)
}

/// The pause after a first signature.
fn after_one(pause: &Pause, who: &Actor) -> Pause {
    match signed(pause, who, &[]) {
        Ok(Signed::OneOfTwo(one)) => Pause { release_signatures: vec![one], ..pause.clone() },
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_people_with_the_two_roles_release() {
    let (safety, runtime) = (person("s@x", &[Role::SafetyOwner]), person("r@x", &[Role::RuntimeOwner]));
    for (first, second) in [(&safety, &runtime), (&runtime, &safety)] {
        let one = after_one(&pause(&[]), first);
        assert!(one.still_needed().contains(&first.name), "{}", one.still_needed());
        let Ok(Signed::Released(record)) = signed(&one, second, &[]) else { panic!("not released") };
        assert_eq!(verify(&keys(), &record), Ok(()));
        assert_eq!(
            record.signatures.iter().map(|given| given.by.as_str()).collect::<Vec<_>>(),
            [&first.name, &second.name]
        );
    }
}

#[test]
fn one_person_with_both_roles_signs_once() {
    let both = person("b@x", &[Role::SafetyOwner, Role::RuntimeOwner]);
    let one = after_one(&pause(&[]), &both);
    assert!(matches!(signed(&one, &both, &[]), Err(ReleaseRefused::SignedAlready(_))));
    let shouting = person(" B@X ", &[Role::RuntimeOwner]);
    assert!(matches!(signed(&one, &shouting, &[]), Err(ReleaseRefused::SignedAlready(_))), "another spelling");
    for role in RELEASE_ROLES {
        assert!(matches!(signed(&one, &person("c@x", &[role]), &[]), Ok(Signed::Released(_))), "{role}");
    }
    let two_safety = after_one(&pause(&[]), &person("s@x", &[Role::SafetyOwner]));
    let refused = signed(&two_safety, &person("t@x", &[Role::SafetyOwner]), &[]);
    assert_eq!(refused, Err(ReleaseRefused::RoleTaken("a runtime owner other than s@x".into())));
}

#[test]
fn a_release_needs_words_and_clear_triggers() {
    let safety = person("s@x", &[Role::SafetyOwner]);
    let (keys, standing) = (keys(), HeldRoles::default());
    let context = Signing { keys: &keys, standing: &standing };
    let blank = sign_release(&pause(&[]), &safety, " \n", &[], Timestamp::EPOCH, context);
    assert_eq!(blank, Err(ReleaseRefused::RemediationRequired));
    let unknown = signed(&pause(&["phone calls"]), &safety, &[]);
    assert_eq!(unknown, Err(ReleaseRefused::Unconfirmed(vec!["phone calls".into()])));

    let paused = pause(&["error_rate_5m"]);
    let bad = RecentDecisions { decisions: 100, errors: 6, ..RecentDecisions::default() };
    let reading = TriggerReading::of_decisions(TriggerMetric::ErrorRate, &bad, &GateConfig::default());
    let one = after_one(&paused, &safety);
    let refused = signed(&one, &person("r@x", &[Role::RuntimeOwner]), std::slice::from_ref(&reading)).unwrap_err();
    assert_eq!(refused.to_string(), format!("the trigger is not clear yet: {}", reading.detail));
}

#[test]
fn a_signature_for_another_pause_or_a_forged_one_does_not_count() {
    let safety = person("s@x", &[Role::SafetyOwner]);
    let runtime = person("r@x", &[Role::RuntimeOwner]);
    let one = after_one(&pause(&[]), &safety);
    let later = Pause { since: Timestamp::from_unix_seconds(9_000), ..one.clone() };
    assert!(matches!(signed(&later, &runtime, &[]), Ok(Signed::OneOfTwo(_))));
    let mut forged = one;
    forged.release_signatures[0].by = "another@x".into();
    assert!(matches!(signed(&forged, &runtime, &[]), Ok(Signed::OneOfTwo(_))));
}

#[test]
fn a_signature_counts_while_its_signer_holds_the_role() {
    let (safety, runtime) = (person("s@x", &[Role::SafetyOwner]), person("r@x", &[Role::RuntimeOwner]));
    let one = after_one(&pause(&[]), &safety);
    let later = |roles: &[Role]| HeldRoles::of([("S@x".to_owned(), roles.iter().copied().collect())]);
    let second = |standing: &HeldRoles| signed_while(standing, &one, &runtime, &[]);
    assert!(matches!(second(&later(&[Role::SafetyOwner])), Ok(Signed::Released(_))));
    // The signature of a person who is a viewer by now, or who was disabled, is as if it had not been given.
    for gone in [later(&[Role::Viewer]), HeldRoles::default()] {
        assert!(matches!(second(&gone), Ok(Signed::OneOfTwo(_))));
        assert_eq!(one.clone().as_of(&gone).still_needed(), "a safety owner and a runtime owner");
    }
    // Of two roles signed with, the one that is left counts alone.
    let both = after_one(&pause(&[]), &person("s@x", &[Role::SafetyOwner, Role::RuntimeOwner]));
    let refused = signed_while(&later(&[Role::RuntimeOwner]), &both, &runtime, &[]);
    assert!(matches!(refused, Err(ReleaseRefused::RoleTaken(_))));
}

fn any_signer() -> impl Strategy<Value = Actor> {
    let roles = prop::collection::btree_set(prop::sample::select(Role::ALL.to_vec()), 0..4);
    (0..4_u8, roles).prop_map(|(name, roles)| Actor { name: format!("p{name}@x"), roles, via: Via::Session })
}

proptest! {
    /// For any signers in any order: a release has the signatures of two people who hold the two roles between them,
    /// and nobody's second signature was accepted before.
    #[test]
    fn nobody_releases_alone(signers in prop::collection::vec(any_signer(), 0..12)) {
        let mut paused = pause(&[]);
        for signer in signers {
            match signed(&paused, &signer, &[]) {
                Ok(Signed::OneOfTwo(one)) => {
                    prop_assert!(paused.release_signatures.is_empty());
                    prop_assert!(paused.may_sign(&signer).is_ok());
                    paused.release_signatures.push(one);
                }
                Ok(Signed::Released(record)) => {
                    let [first, second] = record.signatures.as_slice() else { panic!("{record:?}") };
                    prop_assert!(!same_person(&first.by, &second.by));
                    let all: Vec<Role> = first.roles.iter().chain(&second.roles).copied().collect();
                    prop_assert!(RELEASE_ROLES.iter().all(|role| all.contains(role)));
                    prop_assert_eq!(verify(&keys(), &record), Ok(()));
                    return Ok(());
                }
                Err(refused) => prop_assert_eq!(paused.may_sign(&signer), Err(refused)),
            }
        }
    }
}
