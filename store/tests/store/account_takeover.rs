//! Nobody takes another person's account, or its powers, alone and unseen.

use lifecycle::{
    audit::EventType,
    authority::{Actor, GroupRoles, Role, Roles, Via},
    problem::{Code, Problem},
};
use store::{
    Store, announcements, home,
    links::Delivery,
    people::{self, NewPerson},
    sessions, settings, testing,
    tokens::{self, NewOwnToken},
};
use tower_sessions::session::Id;

use crate::{
    fixtures::*,
    people::{HERE, entries},
};

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

fn own(role: Role) -> NewOwnToken {
    NewOwnToken { name: "ci".into(), roles: [role].into(), expires_in_days: None, password: Some(PASSWORD.into()) }
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
    let ben = people::redeem(&store, &again.link.code, "words of my own").await.unwrap().person;
    let refused = people::accept_roles(&store, &ben.actor(Via::Session), 0).await;
    assert!(ben.signs_from.is_some() && refused.is_err());

    let first = people::invite(&store, &boss, &invitation("eve@x", Role::Viewer), Delivery::HandOver).await.unwrap();
    let eve = people::redeem(&store, &first.link.code, "words of my own").await.unwrap().person;
    assert!(eve.signs_from.is_some(), "the roles may come before the day is over");
    let mailed = people::invite(&store, &boss, &invitation("amy@x", Role::Approver), Delivery::Mail).await.unwrap();
    let amy = people::redeem(&store, &mailed.link.code, "words of my own").await.unwrap().person;
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
    let replaced = entries(&store, EventType::RolesRejected).await;
    assert_eq!((replaced[0].actor.as_str(), &replaced[0].detail["decision"]), ("other@x", &"replaced".into()));
    people::accept_roles(&store, &sue, roles.id).await.unwrap();
    weaken(&other, 0.6).await.unwrap();
    let replaced = &entries(&store, EventType::ProposalRejected).await[0];
    assert_eq!((replaced.actor.as_str(), &replaced.detail["proposed_by"]), ("other@x", &"mallory@x".into()));
    assert_eq!(replaced.detail["decision"], "superseded");
}

#[tokio::test]
async fn roles_that_one_person_gives_to_groups_are_announced() {
    let store = testing::store_without_people().await;
    let boss = add(&store, "boss@x", &[Role::Admin]).await;
    let sue = add(&store, "sue@x", &[Role::SafetyOwner]).await;
    let row = |group: &str, roles: &[Role]| GroupRoles { group: group.into(), roles: roles.iter().copied().collect() };
    let table = vec![row("leads", &[Role::Approver, Role::Viewer]), row("all", &[Role::Viewer])];
    settings::set_groups(&store, &boss, table.clone()).await.unwrap();
    settings::set_groups(&store, &boss, table.clone()).await.unwrap();
    let shown = home::overview(&store, &sue).await.unwrap().announcements;
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert!(shown[0].what.contains("leads the role approver") && !shown[0].what.contains("viewer"), "{shown:?}");
    let mailed = announcements::take_unmailed(&store).await.unwrap();
    let groups = mailed.iter().find(|one| one.what.contains("leads")).unwrap();
    assert_eq!((&groups.person, &groups.safety_owners[..]), (&None, &["sue@x".to_owned()][..]));
    // With two safety owners nothing is given alone, so nothing is announced.
    add(&store, "sam@x", &[Role::SafetyOwner]).await;
    settings::set_groups(&store, &boss, vec![row("leads", &[Role::Approver, Role::Admin])]).await.unwrap();
    let after = home::overview(&store, &sue).await.unwrap().announcements;
    assert_eq!(after.iter().filter(|one| one.what.contains("the group leads")).count(), 1, "{after:?}");
}

#[tokio::test]
async fn enabling_a_person_gives_no_power_back_alone() {
    let (store, boss, sue, _) = with_two_safety_owners().await;
    add(&store, "cat@x", &[Role::Author, Role::Approver]).await;
    people::set_enabled(&store, &boss, "cat@x", false).await.unwrap();
    let enabled = people::set_enabled(&store, &boss, "cat@x", true).await.unwrap();
    assert_eq!(enabled.user.roles, [Role::Author].into());
    let proposal = enabled.proposal.unwrap();
    assert_eq!(proposal.roles, [Role::Approver].into());
    let again = people::set_enabled(&store, &boss, "cat@x", true).await.unwrap();
    assert!(again.proposal.is_none(), "enabled already");
    let cat = people::accept_roles(&store, &sue, proposal.id).await.unwrap();
    assert_eq!(cat.roles, [Role::Author, Role::Approver].into());
    people::set_enabled(&store, &host(), "cat@x", false).await.unwrap();
    let on_host = people::set_enabled(&store, &host(), "cat@x", true).await.unwrap();
    assert_eq!(on_host.user.roles, cat.roles, "the command line of the host is direct");
}

#[tokio::test]
async fn what_one_person_did_to_an_account_is_announced_until_it_is_acknowledged() {
    let store = testing::store_without_people().await;
    let boss = add(&store, "boss@x", &[Role::Admin]).await;
    let sue = add(&store, "sue@x", &[Role::SafetyOwner]).await;
    let shown = async |who: &Actor| -> Vec<String> {
        let all = home::overview(&store, who).await.unwrap().announcements;
        all.into_iter().map(|one| one.what).collect()
    };
    assert!(shown(&sue).await.is_empty(), "what was before her is not hers");
    people::set_roles(&store, &boss, "boss@x", [Role::Admin, Role::Approver].into()).await.unwrap();
    people::invite(&store, &boss, &invitation("ben@x", Role::Viewer), Delivery::HandOver).await.unwrap();
    people::reset(&store, &boss, "sue@x", Delivery::HandOver).await.unwrap();
    people::set_password(&store, &host(), "boss@x", "another password").await.unwrap();
    let mut token = own(Role::Admin);
    token.password = None;
    tokens::create_on_host(&store, &host(), "boss@x", token).await.unwrap();
    people::reset(&store, &boss, "ben@x", Delivery::Mail).await.unwrap();
    let all = shown(&sue).await;
    for (what, part) in all.iter().zip(["role approver", "ben@x", "sue@x", "new password", "token that acts"]) {
        assert!(what.contains(part), "{what}");
    }
    assert_eq!(all.len(), 5, "{all:?}");
    assert!(shown(&boss).await.is_empty());

    // Each is mailed once, to the safety owners and to the account's own person.
    let mailed = announcements::take_unmailed(&store).await.unwrap();
    let of = |part: &str| mailed.iter().find(|one| one.what.contains(part)).unwrap();
    assert_eq!(
        (of("new password").person.as_deref(), &*of("new password").safety_owners),
        (Some("boss@x"), &["sue@x".to_owned()][..])
    );
    assert_eq!(
        (of("sessions, tokens").person.as_deref(), of("sessions, tokens").safety_owners.len()),
        (Some("sue@x"), 0)
    );
    assert!(announcements::take_unmailed(&store).await.unwrap().is_empty());

    let id = home::overview(&store, &sue).await.unwrap().announcements[0].id;
    let barred = people::by_email(&store, "sue@x").await.unwrap().unwrap().actor(Via::Session);
    assert!(announcements::acknowledge(&store, &barred, id).await.is_err(), "who has her account acknowledges nothing");
    announcements::acknowledge(&store, &sue, id).await.unwrap();
    announcements::acknowledge(&store, &sue, id).await.unwrap();
    assert_eq!(shown(&sue).await.len(), 4);
    assert_eq!(entries(&store, EventType::AnnouncementAcknowledged).await.len(), 1);
    let changed = sqlx::query("update announcements set what = 'nothing'").execute(store.pool()).await;
    assert!(changed.is_err(), "what happened stays");
}

#[tokio::test]
async fn a_session_alone_makes_no_token() {
    let store = testing::store_without_people().await;
    let ann = add(&store, "ann@x", &[Role::Author]).await;
    for password in [None, Some(String::new()), Some("a bad password".to_owned())] {
        let new = NewOwnToken { password, ..own(Role::Author) };
        let problem = Problem::from(tokens::create_own(&store, &ann, HERE, new).await.unwrap_err());
        assert_eq!((problem.code, problem.errors[0].pointer.as_str()), (Code::InvalidField, "/password"));
    }
    let long = NewOwnToken { expires_in_days: Some(366), ..own(Role::Author) };
    assert_eq!(code(tokens::create_own(&store, &ann, HERE, long).await.unwrap_err()), Code::InvalidField);
    tokens::create_own(&store, &ann, HERE, own(Role::Author)).await.unwrap();
}

#[tokio::test]
async fn tokens_end_with_what_they_were_made_with() {
    let store = testing::store_without_people().await;
    let ann = add(&store, "ann@x", &[Role::Author]).await;
    let works = async |plain: &str| tokens::authenticate(&store, plain).await.unwrap();
    let (first, plain) = tokens::create_own(&store, &ann, HERE, own(Role::Author)).await.unwrap();
    let (_, second) =
        tokens::create_own(&store, &works(&plain).await.unwrap().actor, HERE, own(Role::Author)).await.unwrap();
    let (_, third) =
        tokens::create_own(&store, &works(&second).await.unwrap().actor, HERE, own(Role::Author)).await.unwrap();
    let (_, apart) = tokens::create_own(&store, &ann, HERE, own(Role::Author)).await.unwrap();
    tokens::revoke_own(&store, &ann, first.id).await.unwrap();
    assert!(works(&second).await.is_none() && works(&third).await.is_none(), "made with it, and with that");
    assert!(works(&apart).await.is_some());
    let ended = people::sign_out_everywhere(&store, &ann).await.unwrap();
    assert_eq!((ended.revoked_tokens.len(), works(&apart).await), (1, None), "signed out everywhere");

    let (_, last) = tokens::create_own(&store, &ann, HERE, own(Role::Author)).await.unwrap();
    let link = people::reset(&store, &admin(), "ann@x", Delivery::Mail).await.unwrap().link;
    assert!(works(&last).await.is_some());
    people::redeem(&store, &link.code, "words of my own").await.unwrap();
    assert!(works(&last).await.is_none(), "a new password");
}

#[tokio::test]
async fn a_sign_in_in_flight_does_not_survive_what_ends_sessions() {
    let store = testing::store_without_people().await;
    add(&store, "ann@x", &[Role::Author]).await;
    let sign_in = async |password| people::sign_in(&store, "ann@x", password, HERE).await.unwrap().unwrap();
    let alive = async |id: Id| sessions::authenticate(&store, &id, "", true).await.unwrap();
    let ann = sign_in(PASSWORD).await;
    let holder = alive(take_up(&store, &ann).await).await.unwrap();
    let entry = &entries(&store, EventType::SignedIn).await[0];
    assert_eq!(entry.credential, holder.actor.credential(), "the entry names the session");
    assert!(entry.credential.is_some());

    let in_flight = sign_in(PASSWORD).await;
    people::set_enabled(&store, &admin(), "ann@x", false).await.unwrap();
    people::set_enabled(&store, &admin(), "ann@x", true).await.unwrap();
    assert!(alive(take_up(&store, &in_flight).await).await.is_none(), "disabled meanwhile");

    let in_flight = sign_in(PASSWORD).await;
    people::set_password(&store, &host(), "ann@x", "another password").await.unwrap();
    assert!(alive(take_up(&store, &in_flight).await).await.is_none(), "another password");

    let link = people::reset(&store, &admin(), "ann@x", Delivery::Mail).await.unwrap().link;
    let joined = people::redeem(&store, &link.code, "words of my own").await.unwrap();
    let holder = alive(take_up(&store, &joined).await).await.unwrap();
    let entry = &entries(&store, EventType::PasswordChanged).await[0];
    assert_eq!(entry.credential, holder.actor.credential());
    let demo = people::sign_in_to_demo(&store, "ann@x", HERE).await.unwrap().unwrap();
    assert!(alive(take_up(&store, &demo).await).await.is_some());
    assert_eq!(entries(&store, EventType::SignedIn).await[0].detail["demo"], true);
}

#[tokio::test]
async fn a_person_without_a_role_learns_why_and_signs_out() {
    let store = testing::store_without_people().await;
    let ann = add(&store, "ann@x", &[]).await;
    let problem = Problem::from(people::sign_in(&store, "ann@x", PASSWORD, HERE).await.unwrap_err());
    assert_eq!(problem.code, Code::Forbidden);
    assert!(problem.detail.contains("no role yet"), "{}", problem.detail);
    assert_eq!(people::sign_in(&store, "ann@x", "a bad password", HERE).await.unwrap(), None);
    people::sign_out(&store, &ann).await.unwrap();
}

#[tokio::test]
async fn throttled_sign_ins_count_and_typed_secrets_are_not_kept() {
    let store = testing::store_without_people().await;
    add(&store, "ann@x", &[Role::Author]).await;
    for _ in 0..7 {
        let _ = people::sign_in(&store, "my secret password", "x", HERE).await;
    }
    assert_eq!(store.refusals().sign_ins(), 7, "those that had to wait, too");
    store::audit_refusals(&store).await.unwrap();
    let failed = &entries(&store, EventType::SignInFailed).await[0];
    assert_eq!(failed.detail["count"], 7);
    assert!(!failed.detail.to_string().contains("secret"), "{}", failed.detail);
}

/// Signing in, disabling, handing over, redeeming, revoking and signing out lock in one order: none of them ever waits for
/// another for ever, and once the account is disabled nothing of it lives.
#[tokio::test]
async fn what_begins_and_what_ends_access_never_wait_for_each_other() {
    let store = testing::store_without_people().await;
    let boss = add(&store, "boss@x", &[Role::Admin]).await;
    let ann = add(&store, "ann@x", &[Role::Author]).await;
    for round in 0..6 {
        people::set_enabled(&store, &host(), "ann@x", true).await.unwrap();
        people::set_password(&store, &host(), "ann@x", PASSWORD).await.unwrap();
        let link = people::reset(&store, &boss, "ann@x", Delivery::Mail).await.unwrap().link;
        let (token, _) = tokens::create_on_host(&store, &host(), "ann@x", own(Role::Author)).await.unwrap();
        let in_flight = people::sign_in_to_demo(&store, "ann@x", HERE).await.unwrap().unwrap();
        let results = tokio::join!(
            async { people::sign_in(&store, "ann@x", PASSWORD, &format!("10.0.1.{round}")).await.map(drop) },
            async { people::redeem(&store, &link.code, "words of my own").await.map(drop) },
            async { people::sign_out_everywhere(&store, &ann).await.map(drop) },
            async { tokens::revoke(&store, &boss, token.id).await.map(drop) },
            async { people::reset(&store, &boss, "ann@x", Delivery::HandOver).await.map(drop) },
            async { people::set_roles(&store, &boss, "ann@x", [Role::Author].into()).await.map(drop) },
            async { people::set_enabled(&store, &boss, "ann@x", false).await.map(drop) },
        );
        let (a, b, c, d, e, f, g) = results;
        for refused in [a, b, c, d, e, f, g].into_iter().filter_map(Result::err) {
            let problem = Problem::from(refused);
            assert!(!matches!(problem.code, Code::Internal | Code::Unavailable), "{problem:?}");
        }
        let id = take_up(&store, &in_flight).await;
        assert_eq!(sessions::authenticate(&store, &id, "", true).await.unwrap(), None);
        let left: i64 = sqlx::query_scalar(
            "select (select count(*) from sessions where person_id is not null)
                 + (select count(*) from api_tokens where revoked_at is null)",
        )
        .fetch_one(store.pool())
        .await
        .unwrap();
        assert_eq!(left, 0, "a disabled account has no way in");
    }
}

#[tokio::test]
async fn a_token_in_the_making_ends_with_its_session() {
    let store = testing::store_without_people().await;
    add(&store, "ann@x", &[Role::Author]).await;
    let record = session(&store, "ann@x").await;
    let ann = sessions::authenticate(&store, &record, "", true).await.unwrap().unwrap().actor;
    people::sign_out_everywhere(&store, &ann).await.unwrap();
    // The request was let in before.
    assert_eq!(
        code(tokens::create_own(&store, &ann, HERE, own(Role::Author)).await.unwrap_err()),
        Code::Unauthenticated
    );
}
