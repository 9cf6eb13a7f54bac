//! Browser sessions.

use store::{
    people,
    sessions::{PERSON_ID, PgSessions},
    testing,
};
use tower_sessions::{SessionStore, session::Record};

use crate::fixtures::admin;

#[tokio::test]
async fn sessions_are_created_loaded_saved_and_ended() {
    let store = testing::store().await;
    let person = people::add(&store, &admin(), "ann@example.com", "Ann", [].into(), "a good password").await.unwrap();
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

    people::set_password(&store, &admin(), "ann@example.com", "another password").await.unwrap();
    assert!(sessions.load(&record.id).await.unwrap().is_none(), "a new password ends every session");
    sessions.save(&record).await.unwrap();
    assert!(sessions.load(&record.id).await.unwrap().is_none(), "an ended session does not come back");

    let mut brief = Record { expiry_date: time::OffsetDateTime::now_utc() - time::Duration::seconds(1), ..record };
    sessions.create(&mut brief).await.unwrap();
    assert!(sessions.load(&brief.id).await.unwrap().is_none());
    assert_eq!(sessions.delete_expired().await.unwrap(), 1);
}
