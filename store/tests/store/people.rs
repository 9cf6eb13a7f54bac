//! Signing in, administering people, tokens and sessions.

use lifecycle::{
    authority::Role,
    problem::{Code, Problem},
};
use store::{Store, audit, people, testing, tokens};

use crate::fixtures::*;

async fn with_ann() -> Store {
    let store = testing::store().await;
    people::add(&store, &admin(), "Ann@Example.com", "Ann", [Role::Author].into(), "a good password").await.unwrap();
    store
}

#[tokio::test]
async fn people_sign_in_with_their_password_and_no_other() {
    let store = with_ann().await;
    let ann = people::sign_in(&store, " ann@example.COM ", "a good password").await.unwrap().unwrap();
    assert_eq!((ann.email.as_str(), ann.name.as_str()), ("ann@example.com", "Ann"));
    assert_eq!(people::sign_in(&store, "ann@example.com", "a bad password").await.unwrap(), None);
    assert_eq!(people::sign_in(&store, "unknown@example.com", "a good password").await.unwrap(), None);
    people::set_enabled(&store, &admin(), "ann@example.com", false).await.unwrap();
    assert_eq!(people::sign_in(&store, "ann@example.com", "a good password").await.unwrap(), None);
    let entries = audit::list(&store, &admin(), &audit::Filter::default()).await.unwrap().items;
    assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [3, 2, 1]);
}

#[tokio::test]
async fn ten_wrong_passwords_lock_an_account_even_one_that_does_not_exist() {
    let store = with_ann().await;
    for account in ["ann@example.com", "unknown@example.com"] {
        for _ in 0..10 {
            assert_eq!(people::sign_in(&store, account, "wrong").await.unwrap(), None);
        }
        let problem = Problem::from(people::sign_in(&store, account, "a good password").await.unwrap_err());
        assert_eq!(problem.code, Code::TooManyRequests);
        let retry = problem.extra["retry_after_seconds"].as_i64().unwrap();
        assert!((800..=900).contains(&retry), "{retry}");
    }
}

#[tokio::test]
async fn a_taken_email_and_weak_passwords_are_refused() {
    let store = with_ann().await;
    let duplicate =
        people::add(&store, &admin(), "ann@example.com", "A", [Role::Viewer].into(), "a good password").await;
    assert_eq!(code(duplicate.unwrap_err()), Code::Conflict);
    for (email, name, password) in
        [("ann", "A", "a good password"), ("b@c", " ", "a good password"), ("b@c", "B", "short")]
    {
        let refused = people::add(&store, &admin(), email, name, [Role::Viewer].into(), password).await;
        assert_eq!(code(refused.unwrap_err()), Code::InvalidField);
    }
}

#[tokio::test]
async fn a_token_can_do_no_more_than_its_person_and_ends_when_revoked() {
    let store = with_ann().await;
    let new = |email: Option<&str>, roles: &[Role]| tokens::NewToken {
        name: "ci".into(),
        email: email.map(str::to_owned),
        roles: roles.iter().copied().collect(),
        expires_at: None,
    };
    let (token, plain) = tokens::create(&store, &admin(), new(Some("ann@example.com"), &[Role::Author])).await.unwrap();
    assert!(plain.starts_with("csn_") && plain.len() == 36, "{plain}");
    let bearer = tokens::authenticate(&store, &plain).await.unwrap().unwrap();
    assert_eq!(bearer.actor.name, "ann@example.com");
    assert_eq!(bearer.actor.roles, [Role::Author].into());

    people::set_roles(&store, &admin(), "ann@example.com", [Role::Viewer].into()).await.unwrap();
    let bearer = tokens::authenticate(&store, &plain).await.unwrap().unwrap();
    assert!(bearer.actor.roles.is_empty(), "{bearer:?}");

    let more = tokens::create(&store, &admin(), new(Some("ann@example.com"), &[Role::Admin])).await;
    assert_eq!(code(more.unwrap_err()), Code::InvalidField);
    let program = tokens::create(&store, &admin(), new(None, &[Role::Admin])).await;
    assert_eq!(code(program.unwrap_err()), Code::InvalidField);
    tokens::create(&store, &admin(), new(None, &[Role::Service])).await.unwrap();

    tokens::revoke(&store, &admin(), token.id).await.unwrap();
    tokens::revoke(&store, &admin(), token.id).await.unwrap();
    assert_eq!(tokens::authenticate(&store, &plain).await.unwrap(), None);
    assert_eq!(tokens::authenticate(&store, "csn_00000000000000000000000000000000").await.unwrap(), None);
    assert_eq!(tokens::list(&store, &admin()).await.unwrap().len(), 2);
}
