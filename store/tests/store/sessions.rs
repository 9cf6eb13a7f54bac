//! Browser sessions.

use lifecycle::authority::Role;
use store::{
    people,
    sessions::{self, PERSON_ID, PgSessions},
    testing, tokens,
};
use tower_sessions::{SessionStore, session::Record};

use crate::fixtures::{host, session};

#[tokio::test]
async fn sessions_are_created_loaded_saved_and_ended() {
    let store = testing::store_without_people().await;
    let person =
        people::add(&store, &host(), "ann@example.com", "Ann", [Role::Viewer].into(), "a good password").await.unwrap();
    let pool = PgSessions::new(store.clone());
    let data = [(PERSON_ID.to_owned(), person.id.into()), ("theme".to_owned(), "dark".into())].into();
    let expiry_date = time::OffsetDateTime::now_utc() + time::Duration::hours(1);
    let mut record = Record { id: Default::default(), data, expiry_date };
    pool.create(&mut record).await.unwrap();
    let found = pool.load(&record.id).await.unwrap().unwrap();
    assert_eq!(found.data, record.data);
    let nobodys = sessions::authenticate(&store, &record.id, "", true).await.unwrap();
    assert_eq!(nobodys, None, "a person's session begins with signing in, whatever its data says");
    let id = session(&store, "ann@example.com").await;
    let record = Record { id, ..record };
    pool.save(&record).await.unwrap();
    assert_eq!(pool.load(&record.id).await.unwrap().unwrap().data, record.data);

    let mut other = Record { id: record.id, ..record.clone() };
    pool.create(&mut other).await.unwrap();
    assert_ne!(other.id, record.id, "a taken id is replaced by a new one");

    people::set_password(&store, &host(), "ann@example.com", "another password").await.unwrap();
    assert!(pool.load(&record.id).await.unwrap().is_none(), "a new password ends every session");
    pool.save(&record).await.unwrap();
    assert!(pool.load(&record.id).await.unwrap().is_none(), "an ended session does not come back");

    let mut brief = Record { expiry_date: time::OffsetDateTime::now_utc() - time::Duration::seconds(1), ..record };
    pool.create(&mut brief).await.unwrap();
    assert!(pool.load(&brief.id).await.unwrap().is_none());
    assert_eq!(pool.delete_expired().await.unwrap(), 1);
}

#[tokio::test]
async fn sessions_slide_and_end_when_idle_or_old() {
    let store = testing::store_without_people().await;
    let host = host();
    people::add(&store, &host, "ann@example.com", "Ann", [Role::Viewer].into(), "a good password").await.unwrap();
    let pool = PgSessions::new(store.clone());
    let id = session(&store, "ann@example.com").await;
    let age = async |seen: &str, created: &str| {
        let sql = format!(
            "update sessions set last_seen_at = now() - interval '{seen}', created_at = now() - interval '{created}'"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(store.pool()).await.unwrap();
    };
    let seen = async || -> time::OffsetDateTime {
        sqlx::query_scalar("select last_seen_at from sessions").fetch_one(store.pool()).await.unwrap()
    };
    let alive = async || sessions::authenticate(&store, &id, "Firefox", true).await.unwrap();

    age("11 hours", "6 days 23 hours").await;
    let before = seen().await;
    let holder = alive().await.unwrap();
    assert!(seen().await > before, "a request prolongs the session");
    let touched = seen().await;
    alive().await.unwrap();
    assert_eq!(seen().await, touched, "at most once a minute");
    let listed = sessions::list_own(&store, &holder.actor).await.unwrap();
    assert_eq!((listed.len(), listed[0].user_agent.as_str(), listed[0].current), (1, "Firefox", true));

    age("11 hours", "1 day").await;
    let before = seen().await;
    assert!(sessions::authenticate(&store, &id, "Firefox", false).await.unwrap().is_some());
    assert_eq!(seen().await, before, "what an open page asks for by itself does not prolong it");
    assert!(tokens::renew(&store, &holder.actor).await.unwrap().is_some());

    age("13 hours", "1 day").await;
    assert!(tokens::renew(&store, &holder.actor).await.unwrap().is_none(), "a stream to an open page ends too");
    assert!(alive().await.is_none(), "idle for too long");
    assert!(pool.load(&id).await.unwrap().is_none());
    age("1 minute", "8 days").await;
    assert!(alive().await.is_none(), "too old, however much it is used");
    // A change of its data does not prolong a session.
    let expiry_date = time::OffsetDateTime::now_utc() + time::Duration::days(700);
    pool.save(&Record { id, data: [("theme".to_owned(), "dark".into())].into(), expiry_date }).await.unwrap();
    assert!(alive().await.is_none());
    assert_eq!(pool.delete_expired().await.unwrap(), 1);
}

#[tokio::test]
async fn people_see_and_end_their_own_sessions_only() {
    let store = testing::store_without_people().await;
    let mut holders = Vec::new();
    for email in ["ann@example.com", "ann@example.com", "ben@example.com"] {
        if people::by_email(&store, email).await.unwrap().is_none() {
            people::add(&store, &host(), email, "A", [Role::Viewer].into(), "a good password").await.unwrap();
        }
        let id = session(&store, email).await;
        let holder = sessions::authenticate(&store, &id, "", true).await.unwrap().unwrap();
        holders.push((id, holder.actor));
    }
    let [(_, ann), (second, _), (bens, ben)] = &holders[..] else { panic!() };
    let listed = sessions::list_own(&store, ann).await.unwrap();
    assert_eq!(listed.iter().filter(|session| session.current).count(), 1);
    let bens_number = sessions::list_own(&store, ben).await.unwrap()[0].id;
    assert!(sessions::end_own(&store, ann, bens_number).await.is_err(), "another person's");
    let other = listed.iter().find(|session| !session.current).unwrap().id;
    sessions::end_own(&store, ann, other).await.unwrap();
    assert!(sessions::authenticate(&store, second, "", true).await.unwrap().is_none());
    assert_eq!(people::sign_out_everywhere(&store, ann).await.unwrap().sessions, 1);
    assert_eq!(sessions::list_own(&store, ann).await.unwrap().len(), 0);
    assert!(sessions::authenticate(&store, bens, "", true).await.unwrap().is_some());
}
