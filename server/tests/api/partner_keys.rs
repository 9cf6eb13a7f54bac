//! `/partner-keys`: public keys of partners, whose signed files count here.

use lifecycle::{
    authority::Role,
    signing::{Key, KeyRing},
    transfer::{Algorithm, export::export_with},
};
use policy::Timestamp;
use serde_json::{Value, json};

use crate::support::{Workspace, bundle};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_partner_is_imported_once_its_key_is_countersigned() {
    let workspace = Workspace::new().await;
    let (admin, author) = (workspace.caller(Role::Admin).await, workspace.caller(Role::Author).await);
    let owner = workspace.caller(Role::SafetyOwner).await;
    let key = Key::new("north", "a secret of the partner, long enough");
    let ring = KeyRing { current: key.clone(), previous: Vec::new() };
    let now = Timestamp::from_unix_seconds(time::OffsetDateTime::now_utc().unix_timestamp());
    let source = policy::bundle::Source::read(bundle("1.0.0", "deny")).unwrap();
    let export = export_with(&ring, Algorithm::Ed25519, &source, None, now, 24).unwrap();
    let file: Value = serde_json::from_str(&export.to_text()).unwrap();

    let refused = author.post("/policy/bundles/import", file.clone()).await.problem(400, "invalid_signature");
    assert_eq!((&refused["verdict"], &refused["key_id"]), (&json!("unknown_key"), &json!(key.public().key_id)));
    let wrong = json!({"name": "North", "public_key": "https://north.example"});
    admin.post("/partner-keys", wrong).await.problem(422, "invalid_field");
    let pasted = json!({"name": "North", "public_key": key.public().public_key});
    let proposed = admin.post("/partner-keys", pasted.clone()).await.expect(201);
    admin.post("/partner-keys", pasted).await.problem(409, "conflict");
    let path = format!("/partner-keys/{}", proposed["id"]);
    admin.post(&format!("{path}/accept"), Value::Null).await.problem(403, "forbidden");
    let trusted = owner.post(&format!("{path}/accept"), Value::Null).await.expect(200);
    assert_eq!(trusted["status"], "trusted");
    let listed = author.get("/partner-keys").await.expect(200);
    assert_eq!(listed["keys"][0], trusted);
    author.post("/policy/bundles/import", file.clone()).await.expect(201);

    let removed = admin.send(http::Method::DELETE, &path, &[], axum::body::Body::empty()).await.expect(200);
    assert_eq!(removed["status"], "removed");
    let verified = author.post("/policy/bundles/verify", file).await.expect(200);
    assert_eq!(verified["verdict"], "unknown_key");
    owner.post("/partner-keys/99/reject", Value::Null).await.problem(404, "not_found");
    owner.post("/partner-keys/x/reject", Value::Null).await.problem(404, "not_found");
}
