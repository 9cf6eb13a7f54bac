//! People, tokens and sessions over HTTP, and the mail that carries their links.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use axum::body::Body;
use http::Method;
use lifecycle::authority::Role;
use serde_json::{Value, json};
use server::mail::SmtpArguments;

use crate::support::{Caller, Workspace, own_token, program};

fn caller<'a>(workspace: &'a Workspace, token: &str) -> Caller<'a> {
    Caller { workspace, token: Some(token.to_owned()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_a_token_that_acts_as_another_person() {
    let workspace = Workspace::new().await;
    let (admin, approver) = (workspace.caller(Role::Admin).await, workspace.caller(Role::Approver).await);
    for (body, pointer) in [
        (json!({"name": "x", "email": "approver@example.com", "roles": ["approver"]}), "/email"),
        (json!({"name": "x", "roles": ["approver"], "agents": ["*"]}), "/roles"),
        (json!({"name": "x", "agents": ["*"], "expires_at": null, "email": "admin@example.com"}), "/email"),
        (json!({"name": "x", "agents": ["*"], "expires_at": "2099-01-01T00:00:00Z"}), "/expires_at"),
        (json!({"name": "x"}), "/agents"),
        (json!({"name": "x", "agents": ["Not An Agent"]}), "/agents/0"),
    ] {
        let problem = admin.post("/tokens", body.clone()).await.problem(422, "invalid_field");
        assert!(problem.to_string().contains(pointer), "{body}: {problem}");
    }
    let made = admin.post("/tokens", json!({"name": "agent", "agents": ["inbox.*"]})).await.expect(201);
    assert_eq!(made["details"]["roles"], json!(["service"]));
    assert!(made["details"]["expires_at"].is_string(), "{made}");

    let own = approver.post("/me/tokens", json!({"name": "phone", "roles": ["approver"]})).await.expect(201);
    let through = caller(&workspace, own["token"].as_str().unwrap());
    let me = through.get("/me").await.expect(200);
    assert_eq!(
        (&me["email"], &me["credential"]),
        (&json!("approver@example.com"), &json!(format!("token:{}", own["details"]["id"])))
    );
    let more = approver.post("/me/tokens", json!({"name": "phone", "roles": ["admin"]})).await;
    more.problem(422, "invalid_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_asks_and_reports_for_its_own_agents_only() {
    let workspace = Workspace::new().await;
    let inbox = program(&workspace.store, "inbox agent", &["inbox.*"]).await;
    let inbox = caller(&workspace, &inbox);
    let all = workspace.caller(Role::Service).await;
    let ask = |agent: &str| json!({"agent": agent, "action": "quarantine"});

    let decided = inbox.post("/policy/evaluate", ask("inbox.triage")).await.expect(200);
    let problem = inbox.post("/policy/evaluate", ask("billing")).await.problem(403, "forbidden");
    assert_eq!(problem["pointer"], "/agent");
    let batch = json!({"requests": [ask("inbox.triage"), ask("billing")]});
    let problem = inbox.post("/policy/evaluate/batch", batch).await.problem(403, "forbidden");
    assert_eq!(problem["pointer"], "/requests/1/agent");
    let viewer = workspace.caller(Role::Viewer).await;
    let log = viewer.get("/policy/decisions").await.expect(200);
    assert_eq!(log["decisions"].as_array().unwrap().len(), 1, "a refused batch leaves nothing: {log}");

    let id = decided["decision_id"].as_str().unwrap();
    let report = format!("/policy/decisions/{id}/outcome");
    all.post(&report, json!({"status": "ok"})).await.problem(403, "forbidden");
    let done =
        all.post("/policy/outcomes", json!({"outcomes": [{"decision_id": id, "status": "ok"}]})).await.expect(200);
    assert_eq!((&done["recorded"], &done["refused"]), (&json!(0), &json!([id])));
    let record = inbox.post(&report, json!({"status": "ok"})).await.expect(200);
    assert_eq!(record["outcome"]["status"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_person_signs_in_and_is_thrown_out_when_disabled() {
    let workspace = Workspace::new().await;
    let admin = workspace.caller(Role::Admin).await;
    let new = json!({"email": "Ann@Example.com", "name": "Ann", "roles": ["author"]});
    let invited = admin.post("/users", new).await.expect(201);
    let id = &invited["user"]["id"];
    let url = invited["invitation"]["url"].as_str().unwrap();
    assert_eq!(invited["invitation"]["sent"], false);
    let code = url.strip_prefix("http://127.0.0.1:3119/join?code=").unwrap_or_else(|| panic!("{url}"));

    let page = workspace
        .stranger()
        .send(Method::GET, &format!("/join?code={code}"), &[("accept", "text/html")], Body::empty())
        .await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Choose your password") && page.text.contains("ann@example.com"), "{}", page.text);
    let form = Body::from(format!("code={code}&password=words+of+my+own"));
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let joined = workspace.stranger().send(Method::POST, "/api/session/join", &kind, form).await;
    assert!(joined.status.is_success() || joined.status.is_redirection(), "{} {}", joined.status, joined.text);
    let cookie = joined.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let headers = [("cookie", cookie.as_str()), ("user-agent", "Firefox")];
    let me = workspace.stranger().send(Method::GET, "/me", &headers, Body::empty()).await.expect(200);
    assert_eq!(me["email"], "ann@example.com");
    assert!(me["credential"].as_str().unwrap().starts_with("session:"), "{me}");
    let sessions = workspace.stranger().send(Method::GET, "/me/sessions", &headers, Body::empty()).await.expect(200);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(sessions["sessions"][0]["current"], true);

    let disabled = admin.post(&format!("/users/{id}/disable"), Value::Null).await.expect(200);
    assert_eq!(disabled["ended_sessions"], 1);
    workspace.stranger().send(Method::GET, "/me", &headers, Body::empty()).await.problem(401, "unauthenticated");
    admin.post(&format!("/users/{id}/enable"), Value::Null).await.expect(200);
    workspace.stranger().send(Method::GET, "/me", &headers, Body::empty()).await.problem(401, "unauthenticated");
    admin.post("/users/999999/disable", Value::Null).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handed_over_account_signs_nothing_for_a_day() {
    let workspace = Workspace::new().await;
    let admin = workspace.caller(Role::Admin).await;
    let owner = workspace.caller(Role::SafetyOwner).await;
    let users = admin.get("/users").await.expect(200);
    let found = users["users"].as_array().unwrap().iter().find(|user| user["email"] == "safety_owner@example.com");
    let id = &found.unwrap()["id"];
    let reset = admin.post(&format!("/users/{id}/reset"), json!({})).await.expect(200);
    assert_eq!(reset["revoked_tokens"].as_array().unwrap().len(), 1);
    assert!(reset["user"]["signs_from"].is_string(), "{reset}");
    owner.get("/me").await.problem(401, "unauthenticated");
    let fresh = own_token(&workspace.store, "safety_owner@example.com", "fresh", [Role::SafetyOwner].into()).await;
    let fresh = caller(&workspace, &fresh);
    fresh.get("/policy/system").await.expect(200);
    let refused = fresh.post("/policy/system/pause", json!({"reason": "margins fall"})).await.problem(403, "forbidden");
    assert!(refused["signs_from"].is_string(), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_counted_and_audited() {
    let workspace = Workspace::new().await;
    let viewer = workspace.caller(Role::Viewer).await;
    for _ in 0..3 {
        viewer.post("/policy/system/pause", json!({"reason": "margins fall"})).await.problem(403, "forbidden");
    }
    let service = workspace.caller(Role::Viewer).await;
    service.post("/policy/evaluate", json!({"agent": "a", "action": "b"})).await.problem(403, "forbidden");
    store::audit_refusals(&workspace.store).await.unwrap();
    let entries = viewer.get("/policy/audit?event_type=access_refused").await.expect(200);
    let entry = &entries["entries"][0];
    assert_eq!((&entry["subject_id"], &entry["detail"]["count"]), (&json!("viewer@example.com"), &json!(4)));
    let metrics = viewer.get("/metrics").await;
    assert!(metrics.text.contains("policy_refused_requests_total 4"), "{}", metrics.text);
    assert!(metrics.text.contains("policy_sign_in_failures_total 0"), "{}", metrics.text);
}

/// The cookie of a person who signs in.
async fn cookie(workspace: &Workspace, email: &str, roles: &[Role]) -> String {
    let roles = roles.iter().copied().collect();
    store::people::add(&workspace.store, &crate::support::admin(), email, "Ann", roles, "a long password")
        .await
        .unwrap();
    let form = Body::from(format!("email={}&password=a+long+password", email.replace('@', "%40")));
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let reply = workspace.stranger().send(Method::POST, "/api/session/sign-in", &kind, form).await;
    reply.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_made_in_a_session_needs_the_password_and_ends_with_signing_out_everywhere() {
    let workspace = Workspace::new().await;
    let cookie = cookie(&workspace, "ann@example.com", &[Role::Author]).await;
    let headers = [("cookie", cookie.as_str())];
    let make = async |password: Value| {
        let body = json!({"name": "ci", "roles": ["author"], "password": password}).to_string();
        workspace.stranger().send(Method::POST, "/me/tokens", &headers, Body::from(body)).await
    };
    for wrong in [Value::Null, json!("a wrong password")] {
        let problem = make(wrong).await.problem(422, "invalid_field");
        assert!(problem.to_string().contains("/password"), "{problem}");
    }
    let made = make(json!("a long password")).await.expect(201);
    let through = caller(&workspace, made["token"].as_str().unwrap());
    through.get("/me").await.expect(200);
    let ended = workspace.stranger().send(Method::DELETE, "/me/sessions", &headers, Body::empty()).await.expect(200);
    assert_eq!((&ended["ended_sessions"], &ended["revoked_tokens"]), (&json!(1), &json!(1)));
    through.get("/me").await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_form_posts_and_throttled_sign_ins_are_counted() {
    let workspace = Workspace::new().await;
    let cookie = cookie(&workspace, "vic@example.com", &[Role::Viewer]).await;
    let headers = [
        ("cookie", cookie.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept", "text/html"),
        ("referer", "http://127.0.0.1:3119/rollouts"),
    ];
    let form = Body::from("reason=margins+fall");
    let reply = workspace.stranger().send(Method::POST, "/api/system/pause", &headers, form).await;
    assert!(reply.status.is_redirection(), "{} {}", reply.status, reply.text);
    assert!(reply.headers.get("x-countersign-refused").is_none());
    store::audit_refusals(&workspace.store).await.unwrap();
    let viewer = workspace.caller(Role::Viewer).await;
    let entries = viewer.get("/policy/audit?event_type=access_refused").await.expect(200);
    let entry = &entries["entries"][0];
    assert_eq!((&entry["subject_id"], &entry["detail"]["count"]), (&json!("vic@example.com"), &json!(1)), "{entries}");
    assert!(entry["detail"]["credential"].as_str().unwrap().starts_with("session:"), "{entry}");

    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let mut throttled = 0;
    for _ in 0..70 {
        let reply = workspace.stranger().send(Method::POST, "/api/session/sign-in", &kind, Body::empty()).await;
        throttled += u64::from(reply.status == 429);
    }
    assert!(throttled > 0);
    assert_eq!(workspace.store.refusals().sign_ins(), throttled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_events_ends_with_its_token() {
    let workspace = Workspace::new().await;
    let viewer = workspace.caller(Role::Viewer).await;
    let admin = workspace.caller(Role::Admin).await;
    let owner = workspace.caller(Role::SafetyOwner).await;
    let tokens = admin.get("/tokens").await.expect(200);
    let of_viewer = tokens["tokens"].as_array().unwrap().iter().find(|token| token["name"] == "viewer").unwrap();
    let path = format!("/tokens/{}", of_viewer["id"]);
    let stop = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        admin.send(Method::DELETE, &path, &[], Body::empty()).await.expect(200);
        owner.post("/policy/system/pause", json!({"reason": "margins fall"})).await.expect(200);
    };
    // The answer is complete only once the stream has ended.
    let (reply, ()) = tokio::join!(viewer.get("/events"), stop);
    assert_eq!(reply.text.matches("event: live").count(), 1, "{}", reply.text);
}

/// A mail server that prints what it gets.
struct MailServer {
    child: Child,
    port: u16,
    letters: Receiver<Value>,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

impl MailServer {
    fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let python = Command::new(root.join("scripts/ensure-mail-server")).output().unwrap();
        assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
        let mut child = Command::new(String::from_utf8(python.stdout).unwrap().trim())
            .arg(root.join("server/tests/api/mail_server.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        let (send, letters) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if send.send(serde_json::from_str(&line).unwrap()).is_err() {
                    return;
                }
            }
        });
        Self { child, port, letters }
    }

    /// The next letter about this, with its lines joined again.
    fn letter_about(&self, what: &str) -> Value {
        loop {
            let letter = self.letter();
            if letter["content"].as_str().unwrap().contains(what) {
                return letter;
            }
        }
    }

    /// The next letter, with its lines joined again.
    fn letter(&self) -> Value {
        let mut letter = self.letters.recv_timeout(Duration::from_secs(20)).unwrap();
        let content = letter["content"].as_str().unwrap().replace("=\r\n", "").replace("=3D", "=");
        letter["content"] = content.into();
        letter
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_go_by_mail_to_their_person_alone() {
    let mail = tokio::task::spawn_blocking(MailServer::start).await.unwrap();
    let workspace = Workspace::with(|settings| {
        settings.public_url = Some("https://policy.example.com".parse().unwrap());
        settings.smtp = SmtpArguments {
            smtp_url: Some(format!("smtp://127.0.0.1:{}", mail.port)),
            smtp_from: Some("Countersign <policy@example.com>".to_owned()),
        };
    })
    .await;
    let admin = workspace.caller(Role::Admin).await;
    workspace.caller(Role::SafetyOwner).await;
    let new = |email: &str| json!({"email": email, "name": "Ann Lee", "roles": ["author"]});
    let invited = admin.post("/users", new("ann@example.com")).await.expect(201);
    assert_eq!((&invited["invitation"]["sent"], invited["invitation"].get("url")), (&json!(true), None));
    let letter = mail.letter();
    assert_eq!((&letter["from"], &letter["to"]), (&json!("policy@example.com"), &json!(["ann@example.com"])));
    let text = letter["content"].as_str().unwrap();
    let at = text.find("https://policy.example.com/join?code=").unwrap_or_else(|| panic!("{text}"));
    let code: String = text[at..]
        .trim_start_matches("https://policy.example.com/join?code=")
        .chars()
        .take_while(|c| c.is_alphanumeric())
        .collect();
    let ann = store::people::redeem(&workspace.store, &code, "words of my own").await.unwrap().person;
    assert_eq!(ann.email, "ann@example.com");

    // A reset link by mail changes nothing; one to hand over is announced to the safety owners.
    let reset = format!("/users/{}/reset", ann.id);
    let sent = admin.post(&reset, json!({})).await.expect(200);
    assert_eq!(sent["reset"]["sent"], true);
    assert_eq!(mail.letter_about("started a new password")["to"], json!(["ann@example.com"]));
    let handed = admin.post(&reset, json!({"hand_over": true})).await.expect(200);
    assert!(handed["reset"]["url"].as_str().unwrap().starts_with("https://policy.example.com/join?code="));
    assert_eq!(mail.letter_about("link to hand over")["to"], json!(["safety_owner@example.com"]));
    assert_eq!(mail.letter_about("This is your account")["to"], json!(["ann@example.com"]), "she gets a letter, too");

    let refused = admin.post("/users", new("nobody@example.com")).await.expect(201);
    assert_eq!(refused["invitation"]["sent"], false);
    let why = refused["invitation"]["mail_error"].as_str().unwrap();
    assert!(why.contains("no such mailbox") && refused["invitation"].get("url").is_none(), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_with_tls_cookies_are_secure_and_metrics_need_a_token() {
    let workspace = Workspace::with(|settings| {
        settings.public_url = Some("https://policy.example.com".parse().unwrap());
    })
    .await;
    store::people::add(
        &workspace.store,
        &crate::support::admin(),
        "ann@example.com",
        "Ann",
        [Role::Viewer].into(),
        "a long password",
    )
    .await
    .unwrap();
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let form = Body::from("email=ann%40example.com&password=a+long+password");
    let reply = workspace.stranger().send(Method::POST, "/api/session/sign-in", &kind, form).await;
    let cookie = reply.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-countersign_session=") && cookie.contains("Secure"), "{cookie}");
    workspace.stranger().get("/metrics").await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_open_page_fetches_prolongs_no_session_unless_a_person_is_at_it() {
    let workspace = Workspace::new().await;
    let cookie = cookie(&workspace, "ann@example.com", &[Role::Viewer]).await;
    let at_the_page = format!("{cookie}; at_the_page=1");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let script = ("sec-fetch-mode", "cors");
    for (path, cookies, used) in [
        ("/api/live/frame", &cookie, false),
        ("/api/home/overview", &cookie, false),
        ("/api/decisions/list", &cookie, false),
        ("/api/home/overview", &at_the_page, true),
    ] {
        sqlx::query("update sessions set last_seen_at = now() - interval '2 hours'")
            .execute(workspace.store.pool())
            .await
            .unwrap();
        let headers = [("cookie", cookies.as_str()), form, script];
        let reply = workspace.stranger().send(Method::POST, path, &headers, Body::empty()).await;
        assert_ne!(reply.status, 401, "{path}");
        let seen: bool = sqlx::query_scalar("select last_seen_at > now() - interval '1 hour' from sessions")
            .fetch_one(workspace.store.pool())
            .await
            .unwrap();
        assert_eq!(seen, used, "{path} {cookies}");
    }
}
