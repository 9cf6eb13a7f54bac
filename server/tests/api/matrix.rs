//! Role by permission for the functions that pages call and for the command line (`access` covers the HTTP API). The
//! use cases are tested against the same permission table in `store`.

use std::collections::BTreeSet;

use axum::body::Body;
use http::Method;
use lifecycle::authority::{Permission, Role};
use serde_json::{Value, json};

use crate::{
    command_line::{Served, offline},
    support::{Workspace, bundle},
};

/// The body that a page sends: a form, or JSON.
enum Sent {
    Form(&'static str),
    Json(Value),
}

use Sent::{Form, Json};

/// Every function that pages call, except for signing in and out: path, well-formed arguments, permission.
fn functions() -> Vec<(&'static str, Sent, Permission)> {
    use Permission::{
        ActOnPackets, Administer, Apply, BuildPackets, Countersign, DecideApprovals, DisableEvaluation, EditDrafts,
        HandleIncidents, Pause, Read, RollBack, SignExceptions,
    };
    let document = r#"{"rules": []}"#;
    vec![
        ("approvals/list", Form(""), Read),
        ("approvals/get", Form("id=apr_0"), Read),
        ("approvals/act", Form("id=apr_0&decision=deny&reason=Not+today"), DecideApprovals),
        ("approvals/make-rule", Form("id=apr_0"), EditDrafts),
        ("approvals/revoke", Form("id=apr_0"), DecideApprovals),
        ("audit/list", Form(""), Read),
        ("audit/verify", Form(""), Read),
        ("bundles/list", Form(""), Read),
        ("bundles/open", Form("id=0"), Read),
        ("bundles/new", Json(json!({"empty": true})), EditDrafts),
        ("bundles/clone", Json(json!({"id": 0})), EditDrafts),
        ("bundles/create", Json(json!({"document": document})), EditDrafts),
        ("bundles/preview-import", Json(json!({"document": document, "import_as_version": null})), EditDrafts),
        (
            "bundles/import",
            Json(json!({"document": document, "import_as_version": null, "unsigned": false})),
            EditDrafts,
        ),
        ("bundles/save", Json(json!({"id": 0, "revision": 1, "document": document})), EditDrafts),
        ("bundles/withdraw", Json(json!({"id": 0})), EditDrafts),
        ("bundles/submit", Json(json!({"id": 0, "fallback_plan": "roll back"})), BuildPackets),
        ("bundles/fixtures", Json(json!({})), Read),
        ("bundles/keep-cases", Json(json!({"save": [], "remove": []})), EditDrafts),
        ("decisions/list", Form(""), Read),
        ("decisions/get", Form("decision_id=none"), Read),
        ("decisions/input", Form("decision_id=none"), Read),
        ("drills/list", Form(""), Read),
        ("drills/run", Form(""), Apply),
        ("home/overview", Form(""), Read),
        ("home/acknowledge", Form("id=0"), Countersign),
        ("incidents/list", Form(""), Read),
        ("incidents/get", Form("incident_id=INC-2026-0000"), Read),
        ("incidents/save-post-mortem", Form("incident_id=INC-2026-0000&revision=0&markdown=x"), HandleIncidents),
        ("incidents/advance", Form("incident_id=INC-2026-0000&step=resolve"), HandleIncidents),
        ("kpi/figures", Form(""), Read),
        ("kpi/summary", Form(""), Read),
        ("live/frame", Form(""), Read),
        ("packets/queue", Form(""), Read),
        ("packets/get", Form("packet_id=pktv1:0"), Read),
        ("packets/evidence", Form("packet_id=pktv1:0"), Read),
        ("packets/act", Form("packet_id=pktv1:0&decision=approve&reason="), ActOnPackets),
        ("packets/sign-exception", Form("packet_id=pktv1:0&guardrail=margin_delta&reason=As+agreed"), SignExceptions),
        ("bundles/removed-guards", Form("id=0"), Read),
        ("rollout/view", Form(""), Read),
        ("rollout/apply", Form("bundle_id=0&packet_id=pktv1:0&pct=10"), Apply),
        ("rollout/promote", Form("bundle_id=0&target_pct=50"), Apply),
        ("rollout/roll-back", Form("bundle_id=0&reason=Emergency"), RollBack),
        ("system/pause", Form("reason=%20"), Pause),
        ("system/release", Form("remediation=put+right"), Pause),
        ("system/disable", Form("reason=%20&bypass_effect=deny&sure=true"), DisableEvaluation),
        ("system/enable", Form(""), DisableEvaluation),
        ("workspace/read", Form(""), Read),
        (
            "workspace/save-settings",
            Form(
                "settings[min_sample_size]=100&settings[min_subjects]=10&settings[cost_allowance]=0\
                 &settings[max_error_percent]=5&settings[max_deny_percent]=30\
                 &settings[max_cost_percent]=20&settings[min_stage_hours]=24&settings[approvals]=1\
                 &settings[approvals_high_risk]=2&settings[approval_hours]=72",
            ),
            Administer,
        ),
        (
            "workspace/save-watch",
            Form(
                "limits[mode]=roll_back&limits[fewest_decisions]=50&limits[fewest_subjects]=5&limits[error_percent]=10\
                 &limits[times_stable]=2&limits[margin_points]=10\
                 &limits[deny_percent]=50&limits[cost_percent]=50&limits[no_match_percent]=20",
            ),
            Administer,
        ),
        (
            "workspace/save-approvals",
            Form("roles[0]=approver&roles[1]=safety_owner&quorum=1&expires_in=3600"),
            Administer,
        ),
        (
            "workspace/add-invariant",
            Form(
                "invariant[id]=never-delete&invariant[agent]=*&invariant[action]=delete&invariant[demand]=never+allow\
                 &invariant[note]=",
            ),
            Administer,
        ),
        ("workspace/remove-invariant", Form("id=never-delete"), Administer),
        ("workspace/propose-partner-key", Form("name=x&public_key=x"), Administer),
        ("workspace/accept-partner-key", Form("id=0"), Countersign),
        ("workspace/reject-partner-key", Form("id=0"), Read),
        ("workspace/remove-partner-key", Form("id=0"), Administer),
        ("workspace/save-sign-in", Form("check_minutes=15&passwords=everyone&break_glass="), Administer),
        ("workspace/set-group", Form("group=readers&roles[0]=viewer"), Administer),
        ("workspace/remove-group", Form("group=nobody"), Administer),
        ("workspace/set-roles", Form("email=nobody%40example.com&roles[0]=viewer"), Administer),
        ("workspace/accept-proposal", Form("id=0"), Countersign),
        ("workspace/reject-proposal", Form("id=0"), Countersign),
        ("workspace/accept-roles", Form("id=0"), Countersign),
        ("workspace/reject-roles", Form("id=0"), Read),
        ("workspace/invite", Form("email=x&name=X&roles[0]=viewer"), Administer),
        ("workspace/reset", Form("email=nobody%40example.com"), Administer),
        ("workspace/set-enabled", Form("email=nobody%40example.com&enabled=false"), Administer),
        ("workspace/create-token", Form("name=&agents=*&days=1"), Administer),
        ("me/read", Form(""), Read),
        ("me/confirm", Form("password=x"), Read),
        ("me/change-password", Form("old_password=x&new_password=words+of+my+own"), Read),
        ("me/create-token", Form("name=&roles[0]=viewer&days=1"), Read),
        ("me/revoke-token", Form("id=0"), Read),
        ("me/end-session", Form("id=0"), Read),
        ("me/unlink", Form(""), Read),
        ("workspace/revoke-token", Form("id=0"), Administer),
        // Last of all: it ends the token that asks.
        ("me/end-all-sessions", Form(""), Read),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_of_the_pages_lets_exactly_the_right_roles_through() {
    let known: BTreeSet<String> = functions().into_iter().map(|(path, ..)| format!("/api/{path}")).collect();
    let served: BTreeSet<String> = leptos::server_fn::axum::server_fn_paths()
        .map(|(path, _)| path.to_owned())
        .filter(|path| !path.starts_with("/api/session/"))
        .collect();
    assert_eq!(served, known, "a function is missing from this table, or gone");

    let workspace = Workspace::new().await;
    for role in Role::ALL.iter().copied().map(Some).chain([None]) {
        let caller = workspace.caller_or_nobody(role).await;
        let allows = |permission: Permission| role.is_some_and(|role| permission.roles().contains(&role));
        let role = role.map_or("no role", Role::name);
        for (path, sent, permission) in functions() {
            let (kind, body) = match sent {
                Form(text) => ("application/x-www-form-urlencoded", text.to_owned()),
                Json(value) => ("application/json", value.to_string()),
            };
            let headers = [("content-type", kind)];
            let reply = caller.send(Method::POST, &format!("/api/{path}"), &headers, Body::from(body)).await;
            let allowed = allows(permission);
            assert!(!reply.status.is_server_error(), "{role}: {path}: {} {}", reply.status, reply.text);
            assert!(!reply.text.contains("could not be read"), "{role}: {path} was not understood: {}", reply.text);
            assert_eq!(reply.status == 403, !allowed, "{role}: {path}: {} {}", reply.status, reply.text);
            if !allowed {
                let problem = reply.json();
                assert_eq!(problem["code"], "forbidden", "{role}: {path}: {problem}");
                assert_eq!(problem["permission"], permission.name(), "{role}: {path}: {problem}");
                assert!(problem["roles"].as_array().is_some_and(|roles| !roles.is_empty()), "{problem}");
            }
        }
    }
}

/// Every command that calls a server, with arguments that reach the server.
fn commands() -> Vec<(&'static [&'static str], Permission)> {
    use Permission::{
        ActOnPackets, Apply, BuildPackets, DecideApprovals, DisableEvaluation, EditDrafts, Pause, Read, ReadApprovals,
        RollBack,
    };
    vec![
        (&["status"], Read),
        (&["packet", "show", "pktv1:0"], Read),
        (&["packet", "show", "pktv1:0", "--evidence"], Read),
        (&["packet", "verify", "pktv1:0"], Read),
        (&["packet", "build", "99", "--fallback-plan", "roll back"], BuildPackets),
        (&["packet", "action", "pktv1:0", "--decision", "approve"], ActOnPackets),
        (&["packet", "action", "pktv1:0", "--decision", "reject", "--reason", "no"], ActOnPackets),
        (&["apply", "99", "--packet", "pktv1:0"], Apply),
        (&["promote", "99", "--to", "50"], Apply),
        (&["rollback", "99", "--reason", "Emergency"], RollBack),
        (&["gates", "99"], Read),
        (&["approvals", "list"], ReadApprovals),
        (&["approvals", "show", "apr_0"], ReadApprovals),
        (&["approvals", "approve", "apr_0"], DecideApprovals),
        (&["approvals", "deny", "apr_0", "--reason", "no"], DecideApprovals),
        (&["approvals", "revoke", "apr_0"], DecideApprovals),
        (&["drill"], Apply),
        (&["kpi", "summary"], Read),
        (&["kpi", "detail"], Read),
        (&["audit", "verify"], Read),
        (&["audit", "export"], Read),
        (&["bundle", "export", "99"], EditDrafts),
        (&["bundle", "import", "-", "--unsigned", "--dry-run"], EditDrafts),
        (&["bundle", "import", "-"], EditDrafts),
        (&["disable", "--reason", "Emergency bypass"], DisableEvaluation),
        (&["enable"], DisableEvaluation),
        (&["pause", "--reason", "margins fall"], Pause),
        (&["release", "--remediation", "put right"], Pause),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_lets_exactly_the_right_roles_through() {
    let served = Served::new().await;
    let file = bundle("1.0.0", "deny").to_string();
    for &role in Role::ALL {
        for (command, permission) in commands() {
            let arguments = [command, &["--output", "json"]].concat();
            let ended = served.run(role, &arguments, &file).await;
            let allowed = permission.roles().contains(&role);
            assert!(ended.code == 0 || ended.code == 1, "{role}: {command:?}: {ended:?}");
            let refused: Option<Value> =
                serde_json::from_str(&ended.out).ok().filter(|answer: &Value| answer["code"] == "forbidden");
            assert_eq!(refused.is_some(), !allowed, "{role}: {command:?}: {ended:?}");
            if let Some(problem) = refused {
                assert_eq!((ended.code, &problem["permission"]), (1, &json!(permission.name())), "{command:?}");
                assert!(ended.err.starts_with("countersign: "), "{ended:?}");
            }
        }
    }
}

/// The help lists every command of the program, so that none is missing above.
#[test]
fn every_command_is_in_the_table() {
    let no_server = ["keys", "serve", "user", "token", "decisions", "backup", "restore", "db", "completions", "help"];
    let offline_only = ["lint", "simulate", "diff", "sign", "verify", "digest"];
    let listed = |help: &str| -> Vec<String> {
        let commands = help.split("Commands:\n").nth(1).unwrap_or_default().split("\n\n").next().unwrap_or_default();
        let names = commands.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
        names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
    };
    let mut wanted = Vec::new();
    for name in listed(&offline(&["--help"], "").with_code(0).out).into_iter().filter(|name| name != "help") {
        let below = listed(&offline(&[&name, "--help"], "").with_code(0).out);
        match below.is_empty() {
            true => wanted.push(name),
            false => wanted.extend(below.into_iter().filter(|sub| sub != "help").map(|sub| format!("{name} {sub}"))),
        }
    }
    wanted.retain(|command| {
        let mut words = command.split(' ');
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        !(no_server.contains(&first) || first == "bundle" && offline_only.contains(&second))
    });
    let known: BTreeSet<String> = commands()
        .into_iter()
        .map(|(words, _)| match words {
            [group @ ("approvals" | "packet" | "kpi" | "audit" | "bundle"), command, ..] => {
                format!("{group} {command}")
            }
            [command, ..] => (*command).to_owned(),
            [] => String::new(),
        })
        .collect();
    assert!(wanted.len() > 15, "{wanted:?}");
    assert_eq!(wanted.into_iter().collect::<BTreeSet<_>>(), known);
}
