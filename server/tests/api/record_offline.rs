//! The audit record on the command line: exported, verified without a server, and the key figures computed from the
//! file.

use lifecycle::authority::Role;
use serde_json::{Value, json};

use crate::{
    command_line::{Served, run},
    support::bundle,
};

/// The key of test workspaces.
const KEY: [(&str, &str); 2] = [("HMAC_SECRET", store::testing::SECRET), ("HMAC_KEY_ID", "test")];

async fn exported() -> (Served, String) {
    let served = Served::new().await;
    served.workspace.stable(bundle("1.0.0", "deny")).await;
    let canary = served.workspace.canary(bundle("1.0.1", "allow"), 10).await;
    let id = canary["id"].to_string();
    served.run(Role::SafetyOwner, &["rollback", &id, "--reason", "Emergency"], "").await.with_code(0);
    let file = served.workspace.folder.join("audit.jsonl");
    let to = file.to_str().unwrap();
    let exported =
        served.run(Role::Viewer, &["audit", "export", "--to", to, "--output", "json"], "").await.with_code(0);
    let record = std::fs::read_to_string(&file).unwrap();
    assert_eq!(exported.json()["bytes"], record.len());
    (served, record)
}

fn verify(record: &str) -> (i32, Value) {
    let ended = run(&KEY, &["audit", "verify", "--file", "-", "--output", "json"], record);
    let verdict = ended.json();
    (ended.code, verdict)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exported_record_is_verified_without_a_server_and_every_kind_of_change_is_named() {
    let (served, record) = exported().await;
    assert_eq!(served.run(Role::Viewer, &["audit", "verify"], "").await.code, 0);
    let (code, verdict) = verify(&record);
    assert_eq!((code, &verdict["valid"], &verdict["keyed"]), (0, &json!(true), &json!(true)), "{verdict}");

    let lines: Vec<&str> = record.lines().collect();
    let (entries, closing) = lines.split_at(lines.len() - 1);
    assert!(entries.len() > 8, "{record}");
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut changed: Vec<String> = entries.iter().map(|line| (*line).to_owned()).collect();
        change(&mut changed);
        changed.push(closing[0].to_owned());
        verify(&changed.join("\n"))
    };
    let renumbered = |line: &str, seq: i64| {
        let mut entry: Value = serde_json::from_str(line).unwrap();
        entry["seq"] = json!(seq);
        entry.to_string()
    };
    let number = |place: usize| i64::try_from(place).unwrap();
    let last = number(entries.len());
    let cases: [(&str, i64, (i32, Value)); 6] = [
        ("edited", 3, with(&|lines| lines[2] = lines[2].replace("@example.com", "@elsewhere.com"))),
        ("missing", 4, with(&|lines| drop(lines.remove(3)))),
        (
            "reordered",
            3,
            with(&|lines| {
                let (third, fourth) = (renumbered(&lines[2], 4), renumbered(&lines[3], 3));
                (lines[2], lines[3]) = (fourth, third);
            }),
        ),
        ("cut_tail", last - 1, with(&|lines| lines.truncate(lines.len() - 2))),
        (
            "forged",
            4,
            with(&|lines| {
                let mut forged: Value = serde_json::from_str(&lines[2]).unwrap();
                forged["prev_hash"] = forged["entry_hash"].take();
                forged["entry_hash"] = json!("ab".repeat(32));
                forged["seq"] = json!(4);
                for (place, line) in lines.iter_mut().enumerate().skip(3) {
                    *line = renumbered(line, number(place + 2));
                }
                lines.insert(3, forged.to_string());
            }),
        ),
        (
            "edited",
            last,
            with(&|lines| *lines.last_mut().unwrap() = lines[lines.len() - 1].replace("detail", "Detail")),
        ),
    ];
    for (flaw, seq, (code, verdict)) in cases {
        assert_eq!((code, &verdict["valid"]), (1, &json!(false)), "{flaw}: {verdict}");
        assert_eq!(verdict["first_bad"]["seq"], seq, "{flaw}: {verdict}");
        if flaw != "edited" || seq != last {
            assert_eq!(verdict["first_bad"]["flaw"], flaw, "{verdict}");
        }
    }
    // Another key verifies nothing; an earlier one still does.
    let ended = run(&[("HMAC_SECRET", "another secret entirely")], &["audit", "verify", "--file", "-"], &record);
    assert_eq!(ended.code, 1, "{ended:?}");
    let rotated = [
        ("HMAC_SECRET", "the secret of next year"),
        ("HMAC_KEY_ID", "next"),
        ("HMAC_PREVIOUS", &format!("test:{}", store::testing::SECRET)),
    ];
    assert_eq!(run(&rotated, &["audit", "verify", "--file", "-"], &record).code, 0);
    let text = run(&KEY, &["audit", "verify", "--file", "-"], &record);
    assert!(text.out.contains("entries read"), "{text:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn key_figures_of_an_exported_record_are_those_of_the_server() {
    let (served, record) = exported().await;
    let offline = run(&[], &["kpi", "summary", "--from", "-", "--output", "json"], &record);
    assert_eq!(offline.code, 0, "{offline:?}");
    let from_file = offline.json();
    let as_of = from_file["window_end"].as_str().unwrap();
    let online = ["kpi", "summary", "--as-of", as_of, "--output", "json"];
    let from_server = served.run(Role::Viewer, &online, "").await.with_code(0).json();
    assert_eq!(from_file, from_server);
    assert_eq!(
        (&from_file["applied_candidate_count"], &from_file["rollback_rate_bps"], &from_file["rollback_spike_alert"]),
        (&json!(2), &json!(5000), &json!(1))
    );
    let daily = run(&[], &["kpi", "summary", "--from", "-", "--fail-on-alert"], &record);
    assert_eq!(daily.code, 1, "an alert is visible to scripts: {daily:?}");
    assert!(daily.out.contains("rollback_spike, false_positive_spike"), "{daily:?}");
    let detail = run(&[], &["kpi", "detail", "--from", "-", "--output", "json"], &record).json();
    let online = ["kpi", "detail", "--as-of", as_of, "--output", "json"];
    assert_eq!(detail, served.run(Role::Viewer, &online, "").await.with_code(0).json());
    assert_eq!(run(&[], &["kpi", "summary", "--from", "-"], "not json").code, 2);
}

/// A key without a name was once called `main`, and so may another have been: what carries the name and was not made with
/// this secret was made with a key that is missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_guessed_name_of_a_key_says_nothing_about_the_record() {
    let (_served, record) = exported().await;
    let record = record.replace("\"key_id\":\"test\"", "\"key_id\":\"main\"");
    let today = [("HMAC_SECRET", "the secret of today, which is long enough")];
    let ended = run(&today, &["audit", "verify", "--file", "-", "--output", "json"], &record);
    let verdict = ended.json();
    assert_eq!((&verdict["valid"], &verdict["first_bad"]["flaw"]), (&json!(false), &json!("unknown_key")), "{verdict}");
    assert!(verdict["message"].as_str().unwrap().contains("`main`"), "{verdict}");
    // The name is no guess where it is given.
    let named = [("HMAC_SECRET", today[0].1), ("HMAC_KEY_ID", "main")];
    let ended = run(&named, &["audit", "verify", "--file", "-", "--output", "json"], &record);
    assert_eq!(ended.json()["first_bad"]["flaw"], "edited", "{ended:?}");
}
