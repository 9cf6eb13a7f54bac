//! What bundles of format 1.1 have and bundles of format 1.0 have not.

use policy::{
    bundle::Source,
    engine::{Prepared, Status},
    lint::{Code, lint_against},
};
use serde_json::{Value, json};

use crate::with;

#[test]
fn the_notation_of_a_later_format_has_its_old_meaning_in_the_first() {
    let rules =
        json!([with(json!({"conditions": {"~path": "/workspace/*.md", "#recipients": 5, "a[any]": "x", "<=#n": 1}}))]);
    for format in [json!(null), json!("1.0")] {
        let source = Source::read(json!({"rules": rules, "format": format})).unwrap();
        let parsed = source.parse_rules();
        assert!(parsed.faults.is_empty(), "{:?}", parsed.faults);
        let context = json!({"~path": "/workspace/*.md", "#recipients": 5, "a[any]": "x", "#n": 0});
        let input = json!({"agent": "inbox.triage", "action": "quarantine", "context": context});
        let answer = Prepared::new(&parsed.bundle).decide(&serde_json::from_value(input).unwrap());
        assert_eq!(answer.status, Status::Matched, "they are fields of those names");
    }
}

#[test]
fn a_format_that_is_not_known_is_refused_by_name() {
    for format in [json!("1.2"), json!("2.0"), json!(1.1)] {
        let faults = Source::read(json!({"rules": [], "format": format})).unwrap_err();
        assert_eq!(faults[0].pointer, "/format");
        assert!(faults[0].detail.contains("1.0"), "{faults:?}");
    }
}

#[test]
fn what_of_format_1_1_is_not_read_yet_is_an_error_and_never_read_as_something_else() {
    let conditions = json!({"~path": "*.md", "!~path": "/etc/*", "$=name": ".md", "#recipients": 5, "<=#recipients": 5,
        "paths[any]": "/tmp", "^=paths[all]": "/workspace/", "?recipients[any].domain": true});
    for (key, value) in conditions.as_object().unwrap() {
        let rule = with(json!({"conditions": {key: value, ">=risk_score": 5}}));
        let source = Source::read(json!({"rules": [rule], "format": "1.1"})).unwrap();
        let report = lint_against(&source, &[]);
        let [finding] = report.errors.as_slice() else { panic!("{key}: {:?}", report.errors) };
        assert_eq!((finding.code, finding.fix.is_none()), (Code::Schema, true), "{key}");
        assert!(
            finding.path.starts_with("/rules/0/conditions/") && finding.message.contains("not read it yet"),
            "{key}"
        );
        assert!(source.parse_rules().bundle.rules.is_empty(), "{key}");
    }
    for (member, value) in [("not_before", json!("2026-12-01T00:00:00Z")), ("expires_at", json!(5))] {
        let source = Source::read(json!({"rules": [with(json!({member: value}))], "format": "1.1"})).unwrap();
        let parsed = source.parse_rules();
        assert_eq!((parsed.faults[0].code, parsed.bundle.rules.len()), (Code::Schema, 0), "{member}");
        assert_eq!(parsed.faults[0].path, format!("/rules/0/{member}"));
        let null = Source::read(json!({"rules": [with(json!({})), {member: null}], "format": "1.1"})).unwrap();
        assert_eq!(null.parse_rules().bundle.rules.len(), 1);
    }
    let fields = json!({"paths": "array", "tags": {"type": "array"}, "other": {"type": "list"}});
    let schema = json!({"agents": {"inbox.triage": {"fields": fields}}});
    for (format, unread) in [("1.0", 0), ("1.1", 3)] {
        let bundle =
            json!({"rules": [with(json!({}))], "format": format, "timezone": "Europe/Vienna", "schema": schema});
        let report = lint_against(&Source::read(bundle).unwrap(), &[]);
        let paths =
            report.errors.iter().filter(|found| found.message.contains("not read it yet")).map(|found| &*found.path);
        let paths: Vec<&str> = paths.collect();
        assert_eq!(paths.len(), unread, "{paths:?}");
        assert!(unread == 0 || paths.contains(&"/timezone"), "{paths:?}");
        assert_eq!(report.errors.len(), if unread == 0 { 3 } else { 4 }, "{:?}", report.errors);
        assert!(unread == 0 || report.warnings.iter().all(|found| found.code != Code::UnknownMember));
    }
}

#[test]
fn terms_of_approvals_have_types_and_ranges_in_format_1_1() {
    let many = |count: usize| (0..count).map(|number| json!(format!("p{number}@example.org"))).collect::<Vec<_>>();
    let right = [
        ("approvers", json!(["revenue_ops", "approver", "runtime_owner", "safety_owner"])),
        ("approvers", json!(many(32))),
        ("approvers", json!([format!("{}@example.org", "p".repeat(242))])),
        ("approvers", json!([])),
        ("quorum", json!(1)),
        ("quorum", json!(9.0)),
        ("expires_in", json!(60)),
        ("expires_in", json!(604_800)),
        ("unbound", json!(["ts", "request.sent_at", "a b"])),
        ("unbound", json!(null)),
    ];
    let wrong = [
        ("approvers", json!("approver"), "/approvers", false),
        ("approvers", json!(["approver", 7]), "/approvers/1", false),
        ("approvers", json!(["Safety Owner"]), "/approvers/0", true),
        ("approvers", json!(["admin"]), "/approvers/0", false),
        ("approvers", json!(["safety_ower"]), "/approvers/0", false),
        ("approvers", json!(["a@example.org, b@example.org"]), "/approvers/0", false),
        ("approvers", json!([format!("{}@example.org", "p".repeat(243))]), "/approvers/0", false),
        ("approvers", json!(many(33)), "/approvers", false),
        ("quorum", json!(0), "/quorum", false),
        ("quorum", json!(10), "/quorum", false),
        ("quorum", json!(1.5), "/quorum", false),
        ("quorum", json!("2"), "/quorum", false),
        ("expires_in", json!(59), "/expires_in", false),
        ("expires_in", json!(604_801), "/expires_in", false),
        ("expires_in", json!(-3600), "/expires_in", false),
        ("unbound", json!({"ts": true}), "/unbound", false),
        ("unbound", json!(["ts", " "]), "/unbound/1", false),
        ("unbound", json!(["items[any].ts"]), "/unbound/0", false),
        ("unbound", json!(vec!["ts"; 65]), "/unbound", false),
    ];
    let bundle = |format: &str, member: &str, value: &Value| {
        let rule = with(json!({"effect": "needs_approval", member: value}));
        Source::read(json!({"rules": [rule], "format": format})).unwrap()
    };
    for (member, value) in right {
        let parsed = bundle("1.1", member, &value).parse_rules();
        assert!(parsed.faults.is_empty() && parsed.bundle.rules.len() == 1, "{member} {value}: {:?}", parsed.faults);
    }
    for (member, value, path, fix) in wrong {
        let source = bundle("1.1", member, &value);
        let parsed = source.parse_rules();
        let [finding] = parsed.faults.as_slice() else { panic!("{member} {value}: {:?}", parsed.faults) };
        assert_eq!((finding.code, &*finding.path), (Code::Schema, &*format!("/rules/0{path}")), "{member} {value}");
        assert!(finding.suggestion.is_some() && finding.fix.is_some() == fix, "{finding:?}");
        assert!(parsed.bundle.rules.is_empty(), "nobody knows on which terms it asks: {member} {value}");
        let earlier = bundle("1.0", member, &value).parse_rules();
        assert!(earlier.faults.is_empty() && earlier.bundle.rules.len() == 1, "in format 1.0 it means nothing");
    }
}
