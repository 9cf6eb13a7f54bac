//! Export, verification and import of signed bundles: the runbook's "Import Failed" section, line by line.

use axum::body::Body;
use http::Method;
use lifecycle::{
    authority::Role,
    signing::KeyRing,
    transfer::{Export, export},
};
use serde_json::{Value, json};

use crate::support::{Caller, Workspace, bundle};

async fn draft(author: &Caller<'_>, version: &str) -> i64 {
    author.post("/policy/bundles", bundle(version, "deny")).await.expect(201)["id"].as_i64().unwrap()
}

/// A file that the keys of the test store signed at `now`.
fn signed(keys: &KeyRing, version: &str, now: &str) -> Export {
    let source = policy::bundle::Source::read(bundle(version, "allow")).unwrap();
    export(keys, &source, Some("ada@elsewhere.example"), now.parse().unwrap(), 24).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_exported_and_imported_by_another_instance() {
    let (here, there) = (Workspace::new().await, Workspace::new().await);
    let (author, importer) = (here.caller(Role::Author).await, there.caller(Role::Author).await);
    let id = draft(&author, "2.1.0").await;
    let reply = author.get(&format!("/policy/bundles/{id}/export/download?expiry_hours=48")).await;
    assert_eq!(reply.headers["content-disposition"], "attachment; filename=\"policy-bundle-2.1.0.json\"");
    let file = reply.text.clone();
    let export = reply.expect(200);
    for name in ["format_version", "algorithm", "key_id", "bundle", "digest", "exported_at", "expires_at", "signature"]
    {
        assert!(export.get(name).is_some(), "{name} in {export}");
    }
    assert_eq!((&export["format_version"], export.as_object().unwrap().len()), (&json!("1.0"), 8));
    let shown = author.get(&format!("/policy/bundles/{id}/export")).await.expect(200);
    assert_eq!(shown["bundle"], export["bundle"]);

    // The runbook sends the file as `curl -d @file` does: as a form, without its line breaks.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let sent = importer.send(Method::POST, "/policy/bundles/verify", &form, Body::from(file.clone())).await.expect(200);
    assert_eq!((&sent["verdict"], &sent["valid"], &sent["version"]), (&json!("valid"), &json!(true), &json!("2.1.0")));

    let preview = importer
        .send(Method::POST, "/policy/bundles/import?dry_run=true", &form, Body::from(file.clone()))
        .await
        .expect(200);
    assert_eq!(preview["draft"]["version"], "2.1.0");
    assert_eq!(there.caller(Role::Viewer).await.get("/policy/bundles").await.expect(200)["bundles"], json!([]));

    let imported =
        importer.send(Method::POST, "/policy/bundles/import", &form, Body::from(file.clone())).await.expect(201);
    assert_eq!(
        (&imported["state"], &imported["version"], &imported["active"]),
        (&json!("draft"), &json!("2.1.0"), &json!(false))
    );
    assert_eq!(imported["digest"], export["digest"]);
    assert!(imported["lint"]["summary"]["total_rules"] == 1, "{imported}");
    let path = format!("/policy/bundles/{}", imported["id"]);
    let provenance = importer.get(&path).await.expect(200)["provenance"].clone();
    assert_eq!((&provenance["signed"], &provenance["key_id"]), (&json!(true), &export["key_id"]));
    assert_eq!(
        (&provenance["imported_by"], &provenance["created_by"]),
        (&json!("author@example.com"), &json!("author@example.com"))
    );
    assert_eq!((&provenance["signature"], &provenance["exported_at"]), (&export["signature"], &export["exported_at"]));

    // A bundle can be saved as it was read: its origin is not for the author to change.
    let mut edited = importer.get(&path).await.expect(200);
    edited["provenance"] = Value::Null;
    importer.put(&path, Some("\"1\""), edited).await.expect(200);
    assert_eq!(importer.get(&path).await.expect(200)["provenance"], provenance);

    // "Version exists": import it under another number.
    let again = importer.send(Method::POST, "/policy/bundles/import", &form, Body::from(file.clone())).await;
    let problem = again.problem(409, "version_exists");
    assert!(problem["detail"].as_str().unwrap().contains("import_as_version"), "{problem}");
    assert!(problem["next"].is_string(), "{problem}");
    let mut renamed: Value = serde_json::from_str(&file).unwrap();
    renamed["import_as_version"] = json!("2.1.1");
    let renamed = importer.post("/policy/bundles/import", renamed).await.expect(201);
    assert_eq!((&renamed["version"], &renamed["provenance"]["version"]), (&json!("2.1.1"), &json!("2.1.0")));
    let by_query = "/policy/bundles/import?import_as_version=2.1.2";
    let renamed = importer.send(Method::POST, by_query, &form, Body::from(file)).await.expect(201);
    assert_eq!(renamed["version"], "2.1.2");

    let entries = here.caller(Role::Viewer).await.get("/policy/audit?event_type=exported").await.expect(200);
    assert_eq!(entries["entries"].as_array().unwrap().len(), 2, "{entries}");
    let entries = there.caller(Role::Viewer).await.get("/policy/audit?event_type=draft_created").await.expect(200);
    assert_eq!(entries["entries"].as_array().unwrap().len(), 3, "{entries}");
    assert_eq!(entries["entries"][2]["detail"]["provenance"]["signature"], export["signature"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_files_are_answered_with_the_verdict() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    let keys = store::testing::keys();
    let now = "2026-01-01T00:00:00Z";
    let mut tampered = json!(signed(&keys, "2.1.0", now));
    tampered["expires_at"] = json!("2099-01-01T00:00:00Z");
    let mut unknown = json!(signed(&keys, "2.1.0", now));
    unknown["key_id"] = json!("nobody-has-this");
    let mut incomplete = json!(signed(&keys, "2.1.0", now));
    incomplete.as_object_mut().unwrap().remove("digest");
    let foreign = json!({
        "bundle": bundle("2.1.0", "deny"), "signature": "00", "exported_at": now, "expires_at": now, "format_version": "1.0",
    });
    for (file, verdict, unsigned) in [
        (json!(signed(&keys, "2.1.0", now)), "signature_expired", false),
        (tampered, "invalid_signature", false),
        (unknown, "unknown_key", false),
        (incomplete, "malformed", false),
        (foreign, "malformed", true),
        (bundle("2.1.0", "deny"), "malformed", true),
        (json!(7), "malformed", false),
    ] {
        let judged = author.post("/policy/bundles/verify", file.clone()).await.expect(200);
        assert_eq!((&judged["verdict"], &judged["valid"]), (&json!(verdict), &json!(false)), "{judged}");
        assert_eq!(judged["unsigned"], unsigned, "{judged}");
        let problem = author.post("/policy/bundles/import", file).await.problem(400, "invalid_signature");
        assert_eq!(problem["verdict"], verdict, "{problem}");
    }
    let reply = author.send(Method::POST, "/policy/bundles/verify", &[], Body::from("{\"bundle\":")).await;
    assert_eq!(reply.problem(400, "malformed_json")["verdict"], "malformed");
    let listed = author.get("/policy/bundles").await.expect(200);
    assert_eq!(listed["bundles"], json!([]), "nothing was imported");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsigned_bundle_is_imported_on_request() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    let foreign = json!({
        "bundle": bundle("2.1.0", "deny"), "signature": "00", "exported_at": "2026-01-01T00:00:00Z", "unsigned": true,
    });
    let imported = author.post("/policy/bundles/import", foreign).await.expect(201);
    assert_eq!((&imported["state"], &imported["provenance"]["signed"]), (&json!("draft"), &json!(false)));
    assert_eq!(imported["provenance"]["signature"], Value::Null, "a signature that proves nothing is not kept");
    let bare = json!({"bundle": bundle("2.2.0", "deny"), "unsigned": true, "import_as_version": "2.1.1"});
    assert_eq!(author.post("/policy/bundles/import", bare).await.expect(201)["version"], "2.1.1");
    // A file with an invalid signature of this instance is not imported as an unsigned one either.
    let mut expired = json!(signed(&store::testing::keys(), "3.0.0", "2026-01-01T00:00:00Z"));
    expired["unsigned"] = json!(true);
    author.post("/policy/bundles/import", expired).await.problem(400, "invalid_signature");
    let wrong = json!({"bundle": {"rules": 7}, "unsigned": true});
    let problem = author.post("/policy/bundles/import", wrong).await.problem(422, "invalid_field");
    assert_eq!(problem["errors"][0]["pointer"], "/bundle/rules", "{problem}");
    let wrong = json!({"bundle": bundle("2.2.0", "deny"), "unsigned": true, "import_as_version": "next"});
    author.post("/policy/bundles/import", wrong).await.problem(422, "invalid_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn expiry_hours_have_bounds_and_unknown_bundles_are_not_found() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    let id = draft(&author, "2.1.0").await;
    for hours in ["0", "721", "-1", "day", "1.5"] {
        author.get(&format!("/policy/bundles/{id}/export?expiry_hours={hours}")).await.problem(422, "invalid_field");
    }
    for hours in ["1", "720"] {
        author.get(&format!("/policy/bundles/{id}/export?expiry_hours={hours}")).await.expect(200);
    }
    author.get("/policy/bundles/999/export").await.problem(404, "not_found");
}
