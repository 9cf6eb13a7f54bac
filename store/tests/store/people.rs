//! Inviting people, passwords, roles and access.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Credential, Pass, Role, Roles},
    overview::{Countersigned, TaskKind},
    problem::{Code, Problem},
    review::Verdict,
};
use proptest::{prelude::*, sample::subsequence};
use store::{
    Store, audit, home, links,
    links::Delivery,
    packets,
    people::{self, NewPerson},
    rollout, sessions, testing, tokens,
};

use crate::fixtures::*;

pub const HERE: &str = "10.0.0.7";

pub async fn with_ann() -> Store {
    let store = testing::store_without_people().await;
    people::add(&store, &host(), "Ann@Example.com", "Ann", [Role::Author].into(), "a good password").await.unwrap();
    store
}

async fn add(store: &Store, email: &str, roles: &[Role]) -> Actor {
    let roles: Roles = roles.iter().copied().collect();
    let person = people::add(store, &host(), email, email, roles, "a good password").await.unwrap();
    person.actor(lifecycle::authority::Via::Session)
}

pub async fn entries(store: &Store, event: EventType) -> Vec<lifecycle::audit::Entry> {
    let filter = audit::Filter { event_type: Some(event), ..audit::Filter::default() };
    audit::list(store, &admin(), &filter).await.unwrap().items
}

fn invitation(email: &str, roles: &[Role]) -> NewPerson {
    NewPerson { email: email.into(), name: "Ben".into(), roles: roles.iter().copied().collect() }
}

#[tokio::test]
async fn a_taken_email_and_weak_passwords_are_refused() {
    let store = with_ann().await;
    let duplicate =
        people::add(&store, &host(), "ann@example.com", "A", [Role::Viewer].into(), "a good password").await;
    assert_eq!(code(duplicate.unwrap_err()), Code::Conflict);
    for (email, name, password) in
        [("ann", "A", "a good password"), ("b@c", " ", "a good password"), ("b@c", "B", "short")]
    {
        let refused = people::add(&store, &host(), email, name, [Role::Viewer].into(), password).await;
        assert_eq!(code(refused.unwrap_err()), Code::InvalidField);
    }
    let long = invitation(&format!("{}@x.test", "x".repeat(300)), &[Role::Viewer]);
    let refused = people::invite(&store, &admin(), &long, Delivery::HandOver).await.err().unwrap();
    assert_eq!(code(refused), Code::InvalidField);
}

#[tokio::test]
async fn administrators_never_choose_a_password() {
    let store = with_ann().await;
    let refused = people::set_password(&store, &admin(), "ann@example.com", "a chosen password").await;
    assert_eq!(code(refused.unwrap_err()), Code::Forbidden);
    let refused = people::add(&store, &admin(), "b@x.test", "B", [Role::Viewer].into(), "a chosen password").await;
    assert_eq!(code(refused.unwrap_err()), Code::Forbidden);
}

#[tokio::test]
async fn an_invited_person_chooses_the_password_once() {
    let store = with_ann().await;
    let new = invitation("Ben@x.test", &[Role::Author]);
    let invited = people::invite(&store, &admin(), &new, Delivery::HandOver).await.unwrap();
    assert!(!invited.person.has_password);
    assert_eq!(people::sign_in(&store, "ben@x.test", "", HERE).await.unwrap(), None);
    let code_text = invited.link.code.clone();
    let stored: i64 =
        sqlx::query_scalar("select count(*) from account_links where position($1 in code_hash::text) > 0")
            .bind(&code_text)
            .fetch_one(store.pool())
            .await
            .unwrap();
    assert_eq!(stored, 0, "only a hash is stored");

    let open = links::open(&store, &code_text).await.unwrap();
    assert_eq!((open.email.as_str(), open.invitation), ("ben@x.test", true));
    assert_eq!(code(people::redeem(&store, &code_text, "short").await.unwrap_err()), Code::InvalidField);
    let ben = people::redeem(&store, &code_text, "words of my own").await.unwrap().person;
    assert!(ben.has_password && ben.signs_from.is_some(), "anybody may have opened the link");
    assert!(people::sign_in(&store, "ben@x.test", "words of my own", HERE).await.unwrap().is_some());
    for (used, password) in [(code_text.as_str(), "another password"), ("guess", "another password")] {
        assert_eq!(code(people::redeem(&store, used, password).await.unwrap_err()), Code::NotFound);
        assert_eq!(code(links::open(&store, used).await.unwrap_err()), Code::NotFound);
    }
    assert_eq!(entries(&store, EventType::PasswordChanged).await[0].actor, "ben@x.test");
}

#[tokio::test]
async fn links_end_when_they_are_old_replaced_or_their_person_is_disabled() {
    let store = with_ann().await;
    let make = async || people::reset(&store, &admin(), "ann@example.com", Delivery::Mail).await.unwrap().link.code;
    let first = make().await;
    let second = make().await;
    assert_eq!(code(links::open(&store, &first).await.unwrap_err()), Code::NotFound, "replaced");
    sqlx::query("update account_links set expires_at = now() - interval '1 second'")
        .execute(store.pool())
        .await
        .unwrap();
    assert_eq!(code(people::redeem(&store, &second, "words of my own").await.unwrap_err()), Code::NotFound, "old");
    let third = make().await;
    people::set_enabled(&store, &admin(), "ann@example.com", false).await.unwrap();
    people::set_enabled(&store, &admin(), "ann@example.com", true).await.unwrap();
    assert_eq!(code(links::open(&store, &third).await.unwrap_err()), Code::NotFound, "disabled meanwhile");
}

#[tokio::test]
async fn one_link_is_used_once_however_many_try() {
    let store = with_ann().await;
    let link = people::reset(&store, &admin(), "ann@example.com", Delivery::Mail).await.unwrap().link;
    let (one, two) = tokio::join!(
        people::redeem(&store, &link.code, "words of number one"),
        people::redeem(&store, &link.code, "words of number two"),
    );
    assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1, "{one:?} {two:?}");
}

#[tokio::test]
async fn a_new_password_needs_the_old_one_and_ends_other_sessions() {
    let store = with_ann().await;
    let (kept, other) = (session(&store, "ann@example.com").await, session(&store, "ann@example.com").await);
    let holder = sessions::authenticate(&store, &kept, "Firefox", true).await.unwrap().unwrap();
    let change = async |old: &str, new: &str| people::change_password(&store, &holder.actor, HERE, old, new).await;
    assert_eq!(code(change("not my password", "words of my own").await.unwrap_err()), Code::InvalidField);
    assert_eq!(code(change("a good password", "short").await.unwrap_err()), Code::InvalidField);
    change("a good password", "words of my own").await.unwrap();
    assert!(people::sign_in(&store, "ann@example.com", "a good password", HERE).await.unwrap().is_none());
    assert!(people::sign_in(&store, "ann@example.com", "words of my own", HERE).await.unwrap().is_some());
    assert!(sessions::authenticate(&store, &kept, "", true).await.unwrap().is_some());
    assert!(sessions::authenticate(&store, &other, "", true).await.unwrap().is_none());
    for _ in 0..5 {
        assert_eq!(code(change("wrong", "words of my own").await.unwrap_err()), Code::InvalidField);
    }
    assert_eq!(code(change("wrong", "words of my own").await.unwrap_err()), Code::TooManyRequests);
}

#[tokio::test]
async fn a_disabled_person_is_thrown_out_and_their_tokens_are_listed() {
    let store = with_ann().await;
    let ann = people::by_email(&store, "ann@example.com").await.unwrap().unwrap();
    let open = session(&store, "ann@example.com").await;
    let new = tokens::NewOwnToken {
        name: "ci".into(),
        roles: [Role::Author].into(),
        expires_in_days: None,
        password: Some("a good password".into()),
    };
    let actor = ann.actor(lifecycle::authority::Via::Session);
    let (token, plain) = tokens::create_own(&store, &actor, HERE, new).await.unwrap();
    let done = people::set_enabled(&store, &admin(), "ann@example.com", false).await.unwrap();
    assert_eq!(done.ended_sessions, 1);
    assert_eq!(done.revoked_tokens.iter().map(|token| token.id).collect::<Vec<_>>(), [token.id]);
    assert!(sessions::authenticate(&store, &open, "", true).await.unwrap().is_none());
    let done = people::set_enabled(&store, &admin(), "ann@example.com", true).await.unwrap();
    assert!(done.user.enabled && done.revoked_tokens.is_empty());
    assert!(tokens::authenticate(&store, &plain).await.unwrap().is_none(), "revoked tokens do not come back");
}

#[tokio::test]
async fn administrators_who_remove_each_other_leave_one() {
    let store = testing::store_without_people().await;
    let (one, two) = (add(&store, "one@x", &[Role::Admin]).await, add(&store, "two@x", &[Role::Admin]).await);
    let viewer = || Roles::from([Role::Viewer]);
    let (first, second) = tokio::join!(
        people::set_roles(&store, &one, "two@x", viewer()),
        people::set_enabled(&store, &two, "one@x", false),
    );
    let refusals: Vec<Code> = first.err().into_iter().chain(second.err()).map(code).collect();
    assert_eq!(refusals, [Code::Conflict]);
    let left: i64 = sqlx::query_scalar("select count(*) from people where enabled and 'admin' = any(roles)")
        .fetch_one(store.pool())
        .await
        .unwrap();
    assert_eq!(left, 1);
}

#[tokio::test]
async fn new_powers_need_a_safety_owner_once_there_were_two() {
    let store = testing::store_without_people().await;
    let boss = add(&store, "boss@x", &[Role::Admin]).await;
    let sue = add(&store, "sue@x", &[Role::SafetyOwner]).await;
    add(&store, "ben@x", &[Role::Viewer]).await;
    let wanted = || Roles::from([Role::Author, Role::Approver]);
    let direct = people::set_roles(&store, &boss, "ben@x", wanted()).await.unwrap();
    assert!(direct.proposal.is_none(), "with one safety owner it is direct");
    assert_eq!(direct.user.roles, wanted());

    let sam = add(&store, "sam@x", &[Role::SafetyOwner, Role::Admin]).await;
    people::set_roles(&store, &boss, "ben@x", [Role::Viewer].into()).await.unwrap();
    let set = people::set_roles(&store, &boss, "ben@x", wanted()).await.unwrap();
    assert_eq!(set.user.roles, [Role::Author].into(), "harmless roles are given at once");
    let proposal = set.proposal.unwrap();
    assert_eq!(proposal.roles, [Role::Approver].into());

    // Taking the safety owners away first changes nothing.
    people::set_roles(&store, &boss, "sam@x", [Role::Admin].into()).await.unwrap();
    let again = people::set_roles(&store, &boss, "ben@x", wanted()).await.unwrap().proposal.unwrap();
    let old = people::accept_roles(&store, &sue, proposal.id).await.unwrap_err();
    assert_eq!(code(old), Code::InvalidTransition, "a newer proposal replaced it");
    let own = people::set_roles(&store, &sam, "sue@x", [Role::SafetyOwner, Role::Admin].into()).await.unwrap();
    let own = own.proposal.unwrap();
    assert_eq!(code(people::accept_roles(&store, &sue, own.id).await.unwrap_err()), Code::Forbidden, "her own roles");
    assert!(people::accept_roles(&store, &boss, again.id).await.is_err(), "no safety owner");
    assert_eq!(people::proposals(&store, &boss).await.unwrap().len(), 2);
    // Each safety owner is asked on the first page for what they may accept.
    let asked = async |actor: &Actor| {
        let tasks = home::overview(&store, actor).await.unwrap().tasks.into_iter();
        let about = tasks.filter_map(|task| match task.kind {
            TaskKind::Countersign { what: Countersigned::Roles, about, .. } => Some(about),
            _ => None,
        });
        about.collect::<Vec<_>>()
    };
    assert_eq!((asked(&sue).await, asked(&boss).await), (vec!["ben@x".to_owned()], Vec::new()));
    let ben = people::accept_roles(&store, &sue, again.id).await.unwrap();
    assert_eq!(ben.roles, wanted());
    assert_eq!(code(people::accept_roles(&store, &sue, again.id).await.unwrap_err()), Code::InvalidTransition, "once");
    people::reject_roles(&store, &sam, own.id).await.unwrap();
    assert!(people::proposals(&store, &boss).await.unwrap().is_empty());

    let eve = invitation("eve@x", &[Role::Viewer, Role::Admin]);
    let invited = people::invite(&store, &boss, &eve, Delivery::HandOver).await.unwrap();
    assert_eq!(invited.person.roles, [Role::Viewer].into());
    assert_eq!(invited.proposal.unwrap().roles, [Role::Admin].into());
    let host = people::set_roles(&store, &host(), "eve@x", [Role::Admin].into()).await.unwrap();
    assert_eq!(host.user.roles, [Role::Admin].into(), "the command line of the host is direct");
}

#[tokio::test]
async fn a_link_that_was_handed_over_costs_the_account_its_signatures() {
    let store = testing::store().await;
    let cat = people::by_email(&store, "approver@example.com").await.unwrap().unwrap();
    let cat = cat.actor(lifecycle::authority::Via::Session);
    let (bundle, packet) = approved(&store, None, 1).await;
    let packet_id = packet.packet_id;
    let new = tokens::NewOwnToken {
        name: "ci".into(),
        roles: [Role::Approver].into(),
        expires_in_days: None,
        password: None,
    };
    let (_, plain) =
        tokens::create_own(&store, &Actor { via: lifecycle::authority::Via::Token, ..cat }, HERE, new).await.unwrap();

    let reset = people::reset(&store, &admin(), "approver@example.com", Delivery::HandOver).await.unwrap();
    assert_eq!(reset.revoked_tokens.len(), 1);
    assert!(reset.person.signs_from.is_some());
    assert!(tokens::authenticate(&store, &plain).await.unwrap().is_none());
    let announced = entries(&store, EventType::ResetHandedOver).await;
    assert!(announced[0].summary.contains("approver@example.com"), "{}", announced[0].summary);

    let packet = packets::get(&store, &admin(), &packet_id).await.unwrap();
    assert_eq!(packet.lapsed, ["approver@example.com"]);
    assert!(packet.missing.iter().any(|what| what.contains("handed over")), "{:?}", packet.missing);
    let owner = actor(Role::RuntimeOwner);
    let refused = rollout::apply(&store, &owner, bundle.id, &packet_id, None).await.unwrap_err();
    assert_eq!(code(refused), Code::StaleApproval, "the signature does not count at apply");

    // The person who opened the link signs nothing for a day.
    let cat = people::redeem(&store, &reset.link.code, "words of my own").await.unwrap().person;
    let cat = cat.actor(lifecycle::authority::Via::Session);
    let refused = packets::act(&store, &cat, &packet_id, Verdict::Reject, Some("no".into())).await.unwrap_err();
    assert!(Problem::from(refused).extra.contains_key("signs_from"));
    sqlx::query("update people set signs_from = now() - interval '1 second'").execute(store.pool()).await.unwrap();
    let person = people::by_email(&store, "approver@example.com").await.unwrap().unwrap();
    assert!(person.signs_from.is_none(), "a day later");
    let packet = packets::get(&store, &admin(), &packet_id).await.unwrap();
    assert_eq!(packet.lapsed, ["approver@example.com"], "the earlier signature stays void");
}

#[tokio::test]
async fn a_mailed_link_changes_nothing_until_it_is_used() {
    let store = with_ann().await;
    let reset = people::reset(&store, &admin(), "ann@example.com", Delivery::Mail).await.unwrap();
    assert!(reset.person.signs_from.is_none() && reset.revoked_tokens.is_empty());
    assert!(people::sign_in(&store, "ann@example.com", "a good password", HERE).await.unwrap().is_some());
    let ann = people::redeem(&store, &reset.link.code, "words of my own").await.unwrap().person;
    assert!(ann.signs_from.is_none(), "only she had the link");
}

#[tokio::test]
async fn every_entry_names_the_session_it_came_through() {
    let store = with_ann().await;
    let open = session(&store, "ann@example.com").await;
    let holder = sessions::authenticate(&store, &open, "Firefox", true).await.unwrap().unwrap();
    let Some(Credential::Session(number)) = holder.actor.pass.credential else { panic!("{:?}", holder.actor.pass) };
    store::bundles::create(&store, &holder.actor, source(None, 1)).await.unwrap();
    let entry = &entries(&store, EventType::DraftCreated).await[0];
    assert_eq!(entry.credential.as_deref(), Some(&*format!("session:{number}")));
    assert!(audit::verify(&store, &admin()).await.unwrap().valid, "the seal covers it");
    let forged = sqlx::query("update policy_lifecycle_audit set credential = 'session:99' where seq = $1")
        .bind(entry.seq)
        .execute(store.pool())
        .await;
    assert!(forged.is_err());
    let pass = Pass::with(Credential::Token(7));
    let through_token = Actor { pass, ..actor(Role::Author) };
    store::bundles::create(&store, &through_token, source(None, 2)).await.unwrap();
    assert_eq!(entries(&store, EventType::DraftCreated).await[0].credential.as_deref(), Some("token:7"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// However roles are changed, nobody gets power without a second person, once there were two safety owners.
    #[test]
    fn power_is_never_given_alone(
        changes in prop::collection::vec((0..4_usize, subsequence(Role::ALL, 0..=4), 0..3_u8), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = testing::store_without_people().await;
            let boss = add(&store, "boss@x", &[Role::Admin]).await;
            let mallory = add(&store, "mallory@x", &[Role::Admin]).await;
            add(&store, "sue@x", &[Role::SafetyOwner]).await;
            add(&store, "sam@x", &[Role::SafetyOwner]).await;
            let emails = ["boss@x", "sue@x", "sam@x", "ben@x"];
            add(&store, "ben@x", &[Role::Viewer]).await;
            for (who, roles, change) in changes {
                let before = people::list(&store, &boss).await.unwrap();
                let roles: Roles = roles.into_iter().collect();
                if change == 0 {
                    let _ = people::set_roles(&store, &mallory, emails[who], roles).await;
                } else {
                    let _ = people::set_enabled(&store, &mallory, emails[who], change == 1).await;
                }
                for person in people::list(&store, &boss).await.unwrap() {
                    let had = before.iter().find(|known| known.id == person.id).unwrap();
                    let had = if had.enabled { had.roles.clone() } else { Roles::new() };
                    for gained in person.roles.difference(&had).filter(|_| person.enabled) {
                        assert!(!gained.needs_countersignature(), "{} got {gained}", person.email);
                    }
                }
            }
        });
    }
}
