//! Properties that hold for every bundle as written, whatever an author types.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is its job")]

use policy::{
    bundle::{
        Bundle, Condition, Format, ReadError, Scalar, Source, Test, canonical::canonical, diff::text_diff, version,
    },
    json::Malformed,
    lint::{Code, fix_all, lint, quick},
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..4).prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}

fn scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        (-1000..1000_i32).prop_map(|n| Scalar::Number(f64::from(n) / 4.0)),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Scalar::Number),
        any::<bool>().prop_map(Scalar::Bool),
        "[a-z .,]{0,6}".prop_map(Scalar::String),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let number = any::<f64>().prop_filter("finite", |n| n.is_finite());
    let test = prop_oneof![
        number.clone().prop_map(Test::AtLeast),
        number.clone().prop_map(Test::AtMost),
        number.clone().prop_map(Test::Above),
        number.prop_map(Test::Below),
        prop::collection::vec(scalar(), 0..4).prop_map(Test::In),
        prop::collection::vec(scalar(), 0..4).prop_map(Test::NotIn),
        ".{0,8}".prop_map(Test::StartsWith),
        any::<bool>().prop_map(Test::Present),
    ];
    ("[a-z_]{1,6}(\\.[a-z_]{1,6}){0,2}", test).prop_map(|(field, test)| Condition::new(field, test))
}

/// Conditions as people write them: right, odd and hopeless.
fn written_conditions() -> impl Strategy<Value = Map<String, Value>> {
    let operator = prop::sample::select(vec!["", "", ">=", "<=", ">", "<", "==", "!=", "^=", "?", "=", "=>", " ", "!"]);
    let field = prop::sample::select(vec!["risk", "hour", "category", "sender.vip", "a b", "", "."]);
    let text = prop::sample::select(vec![
        "phishing", "a|b", "a||b", "|", ">=85", "<8", "> Re", "==true", "!=x|y", "85", "true", "=>1", "", "high",
    ]);
    let value = prop_oneof![
        (-5..100_i32).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        text.prop_map(Value::from),
        Just(Value::Null),
        Just(json!({"gte": 3, "lt": 9})),
        Just(json!(["a", 1])),
        Just(json!([[]])),
    ];
    prop::collection::vec((operator.clone(), field, operator, value), 0..5).prop_map(|members| {
        members.into_iter().map(|(front, field, behind, value)| (format!("{front}{field}{behind}"), value)).collect()
    })
}

fn written_rule() -> impl Strategy<Value = Map<String, Value>> {
    let id = prop::sample::select(vec!["block-it", "allow-it", "hold-it", "Bad Id", ""]);
    let agent = prop::sample::select(vec!["inbox.triage", "inbox.*", "*", "Inbox"]);
    let effect = prop::sample::select(vec!["allow", "deny", "needs_approval", "DENY", "needs approval", "block"]);
    let reason = prop::sample::select(vec!["A reason that is long enough.", "short", ""]);
    let risk = prop::sample::select(vec!["low", "HIGH", "critical"]);
    let key = prop::sample::select(vec!["conditions", "condition", "Conditions"]);
    (id, agent, effect, reason, risk, key, -1..1200_i32, written_conditions(), written_terms()).prop_map(
        |(id, agent, effect, reason, risk, key, priority, conditions, terms)| {
            let rule = json!({"id": id, "agent": agent, "action": "*", "effect": effect, "reason": reason,
                "priority": priority, "budget": {"risk": risk}, key: conditions});
            rule.as_object().unwrap().clone().into_iter().chain(terms).collect()
        },
    )
}

/// Terms of approvals, most of them wrong.
fn written_terms() -> impl Strategy<Value = Vec<(String, Value)>> {
    let key = prop::sample::select(vec!["approvers", "quorum", "expires_in", "unbound", "aprovers", "expires_at"]);
    let value = prop::sample::select(vec![
        json!(2),
        json!(3600),
        json!([]),
        json!(["safety_owner", "maria@example.org"]),
        json!(["Safety Owner", "runtime-owner", "ts"]),
        json!(null),
        json!("approver"),
    ]);
    prop::collection::vec((key.prop_map(str::to_owned), value), 0..3)
}

fn written_bundle() -> impl Strategy<Value = Source> {
    let schema = prop_oneof![
        Just(None),
        Just(Some(
            json!({"agents": {"inbox.triage": {"fields": {"risk": "integer", "hour": "string", "category": "boolean"}}}})
        )),
    ];
    let format = prop::sample::select(vec![None, Some(Format::V1_0), Some(Format::V1_1)]);
    (prop::collection::vec(written_rule(), 0..6), schema, format).prop_map(|(rules, schema, format)| Source {
        rules,
        schema,
        format,
        ..Source::default()
    })
}

/// The meaning of a bundle, without the positions of its rules.
fn meaning(bundle: &Bundle) -> Vec<String> {
    let mut rules: Vec<_> = bundle
        .rules
        .iter()
        .map(|rule| {
            let mut rule = rule.clone();
            rule.position = 0;
            format!("{rule:?}")
        })
        .collect();
    rules.sort();
    rules
}

proptest! {
    #[test]
    fn canonical_json_is_idempotent(value in json_value()) {
        let text = canonical(&value);
        let again: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(canonical(&again), text);
    }

    #[test]
    fn a_condition_survives_being_written_and_read(condition in condition()) {
        let (key, value) = condition.entry();
        // Some texts are other notations; these are refused with a repair and never read as something else.
        if let Ok(read) = Condition::parse(&key, &value) {
            prop_assert_eq!(read, condition);
        } else {
            prop_assert!(matches!(condition.test, Test::In(_) | Test::NotIn(_)));
        }
    }

    #[test]
    fn the_digest_ignores_order_and_stated_defaults(source in written_bundle(), turn in 0..6_usize) {
        let mut other = source.clone();
        let count = other.rules.len().max(1);
        other.rules.rotate_left(turn % count);
        for rule in &mut other.rules {
            for (key, value) in [("enabled", json!(true)), ("tags", json!([])), ("metadata", json!({})), ("conditions", json!({}))] {
                rule.entry(key).or_insert(value);
            }
        }
        other.notes = "another note".to_owned();
        prop_assert_eq!(source.digest(), other.digest());
        // Drafts may repeat an id; the diff then pairs rules by their order.
        if !lint(&source).errors.iter().any(|finding| finding.code == Code::DuplicateId || finding.code == Code::MissingId) {
            prop_assert!(text_diff(&source, &other).is_empty());
        }
    }

    #[test]
    fn fix_all_ends_with_nothing_left_to_fix_and_adds_no_error(source in written_bundle()) {
        let fixed = fix_all(&source);
        // Faults inside a misspelt `conditions` come to light only when its name is corrected; they are not new.
        let mut spelt = source.clone();
        for rule in &mut spelt.rules {
            let misspelt = ["condition", "Conditions"].into_iter().find_map(|key| rule.remove(key));
            rule.extend(misspelt.map(|conditions| ("conditions".to_owned(), conditions)));
        }
        let (before, after) = (lint(&spelt), lint(&fixed));
        // What a warning proposes is a decision; only the repairs of errors are made together.
        prop_assert!(after.errors.iter().all(|finding| finding.fix.is_none()), "{:#?}", after);
        prop_assert!(after.summary.errors <= before.summary.errors, "{before:#?}\n{after:#?}");
        prop_assert_eq!(fix_all(&fixed), fixed);
    }

    #[test]
    fn fixing_keeps_the_meaning_of_what_was_right(source in written_bundle()) {
        let before = source.parse_rules().bundle;
        let after = fix_all(&source).parse_rules().bundle;
        for rule in &before.rules {
            let kept = after.rules.iter().any(|other| other.id == rule.id);
            prop_assert!(kept, "{rule:?}");
        }
    }

    #[test]
    fn the_order_of_rules_does_not_change_what_fixing_does(source in written_bundle()) {
        let ids: Vec<_> = source.rules.iter().map(|rule| rule["id"].to_string()).collect();
        prop_assume!((1..ids.len()).all(|index| !ids[..index].contains(&ids[index])));
        let mut reversed = source.clone();
        reversed.rules.reverse();
        prop_assert_eq!(meaning(&fix_all(&source).parse_rules().bundle), meaning(&fix_all(&reversed).parse_rules().bundle));
        prop_assert_eq!(fix_all(&source).digest(), fix_all(&reversed).digest());
    }

    #[test]
    fn a_bundle_survives_being_written_and_read(source in written_bundle()) {
        prop_assert_eq!(Source::read(source.to_value()), Ok(source.clone()));
        prop_assert_eq!(Source::parse(source.to_text().as_bytes()), Ok(source));
    }

    #[test]
    fn a_proposed_version_is_always_accepted(
        base in written_bundle(),
        draft in written_bundle(),
        taken in prop::collection::vec((0..4_u64, 0..4_u64, 0..4_u64), 0..20),
        at in (0..4_u64, 0..4_u64, 0..4_u64),
    ) {
        let text = |(major, minor, patch)| format!("{major}.{minor}.{patch}");
        let taken: Vec<String> = taken.into_iter().map(text).collect();
        let at = text(at);
        let proposal = version::propose(Some((&at, &base)), &draft, &taken);
        prop_assert_eq!(version::check(&proposal.version, Some((&at, &base)), &draft, &taken), Ok(None));
        prop_assert!(!taken.contains(&proposal.version));
        prop_assert!(version::compare(&at, &proposal.version).is_lt());
        for used in &taken {
            prop_assert!(version::check(used, Some((&at, &base)), &draft, &taken).is_err());
        }
    }
}

#[test]
fn ten_thousand_wrong_rules_are_each_found_and_repaired() {
    let rules: Vec<Value> = (0..10_000)
        .map(|n| {
            json!({"id": format!("rule-{n}"), "agent": format!("agent-{}.x", n % 50),
            "action": "act", "effect": "deny", "reason": "one of very many generated rules", "priority": n % 1000,
            "conditions": {"risk_score>=": n % 100, "category": "a|b", "<hour": n % 24}})
        })
        .collect();
    let source = Source::read(json!(rules)).unwrap();
    let wrong =
        |source: &Source| quick(source).errors.iter().filter(|finding| finding.code == Code::BadOperator).count();
    assert!(wrong(&source) >= source.rules.len());
    assert_eq!(wrong(&fix_all(&source)), 0);
}

/// One slip inside a rule must not hide what is wrong with all other rules.
#[test]
fn a_wrong_type_inside_a_rule_is_a_finding_with_its_path() {
    for (member, value, path) in [
        ("id", json!(7), "/rules/0/id"),
        ("agent", json!(["inbox.triage"]), "/rules/0/agent"),
        ("action", json!(1), "/rules/0/action"),
        ("effect", json!(true), "/rules/0/effect"),
        ("priority", json!("80"), "/rules/0/priority"),
        ("conditions", json!("risk_score >= 85"), "/rules/0/conditions"),
        ("conditions", json!([]), "/rules/0/conditions"),
        ("tags", json!(["a", 1]), "/rules/0/tags/1"),
        ("tags", json!("guardrail"), "/rules/0/tags"),
        ("budget", json!({"cost": "5"}), "/rules/0/budget/cost"),
        ("enabled", json!("yes"), "/rules/0/enabled"),
        ("reason", json!(null), "/rules/0/reason"),
        ("reason", json!({}), "/rules/0/reason"),
        ("metadata", json!("x"), "/rules/0/metadata"),
    ] {
        let mut first = json!({"id": "first", "agent": "inbox.triage", "action": "quarantine", "effect": "deny",
            "reason": "A reason that is long enough"});
        first[member] = value;
        let second = json!({"id": "second", "agent": "inbox.triage", "action": "quarantine", "effect": "deny",
            "reason": "short"});
        for document in [json!({"rules": [first, second]}), json!([first, second])] {
            let source = Source::read(document.clone()).unwrap();
            let report = lint(&source);
            let errors: Vec<&str> = report.errors.iter().map(|finding| finding.path.as_str()).collect();
            assert_eq!(errors, [path], "{document}: {:?}", report.errors);
            assert!(report.warnings.iter().any(|finding| finding.path == "/rules/1/reason"), "{document}");
            assert!(report.errors[0].suggestion.is_some() && !report.errors[0].message.contains("expected"));
            assert_eq!(Source::read(source.to_value()).unwrap().digest(), source.digest());
        }
    }
}

#[test]
fn wrong_types_of_the_bundle_and_limits_are_refused_with_pointers() {
    let long = "x".repeat(1025);
    let many: Map<String, Value> = (0..65).map(|n| (format!("field_{n}"), json!(1))).collect();
    for (document, pointer) in [
        (json!(5), ""),
        (json!({}), "/rules"),
        (json!({"rules": {}}), "/rules"),
        (json!({"rules": [7]}), "/rules/0"),
        (json!({"rules": [{"reason": long}]}), "/rules/0/reason"),
        (json!({"rules": [{"conditions": many}]}), "/rules/0/conditions"),
        (json!({"rules": [], "default_effect": "block"}), "/default_effect"),
        (json!({"rules": [], "schema": []}), "/schema"),
        (json!({"rules": [], "version": 2}), "/version"),
    ] {
        let faults = Source::read(document.clone()).unwrap_err();
        assert_eq!(faults[0].pointer, pointer, "{document}");
    }
    let text = "{\"rules\": [\n  {\"id\": }]}";
    let ReadError::Malformed(Malformed { line, column, .. }) = Source::parse(text.as_bytes()).unwrap_err() else {
        panic!("not refused as malformed");
    };
    assert_eq!((line, column), (2, 10));
}
