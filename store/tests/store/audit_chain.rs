//! The audit record is a keyed chain: a change made without the key is detected, and the first bad entry is named.

use std::path::PathBuf;

use crate::fixtures::*;
use lifecycle::{
    audit::{Checkpoint, EventType, Flaw, Verdict, Verifier},
    signing::{Key, KeyRing},
};
use serde_json::{Map, Value};
use store::{Store, audit, bundles, testing};

/// A store with `count` audit entries.
async fn store_with_entries(count: i64) -> Store {
    let store = testing::store().await;
    write(&store, count).await;
    store
}

async fn write(store: &Store, count: i64) {
    for _ in 0..count {
        bundles::create(store, &author(), source(None, 50)).await.unwrap();
    }
}

async fn verify(store: &Store) -> Verdict {
    audit::verify(store, &admin()).await.unwrap()
}

async fn flaw(store: &Store) -> (i64, Flaw) {
    let verdict = verify(store).await;
    assert!(!verdict.valid, "{verdict:?}");
    let broken = verdict.first_bad.unwrap_or_else(|| panic!("{:?}", verdict.checkpoint_problems));
    assert!(!broken.detail.is_empty());
    (broken.seq, broken.flaw)
}

#[tokio::test]
async fn an_untouched_record_verifies_and_each_entry_is_sealed() {
    let store = store_with_entries(5).await;
    let verdict = verify(&store).await;
    assert!(verdict.valid && verdict.keyed, "{verdict:?}");
    assert_eq!((verdict.entries, verdict.head_seq, verdict.pending), (5, 5, 0));
    assert_eq!(verdict.checkpoint.as_ref().map(|checkpoint| checkpoint.count), Some(5), "the head is a checkpoint");
    let entries = audit::list(&store, &admin(), &audit::Filter::default()).await.unwrap().items;
    assert!(entries.iter().all(|entry| entry.seal.as_ref().is_some_and(|seal| seal.key_id == "test")));
    assert_eq!(entries[0].seal.as_ref().unwrap().prev_hash, entries[1].seal.as_ref().unwrap().entry_hash);
}

#[tokio::test]
async fn an_edited_row_is_found() {
    for edit in ["actor = 'nobody'", "detail = '{}'", "at = at - interval '1 hour'", "event_type = 'applied'"] {
        let store = store_with_entries(6).await;
        tamper(&store, &format!("update policy_lifecycle_audit set {edit} where seq = 3")).await;
        assert_eq!(flaw(&store).await, (3, Flaw::Edited), "{edit}");
    }
    let store = store_with_entries(6).await;
    tamper(&store, "update policy_lifecycle_audit set event_type = 'unknown_event' where seq = 6").await;
    assert_eq!(flaw(&store).await, (6, Flaw::Edited));
}

#[tokio::test]
async fn a_deleted_row_is_found() {
    let store = store_with_entries(6).await;
    tamper(&store, "delete from policy_lifecycle_audit where seq = 4").await;
    assert_eq!(flaw(&store).await, (4, Flaw::Missing));
    tamper(&store, "update policy_lifecycle_audit set seq = seq - 1 where seq > 4").await;
    assert_eq!(flaw(&store).await, (4, Flaw::Reordered));
}

#[tokio::test]
async fn a_swapped_pair_is_found() {
    let store = store_with_entries(6).await;
    tamper(
        &store,
        "update policy_lifecycle_audit set seq = -1 where seq = 3;
         update policy_lifecycle_audit set seq = 3 where seq = 4;
         update policy_lifecycle_audit set seq = 4 where seq = -1",
    )
    .await;
    assert_eq!(flaw(&store).await, (3, Flaw::Reordered));
}

#[tokio::test]
async fn a_forged_insert_is_found() {
    let store = store_with_entries(6).await;
    tamper(
        &store,
        "update policy_lifecycle_audit set seq = -seq where seq > 3;
         update policy_lifecycle_audit set seq = 1 - seq where seq < 0;
         insert into policy_lifecycle_audit (seq, at, event_type, actor, roles, via, subject_type, subject_id, summary,
             detail, key_id, prev_hash, entry_hash)
         select 4, at, 'approved', 'mallory@example.com', roles, via, subject_type, subject_id, summary, detail, key_id,
             entry_hash, decode(repeat('ab', 32), 'hex') from policy_lifecycle_audit where seq = 3",
    )
    .await;
    assert_eq!(flaw(&store).await, (4, Flaw::Forged));

    let store = store_with_entries(3).await;
    tamper(
        &store,
        "insert into policy_lifecycle_audit (seq, at, event_type, actor, roles, via, subject_type, subject_id, summary, detail)
         select 4, at, 'approved', 'mallory@example.com', roles, via, subject_type, subject_id, summary, detail
         from policy_lifecycle_audit where seq = 3",
    )
    .await;
    assert_eq!(flaw(&store).await, (4, Flaw::Forged));
    write(&store, 2).await;
    assert_eq!(flaw(&store).await, (4, Flaw::Forged), "later entries do not seal it");
}

#[tokio::test]
async fn a_cut_tail_is_found() {
    let store = store_with_entries(6).await;
    tamper(&store, "delete from policy_lifecycle_audit where seq > 4").await;
    assert_eq!(flaw(&store).await, (5, Flaw::CutTail));

    // A stored checkpoint detects the cut when the head was reset too; the head does when new entries follow the cut.
    let store = store_with_entries(3).await;
    audit::checkpoint(&store, 0).await.unwrap().unwrap();
    let cut = "delete from policy_lifecycle_audit where seq > 2; update policy_audit_head set seq = 2";
    tamper(&store, &format!("{cut}, checkpoint = null")).await;
    assert_eq!(flaw(&store).await, (3, Flaw::CutTail));
    let store = store_with_entries(3).await;
    tamper(&store, cut).await;
    write(&store, 3).await;
    assert_eq!(flaw(&store).await, (3, Flaw::Replaced));
}

fn file() -> PathBuf {
    std::env::temp_dir().join(format!("countersign-checkpoint-{}.json", uuid::Uuid::now_v7()))
}

#[tokio::test]
async fn a_tail_cut_together_with_the_databases_own_checkpoints_is_found_by_the_file() {
    let file = file();
    let store = store_with_entries(5).await.with_checkpoint_file(&file);
    audit::checkpoint(&store, 0).await.unwrap().unwrap();
    assert!(audit::checkpoint(&store, 0).await.unwrap().is_none(), "there are no new entries");
    tamper(
        &store,
        "delete from policy_lifecycle_audit where seq > 2; delete from policy_audit_checkpoints;
         update policy_audit_head set seq = 2, checkpoint = null",
    )
    .await;
    assert_eq!(flaw(&store).await, (3, Flaw::CutTail));
    // The next checkpoint does not overwrite the proof.
    write(&store, 1).await;
    audit::checkpoint(&store, 0).await.unwrap().unwrap();
    assert_eq!(flaw(&store).await, (3, Flaw::Replaced), "where the new tail begins");
    let in_file: Checkpoint = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(in_file.count, 5);
    write(&store, 4).await;
    assert_eq!(flaw(&store).await, (3, Flaw::Replaced));
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_changed_checkpoint_is_found() {
    let store = store_with_entries(3).await;
    audit::checkpoint(&store, 0).await.unwrap().unwrap();
    tamper(&store, "update policy_audit_checkpoints set checkpoint = replace(checkpoint::text, ':3', ':2')::json")
        .await;
    let verdict = verify(&store).await;
    assert!(!verdict.valid && !verdict.checkpoint_problems.is_empty(), "{verdict:?}");
}

#[tokio::test]
async fn entries_of_a_failover_are_sealed_in_order() {
    let store = testing::store().await;
    stable(&store, Some("2.0.0"), 90).await;
    sqlx::raw_sql("update policy_bundles set active = false, canary_pct = 0").execute(store.pool()).await.unwrap();
    let verdict = verify(&store).await;
    assert!(verdict.valid, "{verdict:?}");
    assert_eq!(verdict.pending, 1);
    assert!(audit::seal(&store).await.unwrap());
    assert!(!audit::seal(&store).await.unwrap());
    let verdict = verify(&store).await;
    assert!(verdict.valid && verdict.pending == 0, "{verdict:?}");

    // The next entry seals it as well.
    let back = "update policy_bundles set active = true, canary_pct = 100 where version = '2.0.0'";
    sqlx::raw_sql(back).execute(store.pool()).await.unwrap();
    write(&store, 1).await;
    let verdict = verify(&store).await;
    assert!(verdict.valid && verdict.pending == 0, "{verdict:?}");
    let filter = audit::Filter { event_type: Some(EventType::ManualFailover), ..Default::default() };
    let entries = audit::list(&store, &admin(), &filter).await.unwrap().items;
    assert!(entries.len() == 2 && entries.iter().all(|entry| entry.seal.is_some()));
}

#[tokio::test]
async fn a_record_from_before_the_chain_is_sealed_by_the_next_entry() {
    let store = store_with_entries(4).await;
    tamper(
        &store,
        "update policy_lifecycle_audit set key_id = null, prev_hash = null, entry_hash = null;
         update policy_audit_head set checkpoint = null",
    )
    .await;
    assert_eq!(verify(&store).await.pending, 4);
    write(&store, 1).await;
    let verdict = verify(&store).await;
    assert!(verdict.valid && verdict.pending == 0, "{verdict:?}");
    assert_eq!(verdict.head_seq, 5);
}

#[tokio::test]
async fn a_seal_is_written_once() {
    let store = store_with_entries(2).await;
    for sql in [
        "update policy_lifecycle_audit set entry_hash = prev_hash",
        "update policy_lifecycle_audit set entry_hash = null, prev_hash = null, key_id = null",
        "update policy_audit_checkpoints set head_seq = 0",
        "delete from policy_audit_checkpoints",
    ] {
        audit::checkpoint(&store, 0).await.unwrap();
        let error = sqlx::query(sql).execute(store.pool()).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn old_keys_verify_and_unknown_ones_are_named() {
    let options = testing::database().await;
    let with = async |keys: KeyRing| Store::connect(options.clone(), keys).await.unwrap();
    let (old, new) = (Key::new("old", "the first secret"), Key::new("new", "the second secret"));
    let first = with(KeyRing { current: old.clone(), previous: Vec::new() }).await;
    write(&first, 3).await;
    let second = with(KeyRing { current: new.clone(), previous: vec![old] }).await;
    write(&second, 3).await;
    assert!(verify(&second).await.valid);
    let without_old = with(KeyRing { current: new, previous: Vec::new() }).await;
    assert_eq!(flaw(&without_old).await, (1, Flaw::UnknownKey));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_writers_leave_no_gap_and_an_unbroken_chain() {
    let store = testing::store().await;
    let mut tasks = Vec::new();
    for i in 0..50_i64 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            for _ in 0..4 {
                bundles::create(&store, &author(), source(None, 10 + i)).await.ok();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let verdict = verify(&store).await;
    assert!(verdict.valid, "{verdict:?}");
    assert_eq!(verdict.entries, verdict.head_seq.unsigned_abs());
    assert!(verdict.entries >= 50, "{verdict:?}");
}

#[tokio::test]
async fn an_exported_record_verifies_without_the_database() {
    let store = store_with_entries(7).await;
    let mut export = audit::export(&store, &admin()).await.unwrap();
    let mut lines: Vec<Map<String, Value>> = Vec::new();
    while let Some(line) = export.line().await.unwrap() {
        lines.push(serde_json::from_str(&line).unwrap());
    }
    assert_eq!(lines.len(), 8, "seven entries and the checkpoint");
    let keys = store.keys();
    let verdict = |lines: &[Map<String, Value>]| {
        let mut verifier = Verifier::new(Some(&keys), None);
        for line in lines {
            match line.get("checkpoint") {
                Some(checkpoint) => verifier.add_checkpoint(serde_json::from_value(checkpoint.clone()).unwrap()),
                None => verifier.add(line),
            }
        }
        verifier.finish()
    };
    assert!(verdict(&lines).valid, "{:?}", verdict(&lines));
    let closing = lines.pop().unwrap();
    lines.truncate(5);
    lines.push(closing);
    let broken = verdict(&lines).first_bad.unwrap();
    assert_eq!((broken.seq, broken.flaw), (6, Flaw::CutTail));
}
