//! Browser sessions.

use lifecycle::authority::Role;
use store::{
    people,
    sessions::{self, PERSON_ID, PgSessions},
    testing,
};
use tower_sessions::{SessionStore, session::Record};

use crate::fixtures::host;

#[tokio::test]
async fn sessions_are_created_loaded_saved_and_ended() {
    let store = testing::store_without_people().await;
    let person = people::add(&store, &host(), "ann@example.com", "Ann", [].into(), "a good password").await.unwrap();
    let sessions = PgSessions::new(store.clone());
    let mut record = Record {
        id: Default::default(),
        data: [(PERSON_ID.to_owned(), person.id.into())].into(),
        expiry_date: time::OffsetDateTime::now_utc() + time::Duration::hours(1),
    };
    sessions.create(&mut record).await.unwrap();
    let found = sessions.load(&record.id).await.unwrap().unwrap();
    assert_eq!(found.data, record.data);

    let mut other = Record { id: record.id, ..record.clone() };
    sessions.create(&mut other).await.unwrap();
    assert_ne!(other.id, record.id, "a taken id is replaced by a new one");

    people::set_password(&store, &host(), "ann@example.com", "another password").await.unwrap();
    assert!(sessions.load(&record.id).await.unwrap().is_none(), "a new password ends every session");
    sessions.save(&record).await.unwrap();
    assert!(sessions.load(&record.id).await.unwrap().is_none(), "an ended session does not come back");

    let mut brief = Record { expiry_date: time::OffsetDateTime::now_utc() - time::Duration::seconds(1), ..record };
    sessions.create(&mut brief).await.unwrap();
    assert!(sessions.load(&brief.id).await.unwrap().is_none());
    assert_eq!(sessions.delete_expired().await.unwrap(), 1);
}

#[tokio::test]
async fn sessions_slide_and_end_when_idle_or_old() {
    let store = testing::store_without_people().await;
    let host = host();
    let person = people::add(&store, &host, "ann@example.com", "Ann", [Role::Viewer].into(), "a good password");
    let person = person.await.unwrap();
    let pool = PgSessions::new(store.clone());
    let mut record = Record {
        id: Default::default(),
        data: [(PERSON_ID.to_owned(), person.id.into())].into(),
        expiry_date: time::OffsetDateTime::now_utc() + time::Duration::days(7),
    };
    pool.create(&mut record).await.unwrap();
    let age = async |seen: &str, created: &str| {
        let sql = format!(
            "update sessions set last_seen_at = now() - interval '{seen}', created_at = now() - interval '{created}'"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(store.pool()).await.unwrap();
    };
    let seen = async || -> time::OffsetDateTime {
        sqlx::query_scalar("select last_seen_at from sessions").fetch_one(store.pool()).await.unwrap()
    };
    let alive = async || sessions::authenticate(&store, &record.id, "Firefox").await.unwrap();

    age("11 hours", "6 days 23 hours").await;
    let before = seen().await;
    let holder = alive().await.unwrap();
    assert!(seen().await > before, "a request prolongs the session");
    let touched = seen().await;
    alive().await.unwrap();
    assert_eq!(seen().await, touched, "at most once a minute");
    let listed = sessions::list_own(&store, &holder.actor).await.unwrap();
    assert_eq!((listed.len(), listed[0].user_agent.as_str(), listed[0].current), (1, "Firefox", true));

    age("13 hours", "1 day").await;
    assert!(alive().await.is_none(), "idle for too long");
    assert!(pool.load(&record.id).await.unwrap().is_none());
    age("1 minute", "8 days").await;
    assert!(alive().await.is_none(), "too old, however much it is used");
    // A change of its data does not prolong a session.
    record.expiry_date += time::Duration::days(700);
    pool.save(&record).await.unwrap();
    assert!(alive().await.is_none());
    assert_eq!(pool.delete_expired().await.unwrap(), 1);
}

#[tokio::test]
async fn people_see_and_end_their_own_sessions_only() {
    let store = testing::store_without_people().await;
    let mut holders = Vec::new();
    for email in ["ann@example.com", "ann@example.com", "ben@example.com"] {
        let person = match people::by_email(&store, email).await.unwrap() {
            Some(person) => person,
            None => people::add(&store, &host(), email, "A", [Role::Viewer].into(), "a good password").await.unwrap(),
        };
        let mut record = Record {
            id: Default::default(),
            data: [(PERSON_ID.to_owned(), person.id.into())].into(),
            expiry_date: time::OffsetDateTime::now_utc() + time::Duration::days(7),
        };
        PgSessions::new(store.clone()).create(&mut record).await.unwrap();
        let holder = sessions::authenticate(&store, &record.id, "").await.unwrap().unwrap();
        holders.push((record.id, holder.actor));
    }
    let [(_, ann), (second, _), (bens, ben)] = &holders[..] else { panic!() };
    let listed = sessions::list_own(&store, ann).await.unwrap();
    assert_eq!(listed.iter().filter(|session| session.current).count(), 1);
    let bens_number = sessions::list_own(&store, ben).await.unwrap()[0].id;
    assert!(sessions::end_own(&store, ann, bens_number).await.is_err(), "another person's");
    let other = listed.iter().find(|session| !session.current).unwrap().id;
    sessions::end_own(&store, ann, other).await.unwrap();
    assert!(sessions::authenticate(&store, second, "").await.unwrap().is_none());
    assert_eq!(sessions::end_all_own(&store, ann).await.unwrap(), 1);
    assert_eq!(sessions::list_own(&store, ann).await.unwrap().len(), 0);
    assert!(sessions::authenticate(&store, bens, "").await.unwrap().is_some());
}
