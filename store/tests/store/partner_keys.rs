//! Public keys of partners: who brings one in, and whose files count because of it.

use lifecycle::{
    audit::EventType,
    authority::Role,
    problem::{Code, Problem},
    signing::{Key, KeyRing},
    transfer::{Algorithm, PartnerKeyStatus, Upload, Verdict, export::export_with},
};
use policy::Timestamp;
use serde_json::{Value, json};
use store::{
    Store, bundles,
    partner_keys::{self, NewPartnerKey},
    people, testing,
};

use crate::{fixtures::*, people::entries};

/// A partner's key.
fn partner() -> Key {
    Key::new("north", "a secret of the partner, long enough")
}

fn pasted(key: &Key) -> NewPartnerKey {
    NewPartnerKey { name: " North Ltd ".into(), public_key: key.public().public_key.to_uppercase() }
}

/// A bundle that the partner exported a moment ago.
fn file() -> Value {
    let ring = KeyRing { current: partner(), previous: Vec::new() };
    let now = Timestamp::from_unix_seconds(time::OffsetDateTime::now_utc().unix_timestamp());
    let source = policy::bundle::Source::read(json!({"version": "1.0.0", "rules": []})).unwrap();
    let export = export_with(&ring, Algorithm::Ed25519, &source, None, now, 24).unwrap();
    serde_json::from_str(&export.to_text()).unwrap()
}

async fn verdict(store: &Store) -> (Verdict, String) {
    let verification = bundles::verify(store, &author(), file()).await.unwrap();
    (verification.verdict, verification.message)
}

#[tokio::test]
async fn a_partners_file_counts_once_two_people_trust_its_key_and_until_it_is_removed() {
    let store = testing::store().await;
    let (before, message) = verdict(&store).await;
    assert_eq!(before, Verdict::UnknownKey);
    assert!(message.contains(&partner().public().key_id) && message.contains("Settings"), "{message}");

    let proposed = partner_keys::propose(&store, &admin(), &pasted(&partner())).await.unwrap();
    assert_eq!((proposed.status, proposed.name.as_str()), (PartnerKeyStatus::Proposed, "North Ltd"));
    assert_eq!(proposed.key, partner().public(), "in its one spelling");
    assert_eq!(verdict(&store).await.0, Verdict::UnknownKey, "it waits for a second person");
    let trusted = partner_keys::accept(&store, &safety(), proposed.id).await.unwrap();
    assert_eq!((trusted.status, trusted.decided_by), (PartnerKeyStatus::Trusted, Some(safety().name)));
    assert_eq!(verdict(&store).await.0, Verdict::Valid);
    let preview = bundles::preview_import(&store, &author(), Upload::parse(file()).unwrap()).await.unwrap();
    assert!(preview.draft.is_some());
    let imported = bundles::import(&store, &author(), Upload::parse(file()).unwrap()).await.unwrap();
    assert!(imported.verification.valid);
    // A key says nothing about files that were changed.
    let mut changed = file();
    changed["expires_at"] = json!("2099-01-01T00:00:00Z");
    let verification = bundles::verify(&store, &author(), changed).await.unwrap();
    assert_eq!(verification.verdict, Verdict::InvalidSignature);

    let removed = partner_keys::remove(&store, &admin(), proposed.id).await.unwrap();
    assert_eq!((removed.status, removed.removed_by), (PartnerKeyStatus::Removed, Some(admin().name)));
    assert_eq!(verdict(&store).await.0, Verdict::UnknownKey);
    assert_eq!(code(partner_keys::remove(&store, &admin(), proposed.id).await.unwrap_err()), Code::NotFound);
    let again = partner_keys::propose(&store, &admin(), &pasted(&partner())).await.unwrap();
    assert_eq!(partner_keys::list(&store, &author()).await.unwrap().len(), 2, "both stay in the list");
    assert_ne!(again.id, proposed.id);
    for event in [EventType::PartnerKeyProposed, EventType::PartnerKeyAccepted, EventType::PartnerKeyRemoved] {
        let entry = &entries(&store, event).await[0];
        assert_eq!(entry.detail["key_id"], partner().public().key_id, "{event:?}");
    }
}

#[tokio::test]
async fn nobody_brings_a_key_in_alone() {
    let store = testing::store_without_people().await;
    let add = async |email: &str, roles: &[Role]| {
        let roles = roles.iter().copied().collect();
        let person = people::add(&store, &host(), email, email, roles, "a good password").await.unwrap();
        person.actor(lifecycle::authority::Via::Session)
    };
    let both = add("both@x", &[Role::Admin, Role::SafetyOwner]).await;
    let sue = add("sue@x", &[Role::SafetyOwner]).await;
    add("boss@x", &[Role::Admin]).await;
    let key = partner_keys::propose(&store, &both, &pasted(&partner())).await.unwrap();
    assert_eq!(code(partner_keys::accept(&store, &both, key.id).await.unwrap_err()), Code::Forbidden);
    let twice = partner_keys::propose(&store, &both, &pasted(&partner())).await.unwrap_err();
    assert_eq!(code(twice), Code::Conflict, "it waits already");
    // What is proposed counts only while its proposer could still propose it.
    people::set_roles(&store, &host(), "both@x", [Role::Viewer].into()).await.unwrap();
    assert_eq!(code(partner_keys::accept(&store, &sue, key.id).await.unwrap_err()), Code::Conflict);
    let rejected = partner_keys::reject(&store, &sue, key.id).await.unwrap();
    assert_eq!(rejected.status, PartnerKeyStatus::Rejected);
    assert_eq!(
        code(partner_keys::accept(&store, &sue, key.id).await.unwrap_err()),
        Code::InvalidTransition,
        "it is decided"
    );
    assert_eq!(entries(&store, EventType::PartnerKeyRejected).await.len(), 1);
    let changed = "update partner_keys set decision = 'accepted', decided_by = 'sue@x'";
    assert!(sqlx::query(changed).execute(store.pool()).await.is_err(), "a decision is final");
}

#[tokio::test]
async fn what_is_no_key_is_refused_with_its_member() {
    let store = testing::store().await;
    let good = partner().public().public_key;
    let weak = format!("01{}", "00".repeat(31));
    for (name, key, pointer) in [
        ("", good.as_str(), "/name"),
        ("a\u{7}b", &good, "/name"),
        ("North", "", "/public_key"),
        ("North", "https://north.example/.well-known/countersign-keys", "/public_key"),
        ("North", &good[2..], "/public_key"),
        // Anybody can sign for a key of small order.
        ("North", &weak, "/public_key"),
    ] {
        let new = NewPartnerKey { name: name.into(), public_key: key.into() };
        let problem = Problem::from(partner_keys::propose(&store, &admin(), &new).await.unwrap_err());
        assert_eq!((problem.code, problem.errors[0].pointer.as_str()), (Code::InvalidField, pointer), "{key}");
    }
}

#[tokio::test]
async fn neither_the_workspaces_own_key_nor_a_name_that_nobody_sees_is_a_partners() {
    let store = testing::store().await;
    let own = pasted(store.keys().all().next().unwrap());
    let refused = Problem::from(partner_keys::propose(&store, &admin(), &own).await.unwrap_err());
    assert_eq!((refused.code, refused.errors[0].pointer.as_str()), (Code::InvalidField, "/public_key"));
    for name in ["\u{200b}", "a\u{202e}b", " "] {
        let unseen = NewPartnerKey { name: name.into(), ..pasted(&partner()) };
        let refused = Problem::from(partner_keys::propose(&store, &admin(), &unseen).await.unwrap_err());
        assert_eq!((refused.code, refused.errors[0].pointer.as_str()), (Code::InvalidField, "/name"), "{name:?}");
    }
}

#[tokio::test]
async fn of_proposals_of_one_key_at_once_one_is_taken_and_the_others_conflict() {
    let store = testing::store().await;
    let tries = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { partner_keys::propose(&store, &admin(), &pasted(&partner())).await })
    });
    let mut taken = 0;
    for tried in tries.collect::<Vec<_>>() {
        match tried.await.unwrap() {
            Ok(_) => taken += 1,
            Err(error) => assert_eq!(Problem::from(error).code, Code::Conflict),
        }
    }
    assert_eq!(taken, 1);
}
