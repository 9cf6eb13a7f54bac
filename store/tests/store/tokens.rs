//! Bearer tokens: who makes which, what they are limited to, and when they end.

use lifecycle::{
    authority::{Actor, Credential, Role, Roles, Via},
    decision::BundleRef,
    problem::Code,
};
use policy::{
    engine::Arm,
    replay::{Outcome, OutcomeStatus},
};
use store::{
    Store, decisions, people, testing,
    tokens::{self, NewOwnToken, NewServiceToken},
};

use crate::{fixtures::*, people::HERE};

async fn with_ann(roles: &[Role]) -> (Store, Actor) {
    let store = testing::store_without_people().await;
    let roles: Roles = roles.iter().copied().collect();
    let ann = people::add(&store, &host(), "ann@example.com", "Ann", roles, "a good password").await.unwrap();
    (store, ann.actor(Via::Session))
}

fn own(roles: &[Role]) -> NewOwnToken {
    NewOwnToken {
        name: "ci".into(),
        roles: roles.iter().copied().collect(),
        expires_in_days: None,
        password: Some("a good password".into()),
    }
}

#[tokio::test]
async fn a_token_can_do_no_more_than_its_person_and_ends_when_revoked() {
    let (store, ann) = with_ann(&[Role::Author]).await;
    let (token, plain) = tokens::create_own(&store, &ann, HERE, own(&[Role::Author])).await.unwrap();
    assert!(plain.starts_with("csn_") && plain.len() == 36, "{plain}");
    assert_eq!((token.email.as_deref(), token.created_by.as_str()), (Some("ann@example.com"), "ann@example.com"));
    let bearer = tokens::authenticate(&store, &plain).await.unwrap().unwrap();
    assert_eq!((bearer.actor.name.as_str(), &bearer.actor.roles), ("ann@example.com", &[Role::Author].into()));
    assert_eq!(bearer.actor.pass.credential, Some(Credential::Token(token.id)));

    people::set_roles(&store, &admin(), "ann@example.com", [Role::Viewer].into()).await.unwrap();
    let bearer = tokens::authenticate(&store, &plain).await.unwrap().unwrap();
    assert!(bearer.actor.roles.is_empty(), "{bearer:?}");

    tokens::revoke(&store, &admin(), token.id).await.unwrap();
    tokens::revoke(&store, &admin(), token.id).await.unwrap();
    assert_eq!(tokens::authenticate(&store, &plain).await.unwrap(), None);
    assert_eq!(tokens::authenticate(&store, "csn_00000000000000000000000000000000").await.unwrap(), None);
}

#[tokio::test]
async fn only_a_person_makes_a_token_with_their_roles() {
    let (store, ann) = with_ann(&[Role::Author, Role::Approver]).await;
    let more = tokens::create_own(&store, &ann, HERE, own(&[Role::Admin])).await;
    assert_eq!(code(more.unwrap_err()), Code::InvalidField);
    let by_admin = tokens::create_on_host(&store, &admin(), "ann@example.com", own(&[Role::Approver])).await;
    assert_eq!(code(by_admin.unwrap_err()), Code::Forbidden);
    // An administrator who is nobody in the workspace has no token of their own either.
    assert_eq!(
        code(tokens::create_own(&store, &admin(), HERE, own(&[Role::Admin])).await.unwrap_err()),
        Code::Forbidden
    );
    let (on_host, _) =
        tokens::create_on_host(&store, &host(), "ann@example.com", own(&[Role::Approver])).await.unwrap();
    assert_eq!(on_host.created_by, host().name);
    assert!(tokens::create_own(&store, &ann, HERE, own(&[])).await.is_err(), "a token needs a role");

    // A token made with a token has no more roles than that one, and does not outlive it.
    let short = NewOwnToken { expires_in_days: Some(1), ..own(&[Role::Author]) };
    let (parent, plain) = tokens::create_own(&store, &ann, HERE, short).await.unwrap();
    let bearer = tokens::authenticate(&store, &plain).await.unwrap().unwrap();
    let more = tokens::create_own(&store, &bearer.actor, HERE, own(&[Role::Approver])).await;
    assert_eq!(code(more.unwrap_err()), Code::InvalidField);
    let (child, _) = tokens::create_own(&store, &bearer.actor, HERE, own(&[Role::Author])).await.unwrap();
    assert_eq!(child.expires_at, parent.expires_at);

    let mine: Vec<i64> = tokens::list_own(&store, &ann).await.unwrap().iter().map(|token| token.id).collect();
    assert_eq!(mine, [child.id, parent.id, on_host.id]);
    let (foreign, _) = tokens::create_service(&store, &admin(), program("agent")).await.unwrap();
    assert_eq!(code(tokens::revoke_own(&store, &ann, foreign.id).await.unwrap_err()), Code::NotFound);
    assert!(tokens::revoke_own(&store, &ann, child.id).await.unwrap().revoked_at.is_some());
}

#[tokio::test]
async fn a_program_is_limited_to_agents_and_ninety_days() {
    let store = testing::store_without_people().await;
    let new =
        NewServiceToken { agents: vec![" inbox.* ".into(), "inbox.*".into(), "billing".into()], ..program("agent") };
    let (token, plain) = tokens::create_service(&store, &admin(), new).await.unwrap();
    assert_eq!(token.agents, ["inbox.*", "billing"]);
    let days = token.expires_at.unwrap().since(token.created_at).as_secs() / 86_400;
    assert_eq!(days, 90);
    let bearer = tokens::authenticate(&store, &plain).await.unwrap().unwrap();
    assert_eq!(bearer.actor.roles, [Role::Service].into());
    assert!(bearer.actor.pass.covers("inbox.triage") && !bearer.actor.pass.covers("payments"));

    let refused = [
        NewServiceToken { agents: Vec::new(), ..program("a") },
        NewServiceToken { agents: vec!["not an agent".into()], ..program("a") },
        NewServiceToken { expires_in_days: Some(0), ..program("a") },
        NewServiceToken { expires_in_days: Some(100_000), ..program("a") },
        program("system"),
        program("cli:root"),
        program("ann@example.com"),
        program(" "),
    ];
    for new in refused {
        let refused = tokens::create_service(&store, &admin(), new.clone()).await.unwrap_err();
        assert_eq!(code(refused), Code::InvalidField, "{new:?}");
    }
}

#[tokio::test]
async fn outcomes_come_from_the_token_that_asked_or_from_a_reporter() {
    let store = testing::store_without_people().await;
    let holder = async |new: NewServiceToken| {
        let (_, plain) = tokens::create_service(&store, &admin(), new).await.unwrap();
        tokens::authenticate(&store, &plain).await.unwrap().unwrap().actor
    };
    let asker = holder(program("asker")).await;
    let other = holder(program("other")).await;
    let reporter = holder(NewServiceToken { reporter: true, ..program("reporter") }).await;
    let outside =
        holder(NewServiceToken { reporter: true, agents: vec!["elsewhere".into()], ..program("outside") }).await;
    let bundle = || BundleRef { id: 1, version: "1.0.0".into(), digest: "sha256:00".into() };
    let Some(Credential::Token(number)) = asker.pass.credential else { panic!() };
    let asked = |id: &str| lifecycle::decision::Record {
        decision_id: id.into(),
        asked_by: Some(number),
        ..decision(time::OffsetDateTime::now_utc(), Arm::Stable, bundle(), None)
    };
    decisions::append(&store, &[asked("d-1"), asked("d-2")]).await.unwrap();
    let outcome = || Outcome {
        status: OutcomeStatus::Ok,
        cost: None,
        margin_bps: None,
        success: None,
        latency_ms: None,
        note: None,
    };
    for foreign in [&other, &outside] {
        let refused = decisions::report_outcome(&store, foreign, "d-1", outcome()).await.unwrap_err();
        assert_eq!(code(refused), Code::Forbidden);
        let reports = [decisions::OutcomeReport { decision_id: "d-1".into(), outcome: outcome() }];
        let done = decisions::report_outcomes(&store, foreign, &reports).await.unwrap();
        assert_eq!((done.recorded, done.refused), (0, vec!["d-1".to_owned()]));
    }
    let record = decisions::report_outcome(&store, &asker, "d-1", outcome()).await.unwrap();
    assert_eq!((record.asked_by, record.outcome.is_some()), (Some(number), true));
    decisions::report_outcome(&store, &reporter, "d-2", outcome()).await.unwrap();
}
