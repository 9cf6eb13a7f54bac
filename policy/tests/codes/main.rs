//! Every code of the linter, one by one: path, message, repair and witness.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed, which is its job")]

mod holes;
mod mistakes;

use policy::{
    analysis::{self, Meter},
    bundle::{Effect, Invariant, Source},
    engine::{Input, Prepared, Status},
    lint::{Code, Finding, Severity, apply_fix, lint_against},
};
use serde_json::{Value, json};

/// The expected properties of a finding.
struct Case {
    code: Code,
    severity: Severity,
    bundle: Value,
    rule: Option<&'static str>,
    path: &'static str,
    /// Whether there is one right answer, and so a repair.
    fix: bool,
    /// Whether the finding has an input that shows it.
    witness: bool,
}

/// A case; an empty `rule` stands for none.
fn case(
    code: Code,
    severity: Severity,
    bundle: Value,
    rule: &'static str,
    path: &'static str,
    fix: bool,
    witness: bool,
) -> Case {
    Case { code, severity, bundle, rule: (!rule.is_empty()).then_some(rule), path, fix, witness }
}

fn one(rule: Value) -> Value {
    json!({"rules": [rule]})
}

fn risk(from: i32) -> Value {
    json!({">=risk_score": from})
}

fn guardrail(mut rule: Value) -> Value {
    rule["tags"] = json!(["guardrail"]);
    rule
}

fn rule(id: &str, effect: &str, priority: u16, conditions: Value) -> Value {
    json!({"id": id, "agent": "inbox.triage", "action": "quarantine", "conditions": conditions, "effect": effect,
        "reason": "A reason that is long enough.", "priority": priority, "budget": {"cost": 1}})
}

/// A correct rule with some members changed; null removes a member.
fn with(members: Value) -> Value {
    let mut rule = rule("the-rule", "allow", 50, json!({">=risk_score": 20}));
    for (key, value) in members.as_object().unwrap() {
        match value {
            Value::Null => drop(rule.as_object_mut().unwrap().remove(key)),
            value => rule[key] = value.clone(),
        }
    }
    rule
}

fn schema() -> Value {
    json!({"agents": {"inbox.triage": {"actions": ["quarantine"], "fields": {
        "risk_score": {"type": "integer", "min": 0, "max": 100, "required": true},
        "category": {"type": "string", "enum": ["phishing", "bulk"]}}}}})
}

fn cases() -> Vec<Case> {
    use Severity::{Error, Info, Warning};
    let declared = |conditions: Value| json!({"rules": [with(json!({"conditions": conditions}))], "schema": schema()});
    let id = "the-rule";
    vec![
        case(Code::MissingId, Error, one(with(json!({"id": null}))), "", "/rules/0/id", false, false),
        case(
            Code::DuplicateId,
            Error,
            json!({"rules": [with(json!({})), with(json!({}))]}),
            id,
            "/rules/1/id",
            true,
            false,
        ),
        case(
            Code::DuplicateId,
            Error,
            json!({"rules": [with(json!({})), with(json!({"effect": "deny"}))]}),
            id,
            "/rules/1/id",
            false,
            false,
        ),
        case(Code::Schema, Error, one(with(json!({"effect": "DENY"}))), id, "/rules/0/effect", true, false),
        case(Code::Schema, Error, one(with(json!({"effect": "block"}))), id, "/rules/0/effect", false, false),
        case(Code::Schema, Error, one(with(json!({"priority": 1001}))), id, "/rules/0/priority", false, false),
        case(Code::MissingReason, Error, one(with(json!({"reason": null}))), id, "/rules/0/reason", false, false),
        case(
            Code::BadOperator,
            Error,
            one(with(json!({"conditions": {"risk_score>=": 85}}))),
            id,
            "/rules/0/conditions/risk_score>=",
            true,
            false,
        ),
        case(
            Code::BadOperator,
            Error,
            one(with(json!({"conditions": {"risk_score": ">=85"}}))),
            id,
            "/rules/0/conditions/risk_score",
            true,
            false,
        ),
        case(
            Code::Contradiction,
            Error,
            one(with(json!({"conditions": {">=risk_score": 18, "<risk_score": 8}}))),
            id,
            "/rules/0/conditions/>=risk_score",
            false,
            false,
        ),
        case(
            Code::TypeClash,
            Error,
            declared(json!({"risk_score": "85"})),
            id,
            "/rules/0/conditions/risk_score",
            true,
            false,
        ),
        case(
            Code::TypeClash,
            Error,
            declared(json!({">=category": 1})),
            id,
            "/rules/0/conditions/>=category",
            false,
            false,
        ),
        case(Code::Invariant, Error, one(with(json!({"conditions": risk(10)}))), id, "/rules/0", false, true),
        case(Code::ShortReason, Warning, one(with(json!({"reason": "short"}))), id, "/rules/0/reason", false, false),
        case(
            Code::ApprovalWithoutBudget,
            Warning,
            one(with(json!({"effect": "needs_approval", "budget": null}))),
            id,
            "/rules/0/budget",
            false,
            false,
        ),
        case(
            Code::HighCost,
            Warning,
            one(with(json!({"budget": {"cost": 1000.5}}))),
            id,
            "/rules/0/budget/cost",
            false,
            false,
        ),
        case(
            Code::Unreachable,
            Warning,
            json!({"rules": [
                rule("low-risk", "deny", 90, json!({"<risk_score": 50})), rule("high-risk", "deny", 80, risk(50)),
                rule("in-vain", "allow", 10, risk(40))]}),
            "in-vain",
            "/rules/2",
            false,
            false,
        ),
        case(
            Code::Conflict,
            Warning,
            json!({"rules": [rule("hold-it", "deny", 50, risk(50)), rule("let-go", "allow", 50, risk(40))]}),
            "let-go",
            "/rules/1",
            false,
            true,
        ),
        case(
            Code::Redundant,
            Warning,
            json!({"rules": [rule("narrow", "allow", 60, risk(50)), rule("wide-one", "allow", 50, risk(40))]}),
            "narrow",
            "/rules/0",
            false,
            false,
        ),
        case(
            Code::OutOfDomain,
            Warning,
            declared(json!({"category": ["phishing", "fishing"]})),
            id,
            "/rules/0/conditions/category",
            false,
            false,
        ),
        case(
            Code::Undeclared,
            Warning,
            declared(json!({">=risk_scroe": 1})),
            id,
            "/rules/0/conditions/>=risk_scroe",
            false,
            false,
        ),
        case(
            Code::Undeclared,
            Warning,
            json!({"rules": [with(json!({"agent": "outbox"}))], "schema": schema()}),
            id,
            "/rules/0/agent",
            false,
            false,
        ),
        case(
            Code::Undeclared,
            Warning,
            json!({"rules": [with(json!({"action": "burn"}))], "schema": schema()}),
            id,
            "/rules/0/action",
            false,
            false,
        ),
        case(
            Code::NearDuplicate,
            Warning,
            json!({"rules": [rule("the-first", "allow", 60, risk(50)), rule("the-copy", "allow", 50, risk(40))]}),
            "the-copy",
            "/rules/1",
            false,
            false,
        ),
        case(
            Code::GuardrailShadowed,
            Warning,
            json!({"rules": [
                rule("let-go", "allow", 60, risk(40)), guardrail(rule("never-that", "deny", 50, risk(50)))]}),
            "never-that",
            "/rules/1",
            false,
            true,
        ),
        case(Code::Disabled, Info, one(with(json!({"enabled": false}))), id, "/rules/0/enabled", false, false),
        case(Code::Gap, Info, one(with(json!({}))), "", "/default_effect", false, true),
    ]
}

fn invariants() -> Vec<Invariant> {
    let invariant = json!({"id": "careful", "agent": "inbox.triage", "action": "quarantine", "never": "allow",
        "when": {"<risk_score": 20}});
    vec![serde_json::from_value(invariant).unwrap()]
}

/// The evaluator confirms that the witness shows what the finding states.
fn shows(finding: &Finding, source: &Source) {
    let input: Input = serde_json::from_value(finding.witness.clone().unwrap()).unwrap();
    let bundle = source.parse_rules().bundle;
    let answer = Prepared::new(&bundle).decide(&input);
    match finding.code {
        Code::Gap | Code::NoRules => assert_eq!(answer.status, Status::NoMatch),
        Code::ErrorOpens => assert_eq!((answer.status, answer.effect), (Status::Error, Effect::Allow)),
        Code::PrefixBoundary if answer.matched_rule == finding.rule_id => assert_eq!(answer.effect, Effect::Allow),
        Code::AbsentPasses | Code::PrefixBoundary => assert_eq!(answer.effect, Effect::Allow),
        // The rule also takes a number that its author did not write, or one of two entries that look the same.
        Code::InexactNumber => assert_eq!(answer.matched_rule, finding.rule_id),
        Code::InvisibleText | Code::Lookalike if finding.path.ends_with("/branch/1") => {
            assert_eq!(answer.matched_rule, finding.rule_id);
        }
        // The rule does not see what its author means.
        Code::Lookalike | Code::InvisibleText | Code::SuspiciousText => {
            assert_ne!((answer.status, answer.matched_rule), (Status::Matched, finding.rule_id.clone()));
        }
        Code::Invariant => assert_eq!(answer.matched_rule, finding.rule_id),
        _ => {
            // Another rule decides, and this one would.
            assert_ne!(answer.matched_rule, finding.rule_id);
            let mut alone = bundle.clone();
            alone.rules.retain(|rule| Some(&rule.id) == finding.rule_id.as_ref());
            assert_eq!(Prepared::new(&alone).decide(&input).matched_rule, finding.rule_id);
        }
    }
}

#[test]
fn every_code_has_its_path_message_repair_and_witness() {
    for case in cases().into_iter().chain(mistakes::cases()) {
        let source = Source::read(case.bundle.clone()).unwrap();
        let report = lint_against(&source, &invariants());
        let found: Vec<&Finding> = report.all().filter(|finding| finding.code == case.code).collect();
        let [finding] = found.as_slice() else { panic!("{:?}: {found:?}", case.code) };
        let name = case.code.name();
        assert_eq!((finding.severity, finding.path.as_str()), (case.severity, case.path), "{name}");
        assert_eq!(finding.rule_id.as_deref(), case.rule, "{name}");
        assert!(finding.message.len() > 10 && finding.suggestion.as_ref().is_some_and(|s| s.len() > 5), "{finding:?}");
        assert_eq!(report.passed, report.errors.is_empty(), "{name}");
        assert_eq!(finding.fix.is_some(), case.fix, "{name}");
        if case.fix {
            let fixed = apply_fix(&source, finding).unwrap();
            assert!(lint_against(&fixed, &invariants()).all().all(|other| other.code != case.code), "{name}");
        }
        assert_eq!(finding.witness.is_some(), case.witness, "{name}");
        if case.witness {
            shows(finding, &source);
        }
        let written = serde_json::to_value(finding).unwrap();
        assert_eq!(written["code"], json!(name));
    }
}

#[test]
fn what_is_undecided_is_reported() {
    let rules: Vec<Value> =
        (0..20).map(|n| rule(&format!("rule-{n:02}"), "allow", n, json!({">=risk_score": n}))).collect();
    let bundle = Source::read(json!({"rules": rules})).unwrap().parse_rules().bundle;
    let findings = analysis::findings(&bundle, Meter::new(80, 20));
    let undecided: Vec<&Finding> = findings.iter().filter(|finding| finding.code == Code::Undecided).collect();
    assert!(!undecided.is_empty());
    for finding in undecided {
        assert_eq!(finding.severity, Severity::Info);
        assert!(finding.suggestion.is_some() && finding.witness.is_none() && finding.message.contains("work budget"));
    }
}

/// Every code has a case above, or is the one code with its own test.
#[test]
fn no_code_is_left_out() {
    let names = "missing_id duplicate_id schema missing_reason bad_operator contradiction type_clash invariant \
        short_reason approval_without_budget high_cost unreachable conflict redundant out_of_domain undeclared \
        near_duplicate guardrail_shadowed no_rules error_opens absent_passes prefix_boundary invisible_text lookalike \
        inexact_number suspicious_text unknown_member notation_1_1 unused_member disabled gap";
    let reported: Vec<&str> = cases().iter().chain(&mistakes::cases()).map(|case| case.code.name()).collect();
    for name in names.split_whitespace() {
        assert!(reported.contains(&name), "{name}");
    }
}
