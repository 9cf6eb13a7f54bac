//! What a rule leaves open is found wherever it is, and what is closed in another way draws no finding.

use policy::{
    bundle::{Invariant, Source},
    engine::{Input, Prepared},
    lint::{Code, Finding, Severity, apply_fix, lint_against},
};
use serde_json::{Value, json};

use crate::rule;

fn found(bundle: &Value, invariants: &[Invariant], code: Code) -> Vec<Finding> {
    let source = Source::read(bundle.clone()).unwrap();
    lint_against(&source, invariants).all().filter(|finding| finding.code == code).cloned().collect()
}

/// The answer to the witness, by effect and rule.
fn answer(bundle: &Value, finding: &Finding) -> (&'static str, Option<String>) {
    let input: Input = serde_json::from_value(finding.witness.clone().unwrap()).unwrap();
    let answer = Prepared::new(&Source::read(bundle.clone()).unwrap().parse_rules().bundle).decide(&input);
    (answer.effect.name(), answer.matched_rule)
}

fn behind_tickets(conditions: Value, on_error: &str) -> Value {
    json!({"default_effect": "allow", "on_error": on_error, "rules": [
        rule("no-ticket", "deny", 90, json!({"?ticket": false})),
        rule("the-rule", "deny", 50, conditions)]})
}

#[test]
fn a_hole_behind_an_unrelated_rule_is_found() {
    let bundle = behind_tickets(json!({"!=region": "eu"}), "deny");
    let findings = found(&bundle, &[], Code::AbsentPasses);
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((finding.rule_id.as_deref(), finding.path.as_str()), (Some("the-rule"), "/rules/1/conditions/!=region"));
    assert_eq!(answer(&bundle, finding), ("allow", None));
    let fixed = apply_fix(&Source::read(bundle).unwrap(), finding).unwrap();
    let report = lint_against(&fixed, &[]);
    assert!(report.passed && report.all().all(|finding| finding.code != Code::AbsentPasses), "{report:?}");
}

#[test]
fn an_error_behind_an_unrelated_rule_is_found() {
    let bundle = behind_tickets(json!({"branch": "main"}), "allow");
    let findings = found(&bundle, &[], Code::ErrorOpens);
    let of_the_rule: Vec<&Finding> = findings.iter().filter(|f| f.rule_id.as_deref() == Some("the-rule")).collect();
    let [finding] = of_the_rule.as_slice() else { panic!("{findings:?}") };
    assert_eq!(finding.path, "/rules/1/conditions/branch");
    // An error names the rule that errs.
    assert_eq!(answer(&bundle, finding), ("allow", Some("the-rule".to_owned())));
    // A rule that takes every odd type before closes it.
    let closed = json!({"default_effect": "allow", "on_error": "allow", "rules": [
        rule("everything", "deny", 90, json!({})), rule("the-rule", "deny", 50, json!({"branch": "main"}))]});
    assert!(found(&closed, &[], Code::ErrorOpens).is_empty());
}

#[test]
fn what_an_invariant_leaves_open_behind_an_unrelated_rule_is_found() {
    let invariant: Invariant = serde_json::from_value(json!({"id": "only-eu", "agent": "*", "action": "*",
        "never": "allow", "when": {"!=region": "eu"}}))
    .unwrap();
    let mut rules = behind_tickets(json!({"!=region": "eu"}), "deny");
    for rule in rules["rules"].as_array_mut().unwrap() {
        (rule["agent"], rule["action"]) = (json!("*"), json!("*"));
    }
    let findings = found(&rules, std::slice::from_ref(&invariant), Code::AbsentPasses);
    let finding = findings.iter().find(|finding| finding.message.contains("The invariant `only-eu`")).unwrap();
    assert_eq!(answer(&rules, finding), ("allow", None));
    rules["default_effect"] = json!("deny");
    assert!(found(&rules, &[invariant], Code::AbsentPasses).is_empty());
}

#[test]
fn what_is_answered_as_strictly_is_no_hole() {
    for bundle in [
        // The default denies what has no region.
        json!({"rules": [
            rule("only-eu", "deny", 90, json!({"!=region": "eu"})), rule("eu-only", "allow", 10, json!({"region": "eu"}))]}),
        // The rule is about numbers, so it means inputs that have one.
        json!({"rules": [
            rule("odd-amount", "deny", 90, json!({"!=amount": 5, ">=amount": 1})), rule("the-rest", "allow", 10, json!({}))]}),
        // Two other rules close it together.
        json!({"default_effect": "allow", "rules": [
            rule("the-rule", "deny", 90, json!({"!=region": "eu"})),
            rule("with-ticket", "deny", 50, json!({"?region": false, "?ticket": true})),
            rule("no-ticket", "deny", 50, json!({"?region": false, "?ticket": false}))]}),
    ] {
        assert!(found(&bundle, &[], Code::AbsentPasses).is_empty(), "{bundle}");
        let report = lint_against(&Source::read(bundle).unwrap(), &[]);
        assert!(report.all().all(|finding| finding.severity != Severity::Error));
    }
}

#[test]
fn a_number_that_is_not_the_one_its_author_wrote_is_a_finding_wherever_it_is() {
    let written = |number: &str| {
        let text = format!(
            r#"{{"rules": [{{"id": "the-rule", "agent": "a", "action": "b", "effect": "allow",
            "reason": "A reason that is long enough.", "conditions": {{"<=limit": {number}, "of": [1, {number}]}},
            "budget": {{"cost": {number}}}}}],
            "schema": {{"agents": {{"a": {{"fields": {{"limit": {{"type": "number", "min": {number}}}}}}}}}}}}}"#
        );
        let source = Source::parse(text.as_bytes()).unwrap();
        let report = lint_against(&source, &[]);
        let found = report.all().filter(|finding| finding.code == Code::InexactNumber).cloned();
        (source, found.collect::<Vec<_>>())
    };
    for number in [
        "9007199254740993",
        "12345678901234567890123",
        "9007199254740993.0",
        "0.1000000000000000055",
        "1e-400",
        "123456789.123456789012",
    ] {
        let (source, found) = written(number);
        let mut paths: Vec<&str> = found.iter().map(|finding| finding.path.as_str()).collect();
        paths.sort_unstable();
        let schema = "/schema/agents/a/fields/limit/min";
        let conditions = ["/rules/0/conditions/<=limit", "/rules/0/conditions/of/1"];
        assert_eq!(paths, ["/rules/0/budget/cost", conditions[0], conditions[1], schema], "{number}");
        for finding in found {
            assert!(finding.message.contains(number), "{finding:?}");
            let fixed = apply_fix(&source, &finding).unwrap();
            let value = fixed.to_value();
            let repaired = value.pointer(&finding.path).unwrap();
            assert_eq!(repaired.is_string(), finding.path == conditions[1], "{finding:?}");
        }
    }
    for number in
        ["9007199254740992", "0.1", "1.50", "1e3", "100000000000000000000000", "5e-324", "0.30000000000000004"]
    {
        assert!(written(number).1.is_empty(), "{number}");
    }
    // A list of rules is a bundle, too.
    let bare = br#"[{"id": "the-rule", "conditions": {"n": 0.1000000000000000055}}]"#;
    let report = lint_against(&Source::parse(bare).unwrap(), &[]);
    assert!(report.all().any(|f| f.code == Code::InexactNumber && f.path == "/rules/0/conditions/n"));
}

#[test]
fn a_prefix_ends_where_its_part_ends() {
    let allow = |prefix: &str| json!([rule("the-rule", "allow", 50, json!({"^=target": prefix}))]);
    for (prefix, also) in [
        ("evil.com", "evil.com.evil.example"),
        ("evil.com.", "evil.com.evil.example"),
        ("user@corp", "user@corp.evil.example"),
        ("https://api.", "https://api.evil.example/"),
        ("https://api.github.com:443", "https://api.github.com:443@evil.example/"),
        ("https://user@", "https://user@evil.example/"),
        ("10.0.0.1", "10.0.0.1.evil.example"),
    ] {
        let bundle = allow(prefix);
        let findings = found(&bundle, &[], Code::PrefixBoundary);
        let [finding] = findings.as_slice() else { panic!("{prefix}: {findings:?}") };
        assert_eq!(finding.witness.as_ref().unwrap()["context"]["target"], also);
        assert_eq!(answer(&bundle, finding), ("allow", Some("the-rule".to_owned())));
        // Only its author knows the rest of an unfinished host.
        assert_eq!(finding.fix.is_none(), prefix.starts_with("https") && prefix.ends_with(['.', '@']), "{prefix}");
        if let Some(fixed) = apply_fix(&Source::read(bundle).unwrap(), finding) {
            assert!(found(&fixed.to_value(), &[], Code::PrefixBoundary).is_empty(), "{prefix}");
        }
    }
    for prefix in ["evil.com:", "git@github.com:", "https://corp/v1.", "ceo@", "mail.", "10.1.", "npm:"] {
        assert!(found(&allow(prefix), &[], Code::PrefixBoundary).is_empty(), "{prefix}");
    }
}

#[test]
fn a_deny_that_a_blank_or_case_slips_past_is_found() {
    let bundle = |conditions: Value| json!({"rules": [rule("the-rule", "deny", 90, conditions), rule("the-rest", "allow", 10, json!({}))]});
    for (conditions, path, evasion) in [
        (json!({"^=command": "rm "}), "^=command", " rm "),
        (json!({"^=branch": "main"}), "^=branch", " main"),
        // The blank in front is the mistake.
        (json!({"^=command": " rm"}), "^=command", "rm"),
        (json!({"branch": " main"}), "branch", "main"),
        (json!({"branch": ["dev", "main "]}), "branch", "main"),
    ] {
        let bundle = bundle(conditions.clone());
        let findings = found(&bundle, &[], Code::PrefixBoundary);
        let [finding] = findings.as_slice() else { panic!("{conditions}: {findings:?}") };
        assert_eq!(finding.path, format!("/rules/0/conditions/{path}"));
        assert!(finding.message.contains(&format!("\"{evasion}\" is answered allow")), "{finding:?}");
        assert_eq!(answer(&bundle, finding), ("allow", Some("the-rest".to_owned())));
        let fixed = apply_fix(&Source::read(bundle).unwrap(), finding).unwrap();
        let left = found(&fixed.to_value(), &[], Code::PrefixBoundary);
        assert!(left.iter().all(|left| !left.message.contains(&format!("\"{evasion}\""))), "{left:?}");
    }
    // In another case, only the caller can help.
    let closed = json!({"rules": [
        rule("no-drop", "deny", 90, json!({"^=sql": "DROP"})), rule("no-blank", "deny", 90, json!({"^=sql": " "})),
        rule("the-rest", "allow", 10, json!({}))]});
    let findings = found(&closed, &[], Code::PrefixBoundary);
    assert!(matches!(findings.as_slice(), [one] if one.message.contains("small letters") && one.fix.is_none()));
    // What is not allowed without the rule either is no hole.
    let strict = json!([rule("the-rule", "deny", 90, json!({"^=command": "rm ", "branch": " main"}))]);
    assert!(found(&strict, &[], Code::PrefixBoundary).is_empty());
}
