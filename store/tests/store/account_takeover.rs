//! Nobody takes another person's account, or its powers, alone and unseen.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Role, Roles, Via},
    problem::{Code, Problem},
};
use store::{
    Store,
    links::Delivery,
    people::{self, NewPerson},
    settings, testing,
};

use crate::{fixtures::*, people::entries};

const PASSWORD: &str = "a good password";

async fn add(store: &Store, email: &str, roles: &[Role]) -> Actor {
    let roles: Roles = roles.iter().copied().collect();
    people::add(store, &host(), email, email, roles, PASSWORD).await.unwrap().actor(Via::Session)
}

/// An administrator and two safety owners.
async fn with_two_safety_owners() -> (Store, Actor, Actor, Actor) {
    let store = testing::store_without_people().await;
    let boss = add(&store, "boss@x", &[Role::Admin]).await;
    let sue = add(&store, "sue@x", &[Role::SafetyOwner]).await;
    let sam = add(&store, "sam@x", &[Role::SafetyOwner]).await;
    (store, boss, sue, sam)
}

fn invitation(email: &str, role: Role) -> NewPerson {
    NewPerson { email: email.into(), name: "Ben".into(), roles: [role].into() }
}

#[tokio::test]
async fn every_role_that_signs_needs_a_second_person() {
    let (store, boss, ..) = with_two_safety_owners().await;
    for role in [Role::RevenueOps, Role::Approver, Role::RuntimeOwner, Role::SafetyOwner, Role::Admin] {
        let new = invitation(&format!("{role}@x"), role);
        let invited = people::invite(&store, &boss, &new, Delivery::HandOver).await.unwrap();
        assert!(invited.person.roles.is_empty(), "{role}");
        assert_eq!(invited.proposal.unwrap().roles, [role].into());
    }
}

#[tokio::test]
async fn an_invitation_that_was_handed_over_bars_signing_like_a_new_password() {
    let store = testing::store_without_people().await;
    let boss = add(&store, "boss@x", &[Role::Admin]).await;
    let new = invitation("ben@x", Role::RevenueOps);
    let invited = people::invite(&store, &boss, &new, Delivery::HandOver).await.unwrap();
    assert_eq!(invited.person.roles, [Role::RevenueOps].into(), "nobody could countersign");
    // Invited again, although the account already has a role that signs.
    let again = people::reset(&store, &boss, "ben@x", Delivery::HandOver).await.unwrap();
    assert!(again.person.signs_from.is_some());
    assert_eq!(entries(&store, EventType::ResetHandedOver).await.len(), 1);
    let ben = people::redeem(&store, &again.link.code, "words of my own").await.unwrap();
    let refused = people::accept_roles(&store, &ben.actor(Via::Session), 0).await;
    assert!(ben.signs_from.is_some() && refused.is_err());

    let first = people::invite(&store, &boss, &invitation("eve@x", Role::Viewer), Delivery::HandOver).await.unwrap();
    let eve = people::redeem(&store, &first.link.code, "words of my own").await.unwrap();
    assert!(eve.signs_from.is_some(), "the roles may come before the day is over");
    let mailed = people::invite(&store, &boss, &invitation("amy@x", Role::Approver), Delivery::Mail).await.unwrap();
    let amy = people::redeem(&store, &mailed.link.code, "words of my own").await.unwrap();
    assert!(amy.signs_from.is_none(), "only she had the link");
}

#[tokio::test]
async fn a_proposal_counts_only_while_its_proposer_could_make_it() {
    let (store, boss, sue, _) = with_two_safety_owners().await;
    let mallory = add(&store, "mallory@x", &[Role::Admin]).await;
    add(&store, "ben@x", &[Role::Viewer]).await;
    let propose = async |by: &Actor| people::set_roles(&store, by, "ben@x", [Role::Approver].into()).await;
    let weaken = async |by: &Actor, rate: f64| {
        settings::change(&store, by, |settings| settings.gates.max_error_rate = rate).await
    };
    // Handed over after it proposed, the account may not have proposed it.
    let roles = propose(&mallory).await.unwrap().proposal.unwrap();
    let gate = weaken(&mallory, 0.5).await.unwrap().proposal.unwrap();
    people::reset(&store, &boss, "mallory@x", Delivery::HandOver).await.unwrap();
    assert_eq!(code(people::accept_roles(&store, &sue, roles.id).await.unwrap_err()), Code::Conflict);
    assert_eq!(code(settings::accept(&store, &sue, gate.id).await.unwrap_err()), Code::Conflict);

    // While barred, it proposes nothing.
    let barred = people::by_email(&store, "mallory@x").await.unwrap().unwrap().actor(Via::Session);
    for refused in [propose(&barred).await.err(), weaken(&barred, 0.6).await.err()] {
        assert!(Problem::from(refused.unwrap()).extra.contains_key("signs_from"));
    }
    // Nor does what it proposed count once it is disabled, or no administrator any more.
    let roles = propose(&boss).await.unwrap().proposal.unwrap();
    let other = add(&store, "other@x", &[Role::Admin]).await;
    people::set_enabled(&store, &other, "boss@x", false).await.unwrap();
    assert_eq!(code(people::accept_roles(&store, &sue, roles.id).await.unwrap_err()), Code::Conflict);
    let roles = propose(&other).await.unwrap().proposal.unwrap();
    people::accept_roles(&store, &sue, roles.id).await.unwrap();
}
