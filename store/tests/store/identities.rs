//! People at a sign-in provider: who they become here, the roles of their groups, and how long a confirmation counts.

use lifecycle::{
    audit::EventType,
    authority::{Actor, GroupRoles, Role, Roles, SignInRefused, Via},
    problem::{Code, Problem},
    settings::Passwords,
};
use store::{
    Store,
    identities::{self, Claims},
    people::{self, SignedIn},
    sessions, settings, tokens,
};

use crate::{
    fixtures::*,
    people::{HERE, entries, with_ann},
};

const SECRET: &[u8] = b"a refresh token";

fn says(subject: &str, email: &str, groups: &[&str]) -> Claims {
    Claims {
        issuer: "https://login.test".into(),
        subject: subject.into(),
        email: Some(email.into()),
        name: Some("Another".into()),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    }
}

fn row(group: &str, roles: &[Role]) -> GroupRoles {
    GroupRoles { group: group.into(), roles: roles.iter().copied().collect() }
}

/// A workspace with Ann, who has a password, and two groups.
async fn workspace() -> Store {
    let store = with_ann().await;
    let table = vec![row("authors", &[Role::Author]), row("leads", &[Role::Approver, Role::Viewer])];
    assert_eq!(settings::set_groups(&store, &admin(), table).await.unwrap().proposal, None);
    store
}

async fn sign_in(store: &Store, claims: &Claims) -> Result<SignedIn, SignInRefused> {
    identities::sign_in(store, claims, SECRET, HERE).await.unwrap()
}

async fn roles(store: &Store, email: &str) -> Roles {
    people::by_email(store, email).await.unwrap().unwrap().roles
}

fn phone(password: &str) -> tokens::NewOwnToken {
    let password = Some(password.to_owned()).filter(|password| !password.is_empty());
    tokens::NewOwnToken { name: "phone".into(), roles: [Role::Author].into(), expires_in_days: None, password }
}

/// The number of the session at the provider that began last.
async fn newest_session(store: &Store) -> i64 {
    sqlx::query_scalar("select max(id) from provider_sessions").fetch_one(store.pool()).await.unwrap()
}

/// As if the provider had confirmed everybody that many minutes ago.
async fn confirmed(store: &Store, minutes_ago: i32) {
    for table in ["identities", "provider_sessions"] {
        let sql = format!("update {table} set confirmed_at = now() - make_interval(mins => $1)");
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(minutes_ago).execute(store.pool()).await.unwrap();
    }
}

#[tokio::test]
async fn a_person_is_issuer_and_subject_and_never_an_email() {
    let store = workspace().await;
    let ben = sign_in(&store, &says("1", "Ben@Example.com", &["authors", "strangers"])).await.unwrap().person;
    assert_eq!((ben.email.as_str(), &ben.roles, ben.has_password), ("ben@example.com", &[Role::Author].into(), false));
    // Another email or name there does not make another person, and changes nobody here.
    let again = sign_in(&store, &says("1", "other@example.com", &["authors"])).await.unwrap().person;
    assert_eq!((again.id, again.email.as_str()), (ben.id, "ben@example.com"));

    // The email of a person who is here proves nothing, and neither does a subject of another provider.
    let taken = sign_in(&store, &says("2", "ann@example.com", &["authors"])).await;
    assert_eq!(taken, Err(SignInRefused::EmailTaken));
    let elsewhere = Claims { issuer: "https://evil.test".into(), ..says("1", "ben@example.com", &["leads"]) };
    assert_eq!(sign_in(&store, &elsewhere).await, Err(SignInRefused::EmailTaken));
    assert_eq!(sign_in(&store, &says("3", "cat@example.com", &["strangers"])).await, Err(SignInRefused::NoRoles));
    assert_eq!(people::by_email(&store, "cat@example.com").await.unwrap(), None, "nobody without a role is added");
    for email in [None, Some("no email".to_owned())] {
        let claims = Claims { email, ..says("4", "", &["authors"]) };
        assert_eq!(sign_in(&store, &claims).await, Err(SignInRefused::NoEmail));
    }

    // A link to the account of a person who never had a password here takes it over all the same.
    let handed = people::reset(&store, &admin(), "ben@example.com", store::links::Delivery::HandOver).await.unwrap();
    assert!(handed.person.signs_from.is_some(), "a handed-over link costs the account its signatures");
    people::set_enabled(&store, &admin(), "ben@example.com", false).await.unwrap();
    assert_eq!(sign_in(&store, &says("1", "ben@example.com", &["leads"])).await, Err(SignInRefused::Disabled));
    let person = people::by_id(&store, ben.id).await.unwrap().unwrap();
    assert_eq!(person.roles, [Role::Author].into(), "a disabled person gets nothing");

    let joined = entries(&store, EventType::PersonJoined).await;
    assert_eq!(
        (joined.len(), &joined[0].detail["issuer"], &joined[0].detail["subject"]),
        (1, &"https://login.test".into(), &"1".into())
    );
    let signed_in = entries(&store, EventType::SignedIn).await;
    assert_eq!(signed_in.len(), 2);
    assert!(signed_in.iter().all(|entry| entry.actor == "ben@example.com" && entry.detail["subject"] == "1"));
    assert_eq!(store.refusals().sign_ins(), 6, "refused sign-ins are counted");
}

#[tokio::test]
async fn roles_come_and_go_with_groups_and_those_given_here_stay() {
    let store = workspace().await;
    let ann = people::by_email(&store, "ann@example.com").await.unwrap().unwrap().actor(Via::Session);
    let claims = says("ann", "elsewhere@example.com", &["leads", "authors"]);
    let linked = identities::link(&store, &ann, &claims).await.unwrap().unwrap();
    assert_eq!(linked.roles, [Role::Approver, Role::Viewer].into(), "she was an author before");
    assert_eq!(roles(&store, "ann@example.com").await, [Role::Author, Role::Approver, Role::Viewer].into());

    let signed_in = sign_in(&store, &says("ann", "", &["leads"])).await.unwrap();
    assert_eq!(signed_in.person.email, "ann@example.com");
    identities::confirm(&store, newest_session(&store).await, &says("ann", "", &[]), SECRET).await.unwrap();
    assert_eq!(
        roles(&store, "ann@example.com").await,
        [Role::Author].into(),
        "her own role is not the groups' to take"
    );

    // One account, one identity.
    assert_eq!(identities::link(&store, &ann, &says("b", "", &[])).await.unwrap(), Err(SignInRefused::AlreadyLinked));
    let ben = sign_in(&store, &says("ben", "ben@example.com", &["authors"])).await.unwrap().person.actor(Via::Session);
    let other = identities::link(&store, &ben, &says("ann", "", &[])).await.unwrap();
    assert_eq!(other, Err(SignInRefused::LinkedElsewhere));

    let refused = Problem::from(identities::unlink(&store, &ben).await.unwrap_err());
    assert_eq!(refused.code, Code::Conflict, "Ben could not sign in any more");
    let session = take_up(&store, &sign_in(&store, &says("ann", "", &["leads"])).await.unwrap()).await;
    identities::unlink(&store, &ann).await.unwrap();
    assert_eq!(roles(&store, "ann@example.com").await, [Role::Author].into());
    assert_eq!(sessions::authenticate(&store, &session, "", true).await.unwrap(), None);
    assert_eq!(identities::own(&store, &ann).await.unwrap(), None);
    assert_eq!(entries(&store, EventType::IdentityLinked).await.len(), 1);
    assert_eq!(entries(&store, EventType::IdentityUnlinked).await.len(), 1);
}

#[tokio::test]
async fn a_session_ends_unless_the_provider_confirms_it_in_time() {
    let store = workspace().await;
    let signed_in = sign_in(&store, &says("1", "ben@example.com", &["authors"])).await.unwrap();
    let record = take_up(&store, &signed_in).await;
    let alive = async || sessions::authenticate(&store, &record, "", true).await.unwrap().is_some();
    assert!(identities::due(&store).await.unwrap().is_empty(), "it was confirmed a moment ago");

    confirmed(&store, 11).await;
    let due = identities::due(&store).await.unwrap();
    assert_eq!((due.len(), due[0].secret.as_deref(), due[0].subject.as_str()), (1, Some(SECRET), "1"));
    let sealed: Vec<u8> =
        sqlx::query_scalar("select sealed_secret from provider_sessions").fetch_one(store.pool()).await.unwrap();
    assert!(!sealed.windows(SECRET.len()).any(|part| part == SECRET), "the database does not show it");
    assert!(identities::due(&store).await.unwrap().is_empty(), "another server does not ask at the same time");
    assert!(alive().await);
    confirmed(&store, 16).await;
    assert!(!alive().await, "without a confirmation it counts no more");
    identities::confirm(&store, due[0].id, &says("1", "", &["leads"]), b"a newer one").await.unwrap();
    assert!(alive().await);
    assert_eq!(roles(&store, "ben@example.com").await, [Role::Approver, Role::Viewer].into());

    let mut wanted = settings::get(&store, &admin()).await.unwrap();
    wanted.sign_in.check_minutes = 5;
    settings::update(&store, &admin(), wanted).await.unwrap();
    confirmed(&store, 6).await;
    assert!(!alive().await, "the time is a setting");
    confirmed(&store, 0).await;
    identities::confirm(&store, due[0].id, &says("1", "", &["strangers"]), b"a newer one").await.unwrap();
    assert!(!alive().await && roles(&store, "ben@example.com").await.is_empty(), "no group gives a role");
    assert_eq!(entries(&store, EventType::SessionsNotConfirmed).await.len(), 1);

    let again = sign_in(&store, &says("1", "", &["authors"])).await.unwrap();
    let record = take_up(&store, &again).await;
    identities::end_unconfirmed(&store, newest_session(&store).await, "the provider ended the session").await.unwrap();
    assert_eq!(sessions::authenticate(&store, &record, "", true).await.unwrap(), None);
}

#[tokio::test]
async fn roles_of_groups_count_only_while_they_are_confirmed() {
    let store = workspace().await;
    let ann = people::by_email(&store, "ann@example.com").await.unwrap().unwrap();
    identities::link(&store, &ann.actor(Via::Session), &says("ann", "", &["leads"])).await.unwrap().unwrap();
    let record = session(&store, "ann@example.com").await;
    let held = async || sessions::authenticate(&store, &record, "", true).await.unwrap().unwrap().actor.roles;
    assert_eq!(held().await, [Role::Author, Role::Approver, Role::Viewer].into());
    confirmed(&store, 16).await;
    assert_eq!(held().await, [Role::Author].into(), "a password says nothing about groups");

    let (_, token) =
        tokens::create_own(&store, &ann.actor(Via::Session), HERE, phone("a good password")).await.unwrap();
    assert!(tokens::authenticate(&store, &token).await.unwrap().is_some());
    confirmed(&store, 24 * 60 + 1).await;
    assert_eq!(tokens::authenticate(&store, &token).await.unwrap(), None, "a day after the last confirmation");
    sign_in(&store, &says("ann", "", &[])).await.unwrap();
    assert!(tokens::authenticate(&store, &token).await.unwrap().is_some());
}

#[tokio::test]
async fn a_sign_in_is_used_once_and_by_its_own_browser() {
    let store = workspace().await;
    let begin = async || identities::start(&store, "nonce", "verifier", "/audit", None).await.unwrap();
    let one = begin().await;
    let taken = identities::take(&store, &one.browser, &one.state).await.unwrap().unwrap();
    assert_eq!((taken.nonce.as_str(), taken.next.as_str(), taken.links), ("nonce", "/audit", None));
    assert!(identities::take(&store, &one.browser, &one.state).await.unwrap().is_none(), "used");
    let (two, three) = (begin().await, begin().await);
    assert!(identities::take(&store, &three.browser, &two.state).await.unwrap().is_none(), "another browser's");
    assert!(identities::take(&store, &three.browser, &three.state).await.unwrap().is_none(), "one attempt each");
    sqlx::query("update provider_sign_ins set expires_at = now()").execute(store.pool()).await.unwrap();
    assert!(identities::take(&store, &two.browser, &two.state).await.unwrap().is_none(), "too old");
    identities::delete_unused(&store).await.unwrap();
    let left: i64 = sqlx::query_scalar("select count(*) from provider_sign_ins").fetch_one(store.pool()).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_group_gets_a_power_only_when_a_safety_owner_agrees() {
    let store = workspace().await;
    for name in ["sue", "sam"] {
        let email = format!("{name}@example.com");
        people::add(&store, &host(), &email, name, [Role::SafetyOwner].into(), "a good password").await.unwrap();
    }
    let owner = Actor::new("sue@example.com", [Role::SafetyOwner].into(), Via::Session);
    let both = Actor::new("all@example.com", [Role::Admin, Role::SafetyOwner].into(), Via::Session);
    let table = vec![row("authors", &[Role::Author]), row("ops", &[Role::Admin, Role::Viewer])];
    let changed = settings::set_groups(&store, &both, table.clone()).await.unwrap();
    let proposal = changed.proposal.unwrap();
    assert_eq!(proposal.changes[0].field, "/groups/ops");
    let in_force = settings::groups(&store, &both).await.unwrap();
    assert_eq!(
        in_force,
        [row("authors", &[Role::Author]), row("ops", &[Role::Viewer])],
        "taking away waits for nobody"
    );
    let ben = sign_in(&store, &says("1", "ben@example.com", &["ops"])).await.unwrap();
    assert_eq!(ben.person.roles, [Role::Viewer].into());

    let refused = settings::accept(&store, &both, proposal.id).await.unwrap_err();
    assert_eq!(code(refused), Code::Forbidden, "nobody countersigns their own proposal");
    settings::accept(&store, &owner, proposal.id).await.unwrap();
    assert_eq!(settings::groups(&store, &both).await.unwrap(), table);
    let ben = sign_in(&store, &says("1", "ben@example.com", &["ops"])).await.unwrap();
    assert_eq!(ben.person.roles, [Role::Admin, Role::Viewer].into());

    for (wrong, pointer) in [
        (vec![row("a", &[Role::Viewer]), row("a", &[Role::Viewer])], "/groups/1/group"),
        (vec![row("b", &[Role::Viewer]), row(" a", &[Role::Viewer])], "/groups/1/group"),
        (vec![row("b", &[Role::Viewer]), row("a", &[])], "/groups/1/roles"),
        (vec![row("a", &[Role::Service])], "/groups/0/roles"),
    ] {
        let problem = Problem::from(settings::set_groups(&store, &both, wrong).await.unwrap_err());
        assert_eq!(problem.errors[0].pointer, pointer, "{problem}");
    }
}

#[tokio::test]
async fn passwords_can_be_switched_off_but_for_one_administrator() {
    let store = workspace().await;
    let add = async |email: &str| {
        people::add(&store, &host(), email, email, [Role::Admin].into(), "a good password").await.unwrap()
    };
    let (glass, other) = (add("glass@example.com").await, add("other@example.com").await);
    let ann = people::by_email(&store, "ann@example.com").await.unwrap().unwrap();
    let mut wanted = settings::get(&store, &admin()).await.unwrap();
    wanted.sign_in.passwords = Passwords::BreakGlass;
    for wrong in [None, Some(ann.id), Some(999)] {
        wanted.sign_in.break_glass = wrong;
        let refused = settings::update(&store, &admin(), wanted).await.unwrap_err();
        assert_eq!(code(refused), Code::InvalidField, "{wrong:?} is no administrator with a password");
    }
    wanted.sign_in.break_glass = Some(glass.id);
    assert_eq!(settings::update(&store, &admin(), wanted).await.unwrap().proposal, None, "it weakens nothing");

    let tries = async |email: &str, password: &str| people::sign_in(&store, email, password, HERE).await;
    assert!(tries("glass@example.com", "a good password").await.unwrap().is_some());
    for person in [&ann, &other] {
        assert_eq!(code(tries(&person.email, "a good password").await.unwrap_err()), Code::Forbidden);
        assert_eq!(tries(&person.email, "wrong").await.unwrap(), None, "a wrong password learns nothing");
    }
    // A one-time link does not lead around it.
    let reset = people::reset(&store, &admin(), "ann@example.com", store::links::Delivery::Mail).await.unwrap();
    let joined = people::redeem(&store, &reset.link.code, "words of my own").await;
    assert_eq!(code(joined.unwrap_err()), Code::Forbidden);
    // Nor does the emergency password once its owner administers no more.
    people::set_roles(&store, &host(), "glass@example.com", [Role::Viewer].into()).await.unwrap();
    assert_eq!(code(tries("glass@example.com", "a good password").await.unwrap_err()), Code::Forbidden);

    wanted.sign_in.passwords = Passwords::Everyone;
    let proposed = settings::update(&store, &admin(), wanted).await.unwrap().proposal.unwrap();
    assert!(tries("ann@example.com", "a good password").await.is_err(), "switching them on again waits");
    settings::accept(&store, &safety(), proposed.id).await.unwrap();
    assert!(tries("ann@example.com", "a good password").await.unwrap().is_some());
}

#[tokio::test]
async fn a_fresh_sign_in_at_the_provider_stands_for_a_password() {
    let store = workspace().await;
    let signed_in = sign_in(&store, &says("1", "ben@example.com", &["authors"])).await.unwrap();
    let record = take_up(&store, &signed_in).await;
    let ben = sessions::authenticate(&store, &record, "", true).await.unwrap().unwrap().actor;
    let entry = &entries(&store, EventType::SignedIn).await[0];
    assert_eq!((entry.actor.as_str(), &entry.credential), ("ben@example.com", &ben.credential()));
    assert!(entry.credential.is_some(), "the entry names the session");
    tokens::create_own(&store, &ben, HERE, phone("")).await.unwrap();
    let age = "update sessions set created_at = now() - interval '11 minutes'";
    sqlx::query(age).execute(store.pool()).await.unwrap();
    for password in ["", "a good password"] {
        let problem = Problem::from(tokens::create_own(&store, &ben, HERE, phone(password)).await.unwrap_err());
        assert_eq!((problem.code, problem.errors[0].pointer.as_str()), (Code::InvalidField, "/password"));
        assert!(problem.errors[0].detail.contains("sign in with the sign-in provider again"), "{problem:?}");
    }
    // Nor does a session that began with a password.
    let record = session(&store, "ann@example.com").await;
    let ann = sessions::authenticate(&store, &record, "", true).await.unwrap().unwrap().actor;
    assert_eq!(code(tokens::create_own(&store, &ann, HERE, phone("")).await.unwrap_err()), Code::InvalidField);
    // A password that does not count here makes no token.
    let mut settings = settings::get(&store, &admin()).await.unwrap();
    settings.sign_in.passwords = Passwords::BreakGlass;
    let boss = people::add(&store, &host(), "boss@example.com", "Boss", [Role::Admin].into(), "a good password").await;
    settings.sign_in.break_glass = Some(boss.unwrap().id);
    settings::update(&store, &admin(), settings).await.unwrap();
    let refused = tokens::create_own(&store, &ann, HERE, phone("a good password")).await.unwrap_err();
    assert_eq!(code(refused), Code::InvalidField);
}

#[tokio::test]
async fn a_session_of_the_provider_in_flight_ends_with_the_others() {
    let store = workspace().await;
    let in_flight = sign_in(&store, &says("1", "ben@example.com", &["leads"])).await.unwrap();
    people::set_enabled(&store, &admin(), "ben@example.com", false).await.unwrap();
    let enabled = people::set_enabled(&store, &admin(), "ben@example.com", true).await.unwrap();
    let record = take_up(&store, &in_flight).await;
    assert_eq!(sessions::authenticate(&store, &record, "", true).await.unwrap(), None);
    assert!(enabled.user.roles.is_empty() && enabled.proposal.is_none(), "what groups gave is theirs to give");
    sign_in(&store, &says("1", "", &["leads"])).await.unwrap();
    assert_eq!(roles(&store, "ben@example.com").await, [Role::Approver, Role::Viewer].into());
}
