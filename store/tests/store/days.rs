//! Days of the log: closed, archived, brought back, and whatever is done to them in between.

use std::{
    fs,
    io::{Read, Write},
    path::Path,
    time::Duration,
};

use lifecycle::{
    audit::EventType,
    authority::Role,
    decision::{BundleRef, Record},
    problem::Code,
};
use policy::{bundle::Effect, engine::Arm, replay::Outcome};
use sqlx::AssertSqlSafe;
use store::{
    Store, audit,
    decisions::{self, ArchiveError},
    testing,
};

use crate::fixtures::*;

async fn of_days_ago(store: &Store, days: i64, count: usize) -> Vec<Record> {
    let at = now(store).await - time::Duration::days(days);
    let bundle = BundleRef { id: 1, version: "1.0.0".into(), digest: "sha256:00".into() };
    let records: Vec<Record> = (0..count).map(|_| decision(at, Arm::Stable, bundle.clone(), None)).collect();
    decisions::append(store, &records).await.unwrap();
    records
}

async fn count(store: &Store) -> i64 {
    sqlx::query_scalar("select count(*) from policy_decisions").fetch_one(store.pool()).await.unwrap()
}

async fn entries(store: &Store, event_type: EventType) -> Vec<lifecycle::audit::Entry> {
    let filter = audit::Filter { event_type: Some(event_type), ..Default::default() };
    audit::list(store, &admin(), &filter).await.unwrap().items
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_over_is_closed_once_and_stays_as_it_is() {
    let store = testing::store().await;
    let records = of_days_ago(&store, 2, 3).await;
    let (one, other) = tokio::join!(decisions::close_days(&store), decisions::close_days(&store));
    assert_eq!(one.unwrap() + other.unwrap() + decisions::close_days(&store).await.unwrap(), 1);
    let closed = entries(&store, EventType::DecisionsClosed).await;
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0].detail["decisions"], 3);
    assert!(audit::verify(&store, &admin()).await.unwrap().valid);
    let shown = store::home::overview(&store, &admin()).await.unwrap().recent;
    assert!(shown.iter().all(|entry| entry.event_type != EventType::DecisionsClosed), "the first page is for changes");

    let late = Record { decision_id: "late".into(), ..records[0].clone() };
    decisions::append(&store, &[late]).await.unwrap_err();
    assert_eq!(count(&store).await, 3);
    // What came of its decisions is still reported.
    let outcome: Outcome = serde_json::from_value(serde_json::json!({"status": "ok"})).unwrap();
    decisions::report_outcome(&store, &actor(Role::Service), &records[0].decision_id, outcome).await.unwrap();
    let changed = sqlx::query("update policy_decision_days set decisions = 2 where digest is not null");
    assert!(changed.execute(store.pool()).await.unwrap_err().to_string().contains("append-only"));
    for sql in [
        "select countersign_close_day((now() at time zone 'UTC')::date)",
        "select countersign_take_day((now() at time zone 'UTC')::date - 2)",
    ] {
        let refused = sqlx::query(AssertSqlSafe(sql)).execute(store.pool()).await.unwrap_err().to_string();
        assert!(refused.contains("is not over") || refused.contains("is not archived"), "{refused}");
    }
}

/// The retention is 90 days; the folder has the file of the one old day.
async fn archived(store: &Store, folder: &Path) -> (Vec<Record>, decisions::Archived) {
    let records = of_days_ago(store, 100, 30).await;
    of_days_ago(store, 80, 5).await;
    let outcome: Outcome =
        serde_json::from_value(serde_json::json!({"status": "error", "cost": 0.1, "note": "two\nlines \u{0}"}))
            .unwrap();
    let reports: Vec<_> = records[..20]
        .iter()
        .map(|record| decisions::OutcomeReport { decision_id: record.decision_id.clone(), outcome: outcome.clone() })
        .collect();
    decisions::report_outcomes(store, &actor(Role::Service), &reports).await.unwrap();
    decisions::close_days(store).await.unwrap();
    let mut archived = decisions::archive_days(store, folder).await.unwrap();
    assert_eq!(archived.len(), 1);
    (records, archived.remove(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_day_goes_into_a_file_and_comes_back_as_it_was() {
    let (store, folder) = (testing::store().await, tempfile::tempdir().unwrap());
    let metrics = async || decisions::error_metrics(&store, "7d").await.unwrap();
    let (records, archived) = archived(&store, folder.path()).await;
    let before = metrics().await;
    assert_eq!((archived.manifest.decisions, archived.manifest.outcomes), (30, 20));
    let closed = entries(&store, EventType::DecisionsClosed).await;
    assert!(closed.iter().any(|entry| entry.detail["digest"] == archived.manifest.decisions_digest.as_str()));
    assert_eq!(decisions::verify_archive(&archived.file, &testing::keys()).unwrap(), archived.manifest);
    // It is out of the database, and the younger day is not.
    assert_eq!(count(&store).await, 5);
    let id = &records[0].decision_id;
    assert_eq!(code(decisions::get(&store, &author(), id).await.unwrap_err()), Code::NotFound);
    assert!(decisions::archive_days(&store, folder.path()).await.unwrap().is_empty());
    assert_eq!(entries(&store, EventType::DecisionsArchived).await.len(), 1);

    assert!(matches!(
        decisions::restore_archive(&store, &author(), &archived.file).await,
        Err(store::Error::Denied(_))
    ));
    let restored = decisions::restore_archive(&store, &admin(), &archived.file).await.unwrap();
    assert_eq!(restored, archived.manifest);
    assert_eq!(count(&store).await, 35);
    let found = decisions::get(&store, &author(), id).await.unwrap();
    assert_eq!(Record { outcome: None, ..found.clone() }, records[0]);
    assert_eq!(found.outcome.unwrap().note.as_deref(), Some("two\nlines \u{fffd}"));
    assert_eq!(metrics().await, before);
    assert_eq!(entries(&store, EventType::DecisionsRestored).await.len(), 1);
    assert!(audit::verify(&store, &admin()).await.unwrap().valid);
    // It is closed, is not archived at once, and not brought back twice.
    assert!(decisions::archive_days(&store, folder.path()).await.unwrap().is_empty());
    decisions::append(&store, &[Record { decision_id: "late".into(), ..records[0].clone() }]).await.unwrap_err();
    let again = decisions::restore_archive(&store, &admin(), &archived.file).await.unwrap_err();
    assert_eq!(code(again), Code::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_changed_or_cut_is_recognised() {
    let (store, folder) = (testing::store().await, tempfile::tempdir().unwrap());
    let (_, archived) = archived(&store, folder.path()).await;
    let mut text = String::new();
    flate2::read::GzDecoder::new(fs::File::open(&archived.file).unwrap()).read_to_string(&mut text).unwrap();
    let written = folder.path().join("written.jsonl.gz");
    let check = |text: &str| {
        let mut out = flate2::write::GzEncoder::new(fs::File::create(&written).unwrap(), flate2::Compression::fast());
        out.write_all(text.as_bytes()).unwrap();
        out.finish().unwrap();
        decisions::verify_archive(&written, &testing::keys())
    };
    check(&text).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        let without = text.replacen(&format!("{line}\n"), "", 1);
        assert!(matches!(check(&without), Err(ArchiveError::Wrong(_))), "without line {number}");
        let changed = text.replacen(line, &line.replacen('1', "2", 1), 1);
        if changed != text {
            assert!(matches!(check(&changed), Err(ArchiveError::Wrong(_))), "line {number}");
        }
        let twice = text.replacen(line, &format!("{line}\n{line}"), 1);
        assert!(matches!(check(&twice), Err(ArchiveError::Wrong(_))), "twice line {number}");
    }
    let whole = fs::read(&archived.file).unwrap();
    fs::write(&written, &whole[..whole.len() / 2]).unwrap();
    let cut = decisions::verify_archive(&written, &testing::keys());
    assert!(matches!(cut, Err(ArchiveError::Wrong(_))), "{cut:?}");
    fs::write(&written, "no archive").unwrap();
    assert!(matches!(decisions::verify_archive(&written, &testing::keys()), Err(ArchiveError::Wrong(_))));
    let none = decisions::verify_archive(&folder.path().join("none"), &testing::keys());
    assert!(matches!(none, Err(ArchiveError::Unreadable(_))), "{none:?}");
    let stranger = lifecycle::signing::KeyRing {
        current: lifecycle::signing::Key::new("other", "another secret that is long enough to sign"),
        previous: Vec::new(),
    };
    assert!(matches!(decisions::verify_archive(&archived.file, &stranger), Err(ArchiveError::Wrong(_))));
}

/// A file as `archived` writes it, with its lines changed.
fn rewrite(file: &Path, to: &Path, change: impl Fn(String) -> String) {
    let mut text = String::new();
    flate2::read::GzDecoder::new(fs::File::open(file).unwrap()).read_to_string(&mut text).unwrap();
    let mut out = flate2::write::GzEncoder::new(fs::File::create(to).unwrap(), flate2::Compression::fast());
    out.write_all(change(text).as_bytes()).unwrap();
    out.finish().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_or_foreign_file_brings_nothing_back() {
    let (store, folder) = (testing::store().await, tempfile::tempdir().unwrap());
    let (records, archived) = archived(&store, folder.path()).await;
    let wrong = folder.path().join("wrong.jsonl.gz");
    let refused = async |file: &Path, what: &str| {
        let error = decisions::restore_archive(&store, &admin(), file).await.unwrap_err();
        assert!(matches!(error, store::Error::Refused(_)), "{what}: {error:?}");
        assert_eq!(count(&store).await, 5, "{what}");
        let tables: i64 = sqlx::query_scalar(
            "select count(*) from pg_inherits where inhparent in ('policy_decisions'::regclass,
                 'policy_decision_outcomes'::regclass) and inhrelid::regclass::text like '%' || to_char($1::date, 'YYYYMMDD')",
        )
        .bind(time::OffsetDateTime::from(records[0].decided_at).date())
        .fetch_one(store.pool())
        .await
        .unwrap();
        assert_eq!(tables, 0, "{what}");
    };
    let whole = fs::read(&archived.file).unwrap();
    for length in [0, 1, whole.len() / 2, whole.len() - 1] {
        fs::write(&wrong, &whole[..length]).unwrap();
        refused(&wrong, &format!("{length} bytes of it")).await;
    }
    rewrite(&archived.file, &wrong, |text| text.replacen("\"allow\"", "\"deny\"", 1));
    refused(&wrong, "another effect").await;
    rewrite(&archived.file, &wrong, |text| text.replacen("\"outcomes\":20", "\"outcomes\":21", 1));
    refused(&wrong, "another manifest").await;
    rewrite(&archived.file, &wrong, |text| text.lines().skip(1).map(|line| format!("{line}\n")).collect());
    refused(&wrong, "one decision less").await;
    refused(&folder.path().join("none"), "no file").await;

    // Signed with the same key, about the same day, of another workspace.
    let elsewhere = testing::store().await;
    let other = tempfile::tempdir().unwrap();
    let (_, foreign) = self::archived(&elsewhere, other.path()).await;
    decisions::verify_archive(&foreign.file, &testing::keys()).unwrap();
    refused(&foreign.file, "another log").await;

    assert!(entries(&store, EventType::DecisionsRestored).await.is_empty());
    decisions::restore_archive(&store, &admin(), &archived.file).await.unwrap();
    assert_eq!(count(&store).await, 35);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_the_database_while_its_file_cannot_be_written() {
    let (store, folder) = (testing::store().await, tempfile::tempdir().unwrap());
    let records = of_days_ago(&store, 100, 40).await;
    decisions::close_days(&store).await.unwrap();
    let day = time::OffsetDateTime::from(records[0].decided_at).date();
    let no_folder = folder.path().join("taken");
    fs::write(&no_folder, "a file").unwrap();
    // A file that has no room, and a name that something else has.
    let (full, taken) = (folder.path().join("full"), folder.path().join("name"));
    fs::create_dir_all(taken.join(format!("decisions-{day}.jsonl.gz"))).unwrap();
    fs::create_dir_all(&full).unwrap();
    std::os::unix::fs::symlink("/dev/full", full.join(format!("decisions-{day}.jsonl.gz.part"))).unwrap();
    for into in [no_folder, full, taken] {
        let error = decisions::archive_days(&store, &into).await.unwrap_err();
        assert!(error.to_string().contains("cannot be archived"), "{}: {error}", into.display());
        assert_eq!(count(&store).await, 40, "{}", into.display());
        assert!(entries(&store, EventType::DecisionsArchived).await.is_empty(), "{}", into.display());
        // Not even by who may call the function.
        let take = sqlx::query("select countersign_take_day($1)").bind(day).execute(store.pool()).await;
        assert!(take.unwrap_err().to_string().contains("is not archived"));
    }
    // The file is emptied while it is written and checked.
    let (emptied, target) = (folder.path().join("emptied"), folder.path().join("target"));
    fs::create_dir_all(&emptied).unwrap();
    fs::write(&target, "").unwrap();
    std::os::unix::fs::symlink(&target, emptied.join(format!("decisions-{day}.jsonl.gz.part"))).unwrap();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let emptying = std::thread::spawn(move || {
        while stopped.try_recv() != Err(std::sync::mpsc::TryRecvError::Disconnected) {
            fs::OpenOptions::new().write(true).open(&target).unwrap().set_len(0).unwrap();
        }
    });
    let error = decisions::archive_days(&store, &emptied).await.unwrap_err();
    drop(stop);
    emptying.join().unwrap();
    assert!(error.to_string().contains("does not hold what was written to it"), "{error}");
    assert_eq!(count(&store).await, 40);
    assert!(entries(&store, EventType::DecisionsArchived).await.is_empty());

    let outcome: Outcome = serde_json::from_value(serde_json::json!({"status": "ok"})).unwrap();
    decisions::report_outcome(&store, &actor(Role::Service), &records[0].decision_id, outcome).await.unwrap();
    let archived = decisions::archive_days(&store, &folder.path().join("new")).await.unwrap();
    assert_eq!((archived.len(), count(&store).await), (1, 0));
    assert_eq!(archived[0].manifest.outcomes, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_was_brought_back_is_as_little_changed_as_any_other() {
    let (store, folder) = (testing::store().await, tempfile::tempdir().unwrap());
    let (records, archived) = archived(&store, folder.path()).await;
    decisions::restore_archive(&store, &admin(), &archived.file).await.unwrap();
    let day = archived.manifest.day.replace('-', "");
    let changes = [
        "update policy_decisions_{} set effect = 'allow'",
        "delete from policy_decisions_{}",
        "truncate policy_decisions_{}",
        "update policy_decision_outcomes_{} set status = 'ok'",
        "delete from policy_decision_outcomes_{}",
        "truncate policy_decision_outcomes_{}",
        "update policy_decisions set effect = 'allow'",
        "delete from policy_decisions",
    ];
    for sql in changes.map(|sql| sql.replace("{}", &day)) {
        let refused = sqlx::query(AssertSqlSafe(sql.clone())).execute(store.pool()).await.unwrap_err().to_string();
        assert!(refused.contains("permission denied"), "{sql}: {refused}");
        let mut owner = owner_connection(&store).await;
        let refused = sqlx::query(AssertSqlSafe(sql.clone())).execute(&mut owner).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
    // The owner adds nothing to a closed day either.
    let mut owner = owner_connection(&store).await;
    let again = format!("insert into policy_decisions_{day} select * from policy_decisions_{day}");
    let refused = sqlx::query(AssertSqlSafe(again)).execute(&mut owner).await.unwrap_err().to_string();
    assert!(refused.contains("append-only"), "{refused}");
    // An outcome is reported again, and is in the next file.
    let outcome: Outcome = serde_json::from_value(serde_json::json!({"status": "ok"})).unwrap();
    decisions::report_outcome(&store, &actor(Role::Service), &records[29].decision_id, outcome).await.unwrap();
    tamper(
        &store,
        "update policy_decision_days set restored_at = restored_at - interval '91 days' where restored_at is not null",
    )
    .await;
    let next = decisions::archive_days(&store, folder.path()).await.unwrap();
    assert_eq!((next.len(), next[0].manifest.outcomes), (1, 21));
    assert_eq!(next[0].manifest.decisions_digest, archived.manifest.decisions_digest);
    assert_eq!(count(&store).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_was_changed_after_it_was_closed_is_not_archived() {
    let (store, folder) = (testing::store().await, tempfile::tempdir().unwrap());
    of_days_ago(&store, 100, 3).await;
    decisions::close_days(&store).await.unwrap();
    tamper(&store, "update policy_decisions set effect = 'deny'").await;
    assert!(
        decisions::archive_days(&store, folder.path()).await.unwrap_err().to_string().contains("after it was closed")
    );
    assert_eq!(count(&store).await, 3);
    assert!(entries(&store, EventType::DecisionsArchived).await.is_empty());
}

#[tokio::test]
async fn fewer_days_wait_for_a_safety_owner() {
    let store = testing::store().await;
    let mut wanted = store::settings::get(&store, &admin()).await.unwrap();
    wanted.retention.days = 400;
    assert!(store::settings::update(&store, &admin(), wanted).await.unwrap().proposal.is_none());
    wanted.retention.days = 30;
    assert!(store::settings::update(&store, &admin(), wanted).await.unwrap().proposal.is_some());
    assert_eq!(store::settings::get(&store, &admin()).await.unwrap().retention.days, 400);
    wanted.retention.days = 2;
    assert_eq!(code(store::settings::update(&store, &admin(), wanted).await.unwrap_err()), Code::InvalidField);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_goes_through_the_log_stretch_by_stretch_and_misses_nothing() {
    let store = testing::store().await;
    for days in [0, 0, 1, 2, 3, 5, 8, 9, 20] {
        of_days_ago(&store, days, 2).await;
    }
    let at = now(&store).await - time::Duration::days(20);
    let denied = Record { effect: Effect::Deny, ..of_days_ago(&store, 20, 1).await.remove(0) };
    let denied = Record { decision_id: "denied".into(), decided_at: at.into(), ..denied };
    decisions::append(&store, std::slice::from_ref(&denied)).await.unwrap();
    let page = async |filter: &decisions::Filter| decisions::list(&store, &admin(), filter).await.unwrap();

    let patient = decisions::Filter { search_time: Some(Duration::from_secs(60)), ..Default::default() };
    let all = page(&patient).await;
    assert_eq!((all.items.len(), &all.next_cursor), (20, &None), "one page, with all of it");
    // Without time to search, a page ends after its first stretch, and its cursor goes on.
    for limit in [1, 3, 20] {
        let mut filter =
            decisions::Filter { limit: Some(limit), search_time: Some(Duration::ZERO), ..Default::default() };
        let (mut found, mut empty) = (Vec::new(), 0);
        loop {
            let next = page(&filter).await;
            empty += i32::from(next.items.is_empty());
            found.extend(next.items);
            filter.cursor = next.next_cursor;
            if filter.cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, all.items, "{limit}");
        assert!(empty > 0, "some days have none");
    }

    let rare = decisions::Filter { effect: Some(Effect::Deny), ..patient };
    let found = page(&rare).await;
    assert_eq!((found.items[0].decision_id.as_str(), found.next_cursor), ("denied", None));
    let cut_short = page(&decisions::Filter { search_time: Some(Duration::ZERO), ..rare.clone() }).await;
    assert!(cut_short.items.is_empty() && cut_short.next_cursor.is_some());
    for (since, until) in [(Some(19), None), (None, Some(21))] {
        let days_ago = |days: Option<i64>| days.map(|days| (at + time::Duration::days(20 - days)).into());
        let bounded = decisions::Filter { since: days_ago(since), until: days_ago(until), ..rare.clone() };
        assert_eq!(page(&bounded).await, lifecycle::Page { items: Vec::new(), next_cursor: None });
    }
}
