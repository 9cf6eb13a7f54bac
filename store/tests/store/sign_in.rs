//! Signing in: the right password, and how wrong ones slow down their source.

use lifecycle::{
    audit::EventType,
    problem::{Code, Problem},
};
use store::{audit, people};

use crate::{
    fixtures::*,
    people::{HERE, entries, with_ann},
};

#[tokio::test]
async fn people_sign_in_with_their_password_and_no_other() {
    let store = with_ann().await;
    let ann = people::sign_in(&store, " ann@example.COM ", "a good password", HERE).await.unwrap().unwrap().person;
    assert_eq!((ann.email.as_str(), ann.name.as_str()), ("ann@example.com", "Ann"));
    assert_eq!(people::sign_in(&store, "ann@example.com", "a bad password", HERE).await.unwrap(), None);
    assert_eq!(people::sign_in(&store, "unknown@example.com", "a good password", HERE).await.unwrap(), None);
    people::set_enabled(&store, &admin(), "ann@example.com", false).await.unwrap();
    assert_eq!(people::sign_in(&store, "ann@example.com", "a good password", HERE).await.unwrap(), None);
    let entries = audit::list(&store, &admin(), &audit::Filter::default()).await.unwrap().items;
    assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [3, 2, 1]);
}

#[tokio::test]
async fn wrong_passwords_slow_down_their_source_and_lock_nobody_out() {
    let store = with_ann().await;
    for account in ["ann@example.com", "unknown@example.com"] {
        for _ in 0..5 {
            assert_eq!(people::sign_in(&store, account, "wrong", HERE).await.unwrap(), None);
        }
        // As if the last one had failed just now: on a busy machine, hashing takes longer than the first wait.
        sqlx::query("update sign_in_attempts set last_at = clock_timestamp()").execute(store.pool()).await.unwrap();
        let problem = Problem::from(people::sign_in(&store, account, "a good password", HERE).await.unwrap_err());
        assert_eq!(problem.code, Code::TooManyRequests);
        assert_eq!(problem.extra["retry_after_seconds"].as_i64().unwrap(), 1, "the first wait is short");
    }
    let elsewhere = people::sign_in(&store, "ann@example.com", "a good password", "10.0.0.8").await.unwrap();
    assert!(elsewhere.is_some(), "the account itself is never locked");

    // The wait grows with each failure, up to about a minute.
    let mut last = 0;
    for failures in [6, 8, 10, 40, 2_000_000_000] {
        sqlx::query("update sign_in_attempts set failures = $1, last_at = clock_timestamp()")
            .bind(failures)
            .execute(store.pool())
            .await
            .unwrap();
        let problem = Problem::from(people::sign_in(&store, "ann@example.com", "x", HERE).await.unwrap_err());
        let wait = problem.extra["retry_after_seconds"].as_i64().unwrap();
        assert!(last <= wait && wait <= 64, "{failures}: {wait}");
        last = wait;
    }
    assert_eq!(last, 64);
    sqlx::query("update sign_in_attempts set last_at = clock_timestamp() - interval '65 seconds'")
        .execute(store.pool())
        .await
        .unwrap();
    assert!(people::sign_in(&store, "ann@example.com", "a good password", HERE).await.unwrap().is_some());
    assert_eq!(people::sign_in(&store, "ann@example.com", "wrong", HERE).await.unwrap(), None, "success forgets");
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_guesses_are_counted_before_they_are_tried() {
    let store = with_ann().await;
    let guesses = (0..20).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            people::sign_in(&store, "ann@example.com", &format!("guess {number}"), HERE).await.is_ok()
        })
    });
    let mut tried = 0;
    for guess in guesses.collect::<Vec<_>>() {
        tried += u32::from(guess.await.unwrap());
    }
    assert!(tried <= 7, "{tried} of 20 parallel guesses were tried");
}

#[tokio::test]
async fn emails_of_any_length_are_only_wrong() {
    let store = with_ann().await;
    for email in ["x".repeat(100_000), "\u{0}".to_owned(), String::new()] {
        assert_eq!(people::sign_in(&store, &email, "a good password", HERE).await.unwrap(), None);
    }
}

#[tokio::test]
async fn failed_sign_ins_are_audited_in_sums() {
    let store = with_ann().await;
    for account in ["ann@example.com", "ann@example.com", "eve@example.com"] {
        people::sign_in(&store, account, "wrong", HERE).await.unwrap();
    }
    store.refusals().note_access("vic@x", Some("token:7"), "POST /policy/drills");
    assert_eq!(store::audit_refusals(&store).await.unwrap(), 2);
    assert_eq!(store::audit_refusals(&store).await.unwrap(), 0);
    let failed = entries(&store, EventType::SignInFailed).await;
    assert_eq!((failed.len(), failed[0].subject_id.as_str()), (1, HERE));
    assert_eq!(failed[0].detail["count"], 3);
    assert_eq!(failed[0].detail["accounts"], serde_json::json!(["ann@example.com", "unknown address"]));
    let refused = entries(&store, EventType::AccessRefused).await;
    assert_eq!(refused[0].detail["requests"][0], "POST /policy/drills");
    assert_eq!(refused[0].detail["credential"], "token:7");
    assert!(audit::verify(&store, &admin()).await.unwrap().valid);
}
