//! The workspace knows its keys: who does not hold the key that signs cannot write, a new key is known to all before it
//! is used, and a key that is missing is never taken for tampering.

use std::path::PathBuf;

use crate::fixtures::*;
use lifecycle::{
    audit::{Flaw, Hash, seal_entry},
    problem::{Code, Problem},
    review::Verdict,
    signing::{self, Key, KeyRing, SignatureError},
    transfer::export::{Algorithm, export_with},
};
use sqlx::postgres::PgConnectOptions;
use store::{
    Store, audit, bundles, drills, key_check,
    key_rotation::{self, Announced},
    packets, rollout, testing,
};

fn key(id: &str) -> Key {
    Key::new(id, format!("the secret of the key {id}, of enough bytes"))
}

/// A ring whose first key is its own.
fn ring(ids: &[&str]) -> KeyRing {
    KeyRing { current: key(ids[0]), previous: ids[1..].iter().map(|id| key(id)).collect() }
}

async fn with(options: &PgConnectOptions, ids: &[&str]) -> Store {
    let store = Store::connect(options.clone(), ring(ids)).await.unwrap();
    testing::admit_one_a_role(&store).await;
    store
}

async fn write(store: &Store) -> store::Result<()> {
    bundles::create(store, &author(), source(None, 50)).await.map(drop)
}

fn problem<T: std::fmt::Debug>(result: store::Result<T>) -> Problem {
    Problem::from(result.unwrap_err())
}

/// The problem is that this key is missing.
#[track_caller]
fn assert_missing<T: std::fmt::Debug>(result: store::Result<T>, id: &str) {
    let problem = problem(result);
    assert_eq!((problem.code, problem.extra["key_id"].as_str()), (Code::UnknownKey, Some(id)), "{problem:?}");
    assert!(problem.detail.contains(&format!("`{id}`")) && problem.detail.contains("HMAC_PREVIOUS"), "{problem:?}");
}

async fn entries(store: &Store) -> i64 {
    sqlx::query_scalar("select count(*) from policy_lifecycle_audit").fetch_one(store.pool()).await.unwrap()
}

#[tokio::test]
async fn who_does_not_hold_the_key_cannot_write() {
    let options = testing::database().await;
    let first = with(&options, &["k1"]).await;
    write(&first).await.unwrap();
    let stranger = with(&options, &["k2"]).await;
    assert_missing(key_check::check(&stranger).await, "k1");
    assert_missing(write(&stranger).await, "k1");
    assert_eq!(entries(&first).await, 1, "nothing was written");
    // A second time, too.
    assert_missing(write(&stranger).await, "k1");

    let other_secret = KeyRing { current: Key::new("k1", "another secret"), previous: Vec::new() };
    let other_secret = Store::connect(options.clone(), other_secret).await.unwrap();
    let refused = problem(write(&other_secret).await);
    assert!(refused.code == Code::UnknownKey && refused.detail.contains("another secret"), "{refused:?}");
    // The right key beside it does not help: one name never stands for two secrets.
    let two = KeyRing { current: key("k1"), previous: vec![Key::new("k0", "x")] };
    let two = Store::connect(options.clone(), two).await.unwrap();
    write(&two).await.unwrap();
    assert!(audit::verify(&first, &admin()).await.unwrap().valid);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_make_the_first_key_one_does() {
    let options = testing::database().await;
    let mut tasks = Vec::new();
    for number in 0..12 {
        let options = options.clone();
        tasks.push(tokio::spawn(async move {
            let made =
                key_check::make_if_empty(&options, || Ok::<_, store::Error>(key(&format!("k{number}")))).await.unwrap();
            (number, made)
        }));
    }
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    let winners: Vec<_> = outcomes.iter().filter(|(_, signs)| signs.is_none()).collect();
    let [(winner, _)] = winners[..] else { panic!("{outcomes:?}") };
    let id = format!("k{winner}");
    assert!(outcomes.iter().all(|(_, signs)| signs.is_none() || signs.as_deref() == Some(&id)), "{outcomes:?}");
    write(&with(&options, &[&id]).await).await.unwrap();
    let again = key_check::make_if_empty::<store::Error>(&options, || panic!("no second key is made")).await.unwrap();
    assert_eq!(again, Some(id));
}

/// Seals the record and signs the records as releases did that used a secret itself, and forgets the keys.
async fn as_before(store: &Store, key: &Key) {
    let listed = audit::list(store, &admin(), &audit::Filter { limit: Some(500), ..Default::default() }).await.unwrap();
    let mut head = Hash::GENESIS;
    let mut sql = String::new();
    for mut entry in listed.items.into_iter().rev() {
        entry.seal = None;
        let seal = seal_entry(key, head, &entry);
        sql.push_str(&format!(
            "update policy_lifecycle_audit set key_id = '{}', prev_hash = decode('{}', 'hex'),
                 entry_hash = decode('{}', 'hex') where seq = {};",
            seal.key_id, seal.prev_hash, seal.entry_hash, entry.seq
        ));
        head = seal.entry_hash;
    }
    sql.push_str(
        "update policy_audit_head set checkpoint = null; delete from signing_keys; \
                  update workspace set undivided_until = now()",
    );
    tamper(store, &sql).await;
}

#[tokio::test]
async fn what_was_signed_before_keys_were_derived_keeps_verifying() {
    let options = testing::database().await;
    let before = with(&options, &["k1"]).await;
    stable(&before, Some("1.0.0"), 90).await;
    as_before(&before, &key("k1")).await;

    // The key that sealed the newest entry is the workspace's, whatever comes first in the ring.
    assert_missing(write(&with(&options, &["k2"]).await).await, "k1");
    let after = with(&options, &["k2", "k1"]).await;
    assert!(audit::verify(&after, &admin()).await.unwrap().valid);
    write(&after).await.unwrap();
    let verdict = audit::verify(&after, &admin()).await.unwrap();
    assert!(verdict.valid, "{verdict:?}");
    // A seal made with the secret itself from now on does not count.
    let mut newest = audit::list(&after, &admin(), &audit::Filter::default()).await.unwrap().items.remove(0);
    let seal = newest.seal.take().unwrap();
    assert_eq!(seal.key_id, "k1");
    let raw = seal_entry(&key("k1"), seal.prev_hash, &newest);
    let sql = format!(
        "update policy_lifecycle_audit set entry_hash = decode('{}', 'hex') where seq = {};
         update policy_audit_head set checkpoint = null",
        raw.entry_hash, newest.seq
    );
    tamper(&after, &sql).await;
    let flaw = audit::verify(&after, &admin()).await.unwrap().first_bad.unwrap();
    assert_eq!(flaw.seq, newest.seq, "{flaw:?}");
}

#[tokio::test]
async fn a_signature_counts_in_its_own_workspace_only() {
    let store = testing::store().await;
    let (_, packet) = approved(&store, Some("1.0.0"), 90).await;
    let action = &packet.actions[0];
    assert_eq!(signing::verify(&store.keys(), action), Ok(()));
    tamper(&store, "update workspace set id = gen_random_uuid()").await;
    let elsewhere = Store::connect((*store.pool().connect_options()).clone(), testing::keys()).await.unwrap();
    assert_eq!(signing::verify(&elsewhere.keys(), action), Err(SignatureError::Mismatch));
    assert_eq!(signing::verify(&testing::keys(), action), Err(SignatureError::Mismatch), "nor under the secret itself");
    let refused = rollout::apply(&elsewhere, &owner(), packet.bundle_id, &packet.packet_id, None).await.unwrap_err();
    assert_eq!(code(refused), Code::Conflict);
}

#[tokio::test]
async fn nothing_makes_older_signatures_count_again() {
    let store = testing::store().await;
    write(&store).await.unwrap();
    for sql in [
        "update workspace set undivided_until = now()",
        "delete from workspace",
        "delete from signing_keys",
        "update signing_keys set fingerprint = 'x'",
        "update signing_keys set state = 'next'",
    ] {
        let refused = sqlx::query(sql).execute(store.pool()).await;
        assert!(refused.is_err(), "{sql}");
    }
}

fn file() -> PathBuf {
    std::env::temp_dir().join(format!("countersign-checkpoint-{}.json", uuid::Uuid::now_v7()))
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_verified_is_not_overwritten() {
    let file = file();
    let other = with(&testing::database().await, &["k1"]).await.with_checkpoint_file(&file);
    write(&other).await.unwrap();
    audit::checkpoint(&other, 0).await.unwrap().unwrap();
    let unknown = std::fs::read(&file).unwrap();
    let edited = String::from_utf8(unknown.clone()).unwrap().replace("\"k1\"", "\"test\"").into_bytes();
    for content in [unknown, edited, b"{".to_vec(), Vec::new()] {
        std::fs::write(&file, &content).unwrap();
        let store = testing::store().await.with_checkpoint_file(&file);
        write(&store).await.unwrap();
        audit::checkpoint(&store, 0).await.unwrap().unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), content);
        let verdict = audit::verify(&store, &admin()).await.unwrap();
        assert!(!verdict.valid && verdict.first_bad.is_none(), "{verdict:?}");
        assert!(!verdict.checkpoint_problems.is_empty(), "{verdict:?}");
    }
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_new_key_is_known_to_all_before_it_is_used() {
    // The new key first, or the old one: the order in which a server names its keys decides nothing.
    for second_order in [["k1", "k2"], ["k2", "k1"]] {
        let options = testing::database().await;
        let (f, g) = (with(&options, &["k1"]).await, with(&options, &["k2", "k1"]).await);
        key_rotation::beat(&f, "f", ring(&["k1"])).await.unwrap();
        write(&f).await.unwrap();
        key_rotation::beat(&g, "g", ring(&["k2", "k1"])).await.unwrap();
        let waits = key_rotation::announce(&g, &admin(), &ring(&["k2", "k1"])).await.unwrap();
        assert_eq!(waits, Announced::Waiting(vec!["f".to_owned()]));
        write(&g).await.unwrap();
        assert_eq!((f.keys().current.id.as_str(), g.keys().current.id.as_str()), ("k1", "k1"));
        // What one signs, the other relies on: a packet approved on g enters service on f.
        let (bundle, packet) = approved(&g, None, 90).await;
        rollout::apply(&f, &owner(), bundle.id, &packet.packet_id, None).await.unwrap();
        assert!(audit::verify(&f, &admin()).await.unwrap().valid);

        key_rotation::beat(&f, "f", ring(&second_order)).await.unwrap();
        assert_eq!(f.keys().current.id, "k2", "every server has it now");
        // Until it looks again, g signs with the former key, which f still knows.
        write(&g).await.unwrap();
        write(&f).await.unwrap();
        assert!(audit::verify(&f, &admin()).await.unwrap().valid && audit::verify(&g, &admin()).await.unwrap().valid);
        key_rotation::beat(&g, "g", ring(&["k2", "k1"])).await.unwrap();
        assert_eq!(g.keys().current.id, "k2");
        write(&g).await.unwrap();
        assert!(audit::verify(&f, &admin()).await.unwrap().valid);

        // There is no way back, and no way around.
        let back = problem(key_rotation::announce(&f, &admin(), &ring(&["k1", "k2"])).await);
        assert!(back.code == Code::Conflict && back.detail.contains("replaced before"), "{back:?}");
        assert_missing(write(&with(&options, &["k1"]).await).await, "k2");
        let viewer = key_rotation::announce(&f, &author(), &ring(&["k3", "k2"])).await;
        assert_eq!(problem(viewer).code, Code::Forbidden);
    }
}

#[tokio::test]
async fn a_server_that_stopped_is_not_waited_for() {
    let options = testing::database().await;
    let (f, g) = (with(&options, &["k1"]).await, with(&options, &["k2", "k1"]).await);
    key_rotation::beat(&f, "f", ring(&["k1"])).await.unwrap();
    key_rotation::beat(&g, "g", ring(&["k2", "k1"])).await.unwrap();
    key_rotation::announce(&g, &admin(), &ring(&["k2", "k1"])).await.unwrap();
    let another = problem(key_rotation::announce(&g, &admin(), &ring(&["k3", "k2", "k1"])).await);
    assert!(another.code == Code::Conflict && another.detail.contains("`k2` waits"), "{another:?}");
    key_rotation::leave(&f).await.unwrap();
    key_rotation::beat(&g, "g", ring(&["k2", "k1"])).await.unwrap();
    assert_eq!(g.keys().current.id, "k2");
    // The one that starts again without the new key is refused.
    assert_missing(key_rotation::beat(&f, "f", ring(&["k1"])).await, "k2");
}

#[tokio::test]
async fn a_missing_key_is_named_and_never_reported_as_tampering() {
    let options = testing::database().await;
    let old = with(&options, &["k1"]).await;
    stable(&old, Some("1.0.0"), 90).await;
    let served = canary(&old, Some("1.1.0"), 80).await;
    serve(&old, served.id, 5).await;
    rollout::roll_back(&old, &owner(), served.id, rollback("too many errors here", false)).await.unwrap();
    let live = canary(&old, Some("1.2.0"), 80).await;
    serve(&old, live.id, 5).await;
    let draft = bundles::create(&old, &author(), source(Some("1.3.0"), 60)).await.unwrap();
    let waiting = submit(&old, draft.id).await;
    packets::act(&old, &approver(), &waiting.packet_id, Verdict::Approve, None).await.unwrap();
    let both = with(&options, &["k2", "k1"]).await;
    assert_eq!(key_rotation::announce(&both, &admin(), &ring(&["k2", "k1"])).await.unwrap(), Announced::InUse);
    write(&both).await.unwrap();

    let new = with(&options, &["k2"]).await;
    let verdict = audit::verify(&new, &admin()).await.unwrap();
    let first = verdict.first_bad.as_ref().unwrap();
    assert_eq!((verdict.valid, first.seq, first.flaw), (false, 1, Flaw::UnknownKey));
    for text in [&verdict.message, &first.detail] {
        assert!(text.contains("`k1`") && !text.contains("broken") && !text.contains("edited"), "{text}");
    }
    let shown = packets::get(&new, &author(), &waiting.packet_id).await.unwrap();
    assert!(shown.altered.iter().all(|text| text.contains("`k1`") && text.contains("cannot be verified")), "{shown:?}");
    assert!(!shown.altered.is_empty());
    let second = packets::act(&new, &safety(), &waiting.packet_id, Verdict::Approve, None).await;
    assert_missing(second, "k1");
    assert_missing(rollout::promote(&new, &owner(), live.id, 50).await, "k1");
    let status = rollout::canary_status(&new, &owner(), live.id).await.unwrap();
    assert!(!status.can_promote && status.blocked_by.iter().any(|why| why.contains("`k1`")), "{status:?}");
    assert_missing(drills::run(&new, &owner()).await, "k1");
    // An emergency is never refused for a key.
    rollout::roll_back(&new, &owner(), live.id, rollback("the canary is harmful", false)).await.unwrap();
    // A flaw beside the missing key is found all the same.
    tamper(
        &new,
        "update policy_lifecycle_audit set actor = 'mallory' where seq = (select max(seq) from policy_lifecycle_audit)",
    )
    .await;
    let worse = audit::verify(&new, &admin()).await.unwrap().first_bad.unwrap();
    assert_eq!(worse.flaw, Flaw::Edited, "{worse:?}");
}

/// A key that only verifies what others exported signs nothing here, not even for a holder of its secret.
#[tokio::test]
async fn only_keys_of_the_workspace_count_for_its_records() {
    let options = testing::database().await;
    let own = with(&options, &["k1"]).await;
    stable(&own, Some("1.0.0"), 90).await;
    let workspace: String = sqlx::query_scalar("select id::text from workspace").fetch_one(own.pool()).await.unwrap();
    let mut newest = audit::list(&own, &admin(), &audit::Filter::default()).await.unwrap().items.remove(0);
    let seal = newest.seal.take().unwrap();
    let foreign = ring(&["partner"]).bound_to(&workspace, None);
    let forged = seal_entry(&foreign.current, seal.prev_hash, &newest);
    let sql = format!(
        "update policy_lifecycle_audit set entry_hash = decode('{}', 'hex'), key_id = 'partner' where seq = {};
         update policy_audit_head set checkpoint = null; delete from policy_audit_checkpoints",
        forged.entry_hash, newest.seq
    );
    tamper(&own, &sql).await;
    let both = with(&options, &["k1", "partner"]).await;
    let verdict = audit::verify(&both, &admin()).await.unwrap();
    assert_eq!(verdict.first_bad.map(|bad| (bad.seq, bad.flaw)), Some((newest.seq, Flaw::UnknownKey)));
    // What it exported is verified.
    let now = policy::Timestamp::from(time::OffsetDateTime::now_utc());
    let theirs = source(Some("4.0.0"), 50);
    let export = export_with(&ring(&["partner"]), Algorithm::default(), &theirs, None, now, 24);
    let verdict = bundles::verify(&both, &author(), serde_json::to_value(export.unwrap()).unwrap()).await.unwrap();
    assert!(verdict.valid, "{verdict:?}");
}

#[tokio::test]
async fn a_key_that_was_replaced_signs_nothing_later() {
    let options = testing::database().await;
    let first = with(&options, &["k1"]).await;
    write(&first).await.unwrap();
    let store = with(&options, &["k2", "k1"]).await;
    assert_eq!(key_rotation::announce(&store, &admin(), &ring(&["k2", "k1"])).await.unwrap(), Announced::InUse);
    // A server that looks late may sign with it for a moment.
    write(&first).await.unwrap();
    assert!(audit::verify(&store, &admin()).await.unwrap().valid);
    let retired = async || -> (Option<time::OffsetDateTime>, i64) {
        let sql = "select max(retired_at), count(*) from signing_keys";
        sqlx::query_as(sql).fetch_one(store.pool()).await.unwrap()
    };
    let before = retired().await;
    assert!(before.0.is_some());
    for sql in [
        "update signing_keys set retired_at = null",
        "update signing_keys set retired_at = now() + interval '1 year'",
        "update signing_keys set state = 'current' where key_id = 'k1'",
        "insert into signing_keys (key_id, fingerprint, state) values ('k0', 'x', 'previous')",
    ] {
        let _refused = sqlx::query(sql).execute(store.pool()).await;
        assert_eq!(retired().await, before, "{sql}");
    }
    // Later, the old secret signs nothing.
    tamper(&store, "update signing_keys set retired_at = now() - interval '2 minutes' where key_id = 'k1'").await;
    let late = with(&options, &["k2", "k1"]).await;
    let flaw = audit::verify(&late, &admin()).await.unwrap().first_bad.unwrap();
    assert!(matches!(flaw.flaw, Flaw::Edited | Flaw::Forged), "{flaw:?}");
}

#[tokio::test]
async fn who_lacks_the_key_changes_nothing_at_all() {
    let options = testing::database().await;
    let first = with(&options, &["k1"]).await;
    write(&first).await.unwrap();
    let before =
        async |ring: Option<KeyRing>| key_check::check_before_migration(&options, || Ok::<_, store::Error>(ring)).await;
    assert_missing(before(Some(ring(&["k2"]))).await, "k1");
    assert_missing(before(None).await, "k1");
    let other = KeyRing { current: Key::new("k1", "another secret"), previous: Vec::new() };
    assert_eq!(problem(before(Some(other)).await).code, Code::UnknownKey);
    before(Some(ring(&["k2", "k1"]))).await.unwrap();

    let stranger = with(&options, &["k2"]).await;
    assert_missing(key_rotation::beat(&stranger, "stranger", ring(&["k2"])).await, "k1");
    let servers: i64 = sqlx::query_scalar("select count(*) from server_keys").fetch_one(first.pool()).await.unwrap();
    assert_eq!(servers, 0, "nobody waits for a server that was refused");

    // A name that is only guessed says nothing about the key of that name.
    let options = testing::database().await;
    let former = with(&options, &["main"]).await;
    write(&former).await.unwrap();
    let guessing =
        KeyRing { current: key("k2"), previous: vec![Key::guessed("main", "another secret, as long as it must be")] };
    let guessing = Store::connect(options, guessing).await.unwrap();
    assert_missing(key_check::check(&guessing).await, "main");
    let verdict = audit::verify(&guessing, &admin()).await.unwrap();
    assert_eq!(verdict.first_bad.map(|bad| bad.flaw), Some(Flaw::UnknownKey));
}
