//! What authors get wrong without noticing: the cases of these codes, and what draws none of them.

use policy::{
    bundle::{Invariant, Source},
    engine::{Prepared, Status},
    lint::{Code, Finding, Severity, lint_against},
};
use serde_json::json;

use crate::{Case, case, guardrail, one, risk, rule, with};

pub fn cases() -> Vec<Case> {
    use Severity::{Error, Warning};
    let id = "the-rule";
    vec![
        case(Code::NoRules, Error, json!({"rules": []}), "", "/rules", false, true),
        case(
            Code::ErrorOpens,
            Warning,
            json!({"rules": [rule("no-main", "deny", 90, json!({"branch": "main"}))], "on_error": "allow"}),
            "no-main",
            "/rules/0/conditions/branch",
            true,
            true,
        ),
        case(
            Code::ErrorOpens,
            Warning,
            json!({"rules": [guardrail(rule("careful", "allow", 90, risk(50)))], "on_error": "allow"}),
            "careful",
            "/rules/0/conditions/>=risk_score",
            true,
            true,
        ),
        case(
            Code::AbsentPasses,
            Warning,
            json!({"rules": [rule("only-eu", "deny", 90, json!({"!=region": "eu"})), rule("the-rest", "allow", 10, json!({}))]}),
            "only-eu",
            "/rules/0/conditions/!=region",
            true,
            true,
        ),
        case(
            Code::AbsentPasses,
            Warning,
            json!({"rules": [
                rule("only-eu", "deny", 90, json!({"!=region": ["eu", "uk"], ">=risk_score": 5})),
                rule("the-rest", "allow", 10, json!({}))]}),
            "only-eu",
            "/rules/0/conditions/!=region",
            true,
            true,
        ),
        case(
            Code::PrefixBoundary,
            Warning,
            one(with(json!({"conditions": {"^=url": "https://api.github.com"}}))),
            id,
            "/rules/0/conditions/^=url",
            true,
            true,
        ),
        case(
            Code::PrefixBoundary,
            Warning,
            one(with(json!({"conditions": {"^=host": "api.github.com"}}))),
            id,
            "/rules/0/conditions/^=host",
            true,
            true,
        ),
        case(
            Code::PrefixBoundary,
            Warning,
            json!({"rules": [rule("no-etc", "deny", 90, json!({"^=path": "/etc/"})), rule("the-rest", "allow", 10, json!({}))]}),
            "no-etc",
            "/rules/0/conditions/^=path",
            true,
            true,
        ),
        case(
            Code::InvisibleText,
            Warning,
            one(with(json!({"reason": "Deny exports \u{202e}only for tests\u{202c} always"}))),
            id,
            "/rules/0/reason",
            true,
            false,
        ),
        case(
            Code::InvisibleText,
            Warning,
            one(with(json!({"conditions": {"branch": ["main", "main\u{200b}"]}}))),
            id,
            "/rules/0/conditions/branch/1",
            true,
            true,
        ),
        case(
            Code::InvisibleText,
            Warning,
            one(with(json!({"conditions": {"x\u{200b}y": 1}}))),
            id,
            "/rules/0/conditions/x\u{200b}y",
            true,
            false,
        ),
        case(
            Code::InvisibleText,
            Warning,
            json!({"rules": [with(json!({}))], "notes": "Zoe\u{308}"}),
            "",
            "/notes",
            true,
            false,
        ),
        case(
            Code::InvisibleText,
            Warning,
            one(with(json!({"agent": "inbox.triage "}))),
            id,
            "/rules/0/agent",
            true,
            false,
        ),
        case(
            Code::Lookalike,
            Warning,
            json!({"rules": [
                rule("the-first", "allow", 60, risk(50)), rule("the-other", "deny", 50, risk(40)),
                with(json!({"agent": "Inbox.Triage"}))]}),
            id,
            "/rules/2/agent",
            true,
            true,
        ),
        case(
            Code::Lookalike,
            Warning,
            one(with(json!({"conditions": {"branch": ["main", "ma\u{131}n"]}}))),
            id,
            "/rules/0/conditions/branch/1",
            true,
            true,
        ),
        case(
            Code::Lookalike,
            Warning,
            json!({"rules": [
                rule("the-first", "allow", 60, json!({">=amount": 1})), rule("the-other", "deny", 50, json!({"<amount": 1})),
                with(json!({"conditions": {">=amout": 5}}))]}),
            id,
            "/rules/2/conditions/>=amout",
            true,
            true,
        ),
        case(
            Code::Lookalike,
            Warning,
            one(with(json!({"tags": ["x", "gaurdrail"]}))),
            id,
            "/rules/0/tags/1",
            true,
            false,
        ),
        case(
            Code::InexactNumber,
            Warning,
            one(with(json!({"conditions": {"account_id": 9_007_199_254_740_993_i64}}))),
            id,
            "/rules/0/conditions/account_id",
            true,
            true,
        ),
        case(
            Code::InexactNumber,
            Warning,
            one(with(json!({"conditions": {">=amount": 9_007_199_254_740_993_i64}}))),
            id,
            "/rules/0/conditions/>=amount",
            true,
            true,
        ),
        case(
            Code::SuspiciousText,
            Warning,
            one(with(json!({"conditions": {"vip": "true"}}))),
            id,
            "/rules/0/conditions/vip",
            true,
            true,
        ),
        case(
            Code::SuspiciousText,
            Warning,
            one(with(json!({"conditions": {"amount": "50 - 500"}}))),
            id,
            "/rules/0/conditions/amount",
            true,
            true,
        ),
        case(Code::UnknownMember, Warning, one(with(json!({"owner": "team-a"}))), id, "/rules/0/owner", true, false),
        case(Code::UnknownMember, Error, one(with(json!({"conditon": {}}))), id, "/rules/0/conditon", true, false),
        case(Code::UnknownMember, Error, one(with(json!({"reasons": "again"}))), id, "/rules/0/reasons", true, false),
        case(
            Code::UnknownMember,
            Error,
            json!({"rules": [with(json!({}))], "on_eror": "allow"}),
            "",
            "/on_eror",
            true,
            false,
        ),
        case(
            Code::UnknownMember,
            Error,
            json!({"rules": [with(json!({"effect": "needs_approval", "aprovers": ["approver"]}))], "format": "1.1"}),
            id,
            "/rules/0/aprovers",
            true,
            false,
        ),
        case(Code::Notation1_1, Warning, one(with(json!({"quorum": 2}))), id, "/rules/0/quorum", true, false),
        case(
            Code::UnusedMember,
            Warning,
            json!({"rules": [with(json!({"quorum": 2, "unbound": []}))], "format": "1.1"}),
            id,
            "/rules/0/quorum",
            false,
            false,
        ),
    ]
}

#[test]
fn an_invariant_says_what_it_leaves_open() {
    let rules =
        json!([rule("only-eu", "deny", 90, json!({"!=region": "eu"})), rule("the-rest", "allow", 10, json!({}))]);
    let source = Source::read(rules).unwrap();
    let invariant: Invariant = serde_json::from_value(json!({"id": "only-eu", "agent": "*", "action": "*",
        "never": "allow", "when": {"!=region": "eu"}}))
    .unwrap();
    let report = lint_against(&source, &[invariant]);
    let open: Vec<&Finding> =
        report.all().filter(|finding| finding.message.contains("The invariant `only-eu`")).collect();
    let [finding] = open.as_slice() else { panic!("{open:?}") };
    assert_eq!(finding.code, Code::AbsentPasses);
    assert_eq!(finding.witness.as_ref().unwrap()["context"], json!({}));
}

#[test]
fn what_a_careful_author_writes_draws_none_of_these_findings() {
    let new = [
        Code::ErrorOpens,
        Code::AbsentPasses,
        Code::PrefixBoundary,
        Code::InvisibleText,
        Code::Lookalike,
        Code::InexactNumber,
        Code::SuspiciousText,
        Code::UnknownMember,
        Code::Notation1_1,
        Code::UnusedMember,
        Code::NoRules,
    ];
    let rest = rule("the-rest", "allow", 10, json!({}));
    let required = json!({"agents": {"inbox.triage": {"fields": {"region": {"type": "string", "required": true}}}}});
    for bundle in [
        // Errors are denied.
        json!({"rules": [rule("no-main", "deny", 90, json!({"branch": "main"})), rest]}),
        json!({"rules": [rule("absent-is-handled", "deny", 90, json!({"!=region": "eu", "?region": true})), rest]}),
        json!({"rules": [rule("only-eu", "deny", 90, json!({"!=region": "eu"}))], "schema": required}),
        json!({"rules": [
            rule("only-eu", "deny", 90, json!({"!=region": "eu"})),
            rule("no-region", "deny", 90, json!({"?region": false})), rest]}),
        json!([with(
            json!({"conditions": {"^=url": "https://api.github.com/", "^=path": "/workspace/", "^=name": "mail."}})
        )]),
        json!([with(json!({"reason": "Größe, Zoë und Tiếng Việt – “ok” ⚠️ 日本語"}))]),
        json!([
            with(json!({"conditions": {"line1": 1}})),
            with(json!({"id": "other-rule", "conditions": {"line2": 1}}))
        ]),
        json!([
            with(json!({"conditions": {">=min_cost": 1, "<max_cost": 5}})),
            with(json!({"id": "other-rule", "conditions": {"<max_cost": 6}}))
        ]),
        json!([with(
            json!({"conditions": {"zip": "01234", "day": "2026-11-29", "id": "9007199254740993", "v": "1.2.3"}})
        )]),
        json!([with(
            json!({"conditions": {"n": 9_007_199_254_740_992_i64, "m": 0.1, "category": ["spam", "phishing"]}})
        )]),
        json!({"rules": [with(json!({"metadata": {"owner": "a"}, "tags": ["rail", "guard"]}))], "labels": {}, "format": "1.0",
            "created_by": "maria", "metadata": {"x": 1}}),
        json!({"rules": [with(json!({"effect": "needs_approval", "approvers": ["safety_owner", "maria@example.org"], "quorum": 2,
            "expires_in": 3600, "unbound": ["request.sent_at"]}))], "format": "1.1"}),
        json!({"rules": [with(json!({"approvers": [], "quorum": null, "unbound": []}))], "format": "1.1"}),
    ] {
        let report = lint_against(&Source::read(bundle.clone()).unwrap(), &[]);
        let found: Vec<&Finding> = report.all().filter(|finding| new.contains(&finding.code)).collect();
        assert!(found.is_empty(), "{bundle}: {found:?}");
    }
}

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
    let bundle = |format: &str, member: &str, value: &serde_json::Value| {
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
