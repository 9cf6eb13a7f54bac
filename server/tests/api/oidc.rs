//! Signing in through a real OpenID Connect provider.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use axum::body::Body;
use http::{Method, Request, header};
use lifecycle::authority::{GroupRoles, Role};
use reqwest::{Client, Url, redirect::Policy};
use serde_json::{Value, json};
use server::{jobs, oidc::OidcArguments};

use crate::support::{Reply, Workspace, admin};

const HERE: &str = "http://127.0.0.1:3119";

/// The provider, with the people that a test sets.
struct Provider {
    child: Child,
    issuer: String,
    client: Client,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

impl Provider {
    fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let fetched = Command::new(root.join("scripts/ensure-test-packages")).output().unwrap();
        assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
        let mut child = Command::new("node")
            .arg(root.join("end2end/support/provider.mjs"))
            .arg(format!("{HERE}/oidc/callback"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let issuer = lines.next().unwrap().unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().redirect(Policy::none()).no_proxy().tls_certs_only([]).build().unwrap();
        Self { child, issuer, client }
    }

    async fn set(&self, what: Value) {
        let sent = self.client.put(format!("{}/test", self.issuer)).body(what.to_string()).send().await.unwrap();
        assert!(sent.status().is_success());
    }

    /// Ann and Ben are known, and Ann is who signs in.
    async fn with_people(&self) {
        self.groups(&["authors"]).await;
        self.set(json!({"person": "ann"})).await;
    }

    /// The groups that Ann is in.
    async fn groups(&self, groups: &[&str]) {
        let person = |name: &str, groups: &[&str]| {
            json!({"email": format!("{name}@example.com"), "email_verified": true,
            "name": name, "groups": groups})
        };
        self.set(json!({"people": {"ann": person("ann", groups), "ben": person("ben", &["authors"])}})).await;
    }
}

/// A workspace whose server trusts the provider, with roles for two groups.
async fn workspace() -> (Workspace, Provider) {
    let provider = tokio::task::spawn_blocking(Provider::start).await.unwrap();
    provider.with_people().await;
    let workspace = Workspace::with(|settings| {
        settings.oidc = OidcArguments {
            oidc_issuer: Some(provider.issuer.clone()),
            oidc_client_id: Some("countersign".to_owned()),
            oidc_client_secret: Some("a secret of the client".to_owned()),
            oidc_name: Some("Example ID".to_owned()),
            oidc_scopes: "email profile groups".to_owned(),
            oidc_groups_claim: "groups".to_owned(),
        };
    })
    .await;
    let row = |group: &str, role| GroupRoles { group: group.to_owned(), roles: [role].into() };
    let table = vec![row("authors", Role::Author), row("readers", Role::Viewer)];
    store::settings::set_groups(&workspace.store, &admin(), table).await.unwrap();
    (workspace, provider)
}

/// A browser, with the cookies of both sites.
struct Browser<'a> {
    workspace: &'a Workspace,
    provider: &'a Provider,
    cookies: HashMap<String, String>,
}

impl<'a> Browser<'a> {
    fn new(workspace: &'a Workspace, provider: &'a Provider) -> Self {
        Self { workspace, provider, cookies: HashMap::new() }
    }

    fn keep(&mut self, headers: &http::HeaderMap) {
        for cookie in headers.get_all(header::SET_COOKIE) {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    fn cookies(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    async fn send(&mut self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut request = Request::builder().method(method).uri(path).header(header::COOKIE, self.cookies());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let reply = self.workspace.send(request.body(Body::from(body.to_owned())).unwrap()).await;
        self.keep(&reply.headers);
        reply
    }

    /// Follows a link on a page of this site.
    async fn visit(&mut self, path: &str) -> Reply {
        self.send(Method::GET, path, &[("accept", "text/html"), ("sec-fetch-site", "same-origin")], "").await
    }

    /// Signs in at the provider; returns the address here to which it sends the browser back.
    async fn at_provider(&mut self, address: &str) -> String {
        let mut at = Url::parse(address).unwrap();
        for _ in 0..6 {
            let request = self.provider.client.get(at.clone()).header(header::COOKIE, self.cookies());
            let reply = request.send().await.unwrap();
            self.keep(reply.headers());
            let status = reply.status();
            let Some(next) = reply.headers().get(header::LOCATION) else {
                panic!("{at}: {status}: {}", reply.text().await.unwrap())
            };
            at = at.join(next.to_str().unwrap()).unwrap();
            if at.as_str().starts_with(HERE) {
                return at.as_str()[HERE.len()..].to_owned();
            }
        }
        panic!("the provider does not send the browser back: {at}");
    }

    /// The whole way, from a link here to where the browser is sent in the end.
    async fn through(&mut self, link: &str) -> String {
        let address = location(&self.visit(link).await);
        assert!(address.starts_with(&self.provider.issuer), "{address}");
        let back = self.at_provider(&address).await;
        location(&self.visit(&back).await)
    }

    async fn me(&mut self) -> Reply {
        self.send(Method::GET, "/me", &[], "").await
    }
}

fn location(reply: &Reply) -> String {
    assert_eq!(reply.status, 303, "{}", reply.text);
    reply.headers[header::LOCATION].to_str().unwrap().to_owned()
}

/// Makes every confirmation so old that the provider is asked again, and asks.
async fn ask_again(workspace: &Workspace) {
    let old = "update provider_sessions set confirmed_at = now() - interval '11 minutes', ask_from = now()";
    sqlx::query(old).execute(workspace.store.pool()).await.unwrap();
    jobs::check_sessions(&workspace.store, workspace.state.provider.as_deref().unwrap()).await;
    // The server's own job may have been faster.
    for _ in 0..100 {
        let waiting =
            "select exists (select from provider_sessions where confirmed_at < now() - interval '10 minutes')";
        if !sqlx::query_scalar::<_, bool>(waiting).fetch_one(workspace.store.pool()).await.unwrap() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the provider was not asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_with_the_roles_of_their_groups_and_leave_with_them() {
    let (workspace, provider) = workspace().await;
    let page = workspace.stranger().send(Method::GET, "/sign-in", &[("accept", "text/html")], Body::empty()).await;
    assert!(page.text.contains("Example ID") && page.text.contains("/oidc/start"), "{}", page.text);

    for refresh in [true, false] {
        provider.set(json!({"refresh": refresh})).await;
        provider.groups(&["authors", "strangers"]).await;
        let mut browser = Browser::new(&workspace, &provider);
        assert_eq!(browser.through("/oidc/start?next=/audit%3Fx").await, "/audit?x");
        let me = browser.me().await.expect(200);
        assert_eq!((&me["email"], &me["roles"]), (&json!("ann@example.com"), &json!(["author"])));
        assert_eq!((&me["identity"]["subject"], &me["identity"]["issuer"]), (&json!("ann"), &json!(provider.issuer)));

        let mut second = Browser::new(&workspace, &provider);
        assert_eq!(second.through("/oidc/start").await, "/");
        let again = second.me().await.expect(200);
        assert_eq!((&again["email"], &again["roles"]), (&me["email"], &me["roles"]));
        assert_ne!(again["credential"], me["credential"], "a session for each browser");

        provider.groups(&["authors", "readers"]).await;
        ask_again(&workspace).await;
        assert_eq!(browser.me().await.expect(200)["roles"], json!(["author", "viewer"]), "refresh: {refresh}");
        ask_again(&workspace).await;
        browser.me().await.expect(200);
        provider.groups(&["strangers"]).await;
        ask_again(&workspace).await;
        browser.me().await.problem(401, "unauthenticated");
        second.me().await.problem(401, "unauthenticated");
        assert_eq!(Browser::new(&workspace, &provider).through("/oidc/start").await, "/sign-in?refused=no_roles");
        let person = store::people::by_email(&workspace.store, "ann@example.com").await.unwrap().unwrap();
        assert!(person.roles.is_empty(), "the roles went with the group");
    }
    let page = [("accept", "text/html")];
    let page = workspace.stranger().send(Method::GET, "/sign-in?refused=no_roles", &page, Body::empty()).await;
    assert_eq!(page.status, 403);
    assert!(page.text.contains("none of your groups there has a role here"), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_for_this_sign_in_is_refused() {
    let (workspace, provider) = workspace().await;
    let mut browser = Browser::new(&workspace, &provider);
    // Another nonce than the one that this server chose.
    let address = location(&browser.visit("/oidc/start").await);
    let mut changed = Url::parse(&address).unwrap();
    let pairs: Vec<(String, String)> = changed.query_pairs().into_owned().collect();
    let replace = |(name, value): &(String, String)| {
        (name.clone(), if name == "nonce" { "of-another-person".to_owned() } else { value.clone() })
    };
    changed.query_pairs_mut().clear().extend_pairs(pairs.iter().map(replace));
    assert!(pairs.iter().any(|(name, value)| name == "code_challenge_method" && value == "S256"), "{address}");
    let back = browser.at_provider(changed.as_str()).await;
    assert_eq!(location(&browser.visit(&back).await), "/sign-in?refused=not_trusted");

    // A used sign-in, another state, and a sign-in that another browser began.
    let address = location(&browser.visit("/oidc/start").await);
    let back = browser.at_provider(&address).await;
    let mut thief = Browser::new(&workspace, &provider);
    assert_eq!(location(&thief.visit(&back).await), "/sign-in?refused=used_up");
    let twice = browser.visit("/oidc/callback?state=a&state=b&code=%FF").await;
    assert_eq!(location(&twice), "/sign-in?refused=used_up");
    let address = location(&browser.visit("/oidc/start").await);
    let back = browser.at_provider(&address).await;
    let wrong = back.replace("state=", "state=x");
    assert_eq!(location(&browser.visit(&wrong).await), "/sign-in?refused=used_up");
    assert_eq!(location(&browser.visit(&back).await), "/sign-in?refused=used_up", "one attempt each");
    let address = location(&browser.visit("/oidc/start").await);
    let back = browser.at_provider(&address).await;
    let cookies = browser.cookies.clone();
    assert_eq!(location(&browser.visit(&back).await), "/");
    browser.cookies = cookies;
    assert_eq!(location(&browser.visit(&back).await), "/sign-in?refused=used_up", "used");

    // A sign-in that took too long, an expired ID token, and a provider that refuses, or does not answer.
    let address = location(&browser.visit("/oidc/start").await);
    let back = browser.at_provider(&address).await;
    sqlx::query("update provider_sign_ins set expires_at = now()").execute(workspace.store.pool()).await.unwrap();
    assert_eq!(location(&browser.visit(&back).await), "/sign-in?refused=used_up");
    provider.set(json!({"idTokenTtl": 1, "tokensTake": 2500})).await;
    assert_eq!(browser.through("/oidc/start").await, "/sign-in?refused=expired");
    provider.set(json!({"idTokenTtl": 300, "tokensTake": 0, "person": "nobody"})).await;
    assert_eq!(Browser::new(&workspace, &provider).through("/oidc/start").await, "/sign-in?refused=declined");
    browser.me().await.problem(401, "unauthenticated");

    // Nobody is led to another site afterwards.
    provider.set(json!({"person": "ann"})).await;
    for next in ["https://evil.test/", "//evil.test", "/%5Cevil.test", "javascript:alert(1)"] {
        let link = format!("/oidc/start?next={next}");
        assert_eq!(Browser::new(&workspace, &provider).through(&link).await, "/", "{next}");
    }
    let metrics = workspace.caller(Role::Viewer).await.get("/metrics").await;
    assert!(metrics.text.contains("policy_sign_in_failures_total 9"), "{}", metrics.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_linked_by_its_owner_alone() {
    let (workspace, provider) = workspace().await;
    let store = &workspace.store;
    let add = async |email: &str, role: Role| {
        store::people::add(store, &admin(), email, email, [role].into(), "a good password").await.unwrap()
    };
    let ann = add("ann@example.com", Role::Approver).await;
    // The provider knows a person with the same email: that is another person until Ann says otherwise.
    let mut browser = Browser::new(&workspace, &provider);
    assert_eq!(browser.through("/oidc/start").await, "/sign-in?refused=email_taken");
    assert_eq!(location(&browser.visit("/oidc/link").await), "/sign-in?next=/me");

    let form = [("content-type", "application/x-www-form-urlencoded")];
    let sign_in = "email=ann%40example.com&password=a+good+password";
    browser.send(Method::POST, "/api/session/sign-in", &form, sign_in).await;
    browser.me().await.expect(200);
    // Another site cannot lead her into it.
    for site in ["cross-site", "same-site", "none"] {
        let reply = browser.send(Method::GET, "/oidc/link", &[("sec-fetch-site", site)], "").await;
        assert_eq!(location(&reply), "/me?refused=not_from_here", "{site}");
    }
    // Nor can a person who finds her browser signed in: linking asks for the password.
    assert_eq!(location(&browser.visit("/oidc/link").await), "/me?refused=not_confirmed");
    let wrong = browser.send(Method::POST, "/api/me/confirm", &form, "password=a+guess").await;
    assert_eq!(wrong.json()["errors"][0]["pointer"], "/password", "{}", wrong.text);
    assert_eq!(location(&browser.visit("/oidc/link").await), "/me?refused=not_confirmed");
    assert!(browser.visit("/me").await.text.contains("Your password"));
    browser.send(Method::POST, "/api/me/confirm", &form, "password=a+good+password").await;
    assert!(browser.visit("/me").await.text.contains("href=\"/oidc/link\""));
    // What she began does not count for the person who is signed in when it ends.
    let address = location(&browser.visit("/oidc/link").await);
    let back = browser.at_provider(&address).await;
    let session = browser.cookies.remove("countersign_session").unwrap();
    assert_eq!(location(&browser.visit(&back).await), "/me?refused=used_up");
    browser.cookies.insert("countersign_session".to_owned(), session);

    assert_eq!(browser.through("/oidc/link").await, "/me");
    let me = browser.me().await.expect(200);
    assert_eq!((&me["email"], &me["roles"]), (&json!("ann@example.com"), &json!(["author", "approver"])));
    assert_eq!(me["identity"]["roles"], json!(["author"]));
    let page = browser.visit("/me").await;
    assert!(page.text.contains("Unlink"), "{}", page.text);
    let mut elsewhere = Browser::new(&workspace, &provider);
    assert_eq!(elsewhere.through("/oidc/start").await, "/");
    assert_eq!(elsewhere.me().await.expect(200)["email"], "ann@example.com");

    // A disabled person stays out.
    store::people::set_enabled(store, &admin(), &ann.email, false).await.unwrap();
    elsewhere.me().await.problem(401, "unauthenticated");
    assert_eq!(Browser::new(&workspace, &provider).through("/oidc/start").await, "/sign-in?refused=disabled");
    store::people::set_enabled(store, &admin(), &ann.email, true).await.unwrap();

    let mut again = Browser::new(&workspace, &provider);
    again.through("/oidc/start").await;
    let unlinked = again.send(Method::DELETE, "/me/identity", &[("sec-fetch-site", "same-origin")], "").await;
    assert_eq!(unlinked.expect(200)["subject"], "ann");
    again.me().await.problem(401, "unauthenticated");
    assert_eq!(Browser::new(&workspace, &provider).through("/oidc/start").await, "/sign-in?refused=email_taken");
    provider.set(json!({"person": "ben"})).await;
    assert_eq!(Browser::new(&workspace, &provider).through("/oidc/start").await, "/", "nobody has Ben's email here");
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_that_are_switched_off_are_refused_but_for_one_administrator() {
    let (workspace, provider) = workspace().await;
    let caller = workspace.caller(Role::Admin).await;
    workspace.caller(Role::Author).await;
    let people = caller.get("/users").await.expect(200);
    let glass = people["users"].as_array().unwrap().iter().find(|one| one["email"] == "admin@example.com").unwrap();
    let wanted = json!({"sign_in": {"passwords": "break_glass", "break_glass": glass["id"]}});
    caller.put("/settings", None, wanted).await.expect(200);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let mut browser = Browser::new(&workspace, &provider);
    let body = "email=author%40example.com&password=a+long+password";
    let refused = browser.send(Method::POST, "/api/session/sign-in", &form, body).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (403, &json!("forbidden")), "{}", refused.text);
    browser.me().await.problem(401, "unauthenticated");
    let body = "email=admin%40example.com&password=a+long+password";
    browser.send(Method::POST, "/api/session/sign-in", &form, body).await;
    assert_eq!(browser.me().await.expect(200)["email"], "admin@example.com");
    assert_eq!(Browser::new(&workspace, &provider).through("/oidc/start").await, "/", "the provider still counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_provider_there_is_no_way_to_one_and_a_dead_one_is_said_to_be() {
    let workspace = Workspace::new().await;
    for path in ["/oidc/start", "/oidc/link", "/oidc/callback?state=x&code=y"] {
        assert_eq!(workspace.stranger().get(path).await.status, 404, "{path}");
    }
    let dead = Workspace::with(|settings| {
        settings.oidc.oidc_issuer = Some("http://127.0.0.1:9".to_owned());
        settings.oidc.oidc_client_id = Some("countersign".to_owned());
    })
    .await;
    let reply = dead.stranger().get("/oidc/start").await;
    assert_eq!(location(&reply), "/sign-in?refused=unreachable");
    let page = [("accept", "text/html")];
    let page = dead.stranger().send(Method::GET, "/sign-in?refused=unreachable", &page, Body::empty()).await;
    assert_eq!(page.status, 503);
}
