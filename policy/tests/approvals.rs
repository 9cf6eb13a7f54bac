//! What an approval is bound to: the digest of the rule that asks, and the context without what the rule names unbound.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed, which is its job")]

use std::collections::BTreeMap;

use policy::{
    bundle::{
        ApprovalRule, ApprovalTerms, Format, Risk, Rule, Source, approval::MAX_CHANGED, approval_rules, bound_context,
        canonical::canonical_object, canonical_context, changed_members, diff::text_diff,
    },
    engine::{Input, Prepared, condition::lookup},
    lint::lint,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// A correct rule that asks, with these members besides or instead.
fn asking(members: &Value) -> Map<String, Value> {
    let mut rule = object(json!({"id": "ask-first", "agent": "inbox.triage", "action": "quarantine",
        "conditions": {">=risk_score": 20}, "effect": "needs_approval", "reason": "A reason that is long enough."}));
    rule.extend(object(members.clone()));
    rule
}

fn bundle(format: Format, rules: Vec<Map<String, Value>>) -> Source {
    Source { rules, format: Some(format), ..Source::default() }
}

fn read(format: Format, members: &Value) -> ApprovalRule {
    let source = bundle(format, vec![asking(members)]);
    source.approval_rules().remove("ask-first").unwrap_or_else(|| panic!("{members}"))
}

/// Members that the digest of a rule does not cover.
fn uncovered() -> impl Strategy<Value = Value> {
    let reason = "[a-z ]{10,20}";
    (reason, prop::collection::vec("[a-z]{3,8}", 0..3), 0..=1000_u16, "[a-z]{0,5}", any::<bool>()).prop_map(
        |(reason, tags, priority, note, spelt)| {
            let mut members = json!({"reason": reason, "tags": tags, "priority": priority, "metadata": {"note": note}});
            if spelt {
                let defaults =
                    json!({"enabled": true, "approvers": [], "quorum": null, "expires_in": null, "unbound": []});
                members.as_object_mut().unwrap().extend(object(defaults));
            }
            members
        },
    )
}

fn context() -> impl Strategy<Value = Map<String, Value>> {
    let key = || prop::sample::select(vec!["a", "b", "c", "a.b", "a.b.c", "b.c", "é", "~x/y"]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-9..9_i64).prop_map(Value::from),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Value::from),
        ".{0,4}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::btree_map(key(), inner.clone(), 0..4).prop_map(to_value),
            prop::collection::vec(inner, 0..3).prop_map(Value::from),
        ]
    });
    prop::collection::btree_map(key(), value, 0..5).prop_map(|members| object(to_value(members)))
}

fn to_value(members: BTreeMap<&str, Value>) -> Value {
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn paths() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "é"]), 1..4), 0..4)
        .prop_map(|paths| paths.into_iter().map(|segments| segments.join(".")).collect())
}

/// Where the engine reads a path: the segments to follow.
fn place<'p>(context: &Map<String, Value>, path: &'p str) -> Vec<&'p str> {
    match path.split_once('.') {
        Some((first, _)) if context.contains_key(first) => path.split('.').collect(),
        _ => vec![path],
    }
}

/// Every member of `object` by the keys that lead to it, at any depth, with what it has besides objects.
fn members(object: &Map<String, Value>, above: &[&str], found: &mut Vec<(Vec<String>, Value)>) {
    for (key, value) in object {
        let place: Vec<&str> = above.iter().copied().chain([key.as_str()]).collect();
        let own = if value.is_object() { json!({}) } else { value.clone() };
        found.push((place.iter().map(|key| (*key).to_owned()).collect(), own));
        if let Value::Object(inner) = value {
            members(inner, &place, found);
        }
    }
}

fn all_members(object: &Map<String, Value>) -> Vec<(Vec<String>, Value)> {
    let mut found = Vec::new();
    members(object, &[], &mut found);
    found
}

proptest! {
    #[test]
    fn the_digest_of_a_rule_covers_neither_words_nor_order_nor_spelt_defaults(one in uncovered(), other in uncovered()) {
        let (old, new) = (read(Format::V1_1, &one), read(Format::V1_1, &other));
        prop_assert_eq!(&old.digest, &new.digest);
        prop_assert_eq!(&old.terms, &ApprovalTerms::default());
        // Moving to the later format changes no digest by itself.
        prop_assert_eq!(&read(Format::V1_0, &one).digest, &new.digest);
    }

    #[test]
    fn in_format_1_0_terms_mean_nothing(quorum in 0..12, approvers in prop::collection::vec("[a-z@]{1,8}", 0..3)) {
        let stated = json!({"quorum": quorum, "approvers": approvers, "unbound": "x", "expires_in": 60});
        let (plain, stated) = (read(Format::V1_0, &json!({})), read(Format::V1_0, &stated));
        prop_assert_eq!((&plain.digest, &plain.terms), (&stated.digest, &stated.terms));
    }

    #[test]
    fn a_bound_context_lacks_what_is_unbound_and_nothing_else(context in context(), unbound in paths()) {
        let bound = bound_context(&context, &unbound);
        let removed: Vec<Vec<&str>> = unbound.iter().map(|path| place(&context, path)).collect();
        let is_below = |place: &[String]| removed.iter().any(|gone| place.iter().zip(gone).filter(|(a, b)| a == *b).count()
            == gone.len() && place.len() >= gone.len());
        let kept: Vec<_> = all_members(&context).into_iter().filter(|(place, _)| !is_below(place)).collect();
        prop_assert_eq!(all_members(&bound), kept);
        // No path hides another, whatever their order.
        let mut turned = unbound.clone();
        turned.reverse();
        prop_assert_eq!(&bound_context(&context, &turned), &bound);
    }

    #[test]
    fn what_the_engine_reads_at_an_unbound_path_does_not_matter(context in context(), path in paths()) {
        for path in &path {
            let bound = bound_context(&context, std::slice::from_ref(path));
            // Without a nested member of its name, a flat one is read: that is another field, and stays.
            if place(&context, path).len() > 1 {
                prop_assert!(lookup(&bound, path).is_none());
            }
        }
    }

    #[test]
    fn members_are_changed_if_and_only_if_the_canonical_text_is(one in context(), other in context()) {
        let changed = changed_members(&one, &other);
        prop_assert_eq!(changed.is_empty(), canonical_context(&one) == canonical_context(&other));
        prop_assert!(changed.len() <= MAX_CHANGED && changed.is_sorted_by(|a, b| a != b));
        let (one_value, other_value) = (Value::from(one.clone()), Value::from(other));
        for pointer in &changed {
            prop_assert!(one_value.pointer(pointer) != other_value.pointer(pointer), "{}", pointer);
        }
        prop_assert!(changed_members(&one, &one).is_empty());
    }

    #[test]
    fn the_canonical_text_of_a_context_is_finer_than_rfc_8785(one in context()) {
        let text = canonical_context(&one);
        let again = object(serde_json::from_str(&text).unwrap());
        prop_assert_eq!(canonical_object(&again), canonical_object(&one));
        if all_members(&one).iter().all(|(_, value)| value.as_f64().is_none_or(|n| n.abs() <= 9_007_199_254_740_992.0)
            && !value.is_array())
        {
            prop_assert_eq!(text, canonical_object(&one));
        }
    }

    #[test]
    fn terms_change_no_decision(quorum in 1..=9, risk in 0..40, format in prop::sample::select(vec!["1.0", "1.1"])) {
        let decide = |members: &Value| {
            let source = Source::read(json!({"rules": [asking(members)], "format": format})).unwrap();
            let input = json!({"agent": "inbox.triage", "action": "quarantine", "context": {"risk_score": risk}});
            let input: Input = serde_json::from_value(input).unwrap();
            let answer = Prepared::new(&source.parse_rules().bundle).decide(&input);
            (answer.effect, answer.status, answer.matched_rule)
        };
        prop_assert_eq!(decide(&json!({"quorum": quorum, "approvers": ["approver"]})), decide(&json!({})));
    }
}

#[test]
fn the_digest_of_a_rule_covers_every_other_member() {
    let plain = read(Format::V1_1, &json!({})).digest;
    for changed in [
        json!({"agent": "inbox.*"}),
        json!({"action": "*"}),
        json!({"conditions": {">=risk_score": 21}}),
        json!({"conditions": {}}),
        json!({"budget": {"risk": "high"}}),
        json!({"budget": {"cost": 1}}),
        json!({"approvers": ["approver"]}),
        json!({"quorum": 2}),
        json!({"expires_in": 60}),
        json!({"unbound": ["ts"]}),
        json!({"owner": "team-a"}),
    ] {
        assert_ne!(read(Format::V1_1, &changed).digest, plain, "{changed}");
    }
    let renamed = bundle(Format::V1_1, vec![asking(&json!({"id": "ask-again"}))]).approval_rules();
    assert_ne!(renamed["ask-again"].digest, plain);
}

#[test]
fn a_rule_that_asks_is_read_with_its_terms() {
    let members = json!({"approvers": ["safety_owner", "maria@example.org"], "quorum": 2.0, "expires_in": 3600,
        "unbound": ["ts"], "tags": ["guardrail"], "budget": {"risk": "high"}});
    let terms = ApprovalTerms {
        approvers: vec!["safety_owner".into(), "maria@example.org".into()],
        quorum: Some(2),
        expires_in: Some(3600),
        unbound: vec!["ts".into()],
    };
    let rule = read(Format::V1_1, &members);
    assert_eq!((&rule.terms, rule.risk, rule.guardrail), (&terms, Some(Risk::High), true));
    assert_eq!((&rule.written, &*rule.reason), (&asking(&members), "A reason that is long enough."));
    let earlier = read(Format::V1_0, &members);
    assert_eq!((earlier.terms, earlier.guardrail), (ApprovalTerms::default(), true));
    assert_eq!(serde_json::to_value(ApprovalTerms::default()).unwrap(), json!({}));
}

#[test]
fn only_rules_that_are_in_force_ask() {
    let rules = vec![
        asking(&json!({"id": "switched-off", "enabled": false})),
        asking(&json!({"id": "allows", "effect": "allow"})),
        asking(&json!({"id": "faulty", "quorum": 10})),
        asking(&json!({"id": "twice", "quorum": 1})),
        asking(&json!({"id": "twice", "quorum": 2})),
        asking(&json!({"id": "asks"})),
    ];
    let source = bundle(Format::V1_1, rules);
    let mut ids: Vec<_> = approval_rules(&source, &source.parse_rules()).into_keys().collect();
    ids.sort();
    assert_eq!(ids, ["asks", "twice"]);
    assert_eq!(source.approval_rules()["twice"].terms.quorum, Some(1));
}

#[test]
fn a_path_leads_where_the_engine_reads() {
    let unbound = |context: Value, paths: &[&str]| {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        Value::from(bound_context(&object(context), &paths))
    };
    assert_eq!(unbound(json!({"ts": 1, "to": "x"}), &["ts", "gone"]), json!({"to": "x"}));
    let nested = json!({"request": {"id": 1, "to": "x"}, "request.id": 2});
    assert_eq!(unbound(nested.clone(), &["request.id"]), json!({"request": {"to": "x"}, "request.id": 2}));
    assert_eq!(unbound(nested, &["request", "request.id"]), json!({"request.id": 2}));
    assert_eq!(unbound(json!({"request.id": 2}), &["request.id"]), json!({}));
    for first in [json!(null), json!("text"), json!([{"id": 1}])] {
        let context = json!({"request": first, "request.id": 2});
        assert_eq!(unbound(context.clone(), &["request.id"]), context);
    }
    assert_eq!(unbound(json!({"a": {"b.c": 1, "b": {"c": 2}}}), &["a.b.c"]), json!({"a": {"b.c": 1, "b": {}}}));
}

#[test]
fn large_integers_are_told_apart() {
    let context = |account: Value| object(json!({"account": account, "to": {"é": [account]}}));
    let (one, other) = (context(json!(9_007_199_254_740_993_i64)), context(json!(9_007_199_254_740_992_i64)));
    assert_eq!(canonical_object(&one), canonical_object(&other));
    assert_ne!(canonical_context(&one), canonical_context(&other));
    assert_eq!(changed_members(&one, &other), ["/account", "/to/é"]);
    for (number, text) in [(json!(u64::MAX), "18446744073709551615"), (json!(i64::MIN), "-9223372036854775808")] {
        assert!(canonical_context(&context(number)).contains(text));
    }
    let (whole, double) = (context(json!(5)), context(json!(5.0)));
    assert_eq!(canonical_context(&whole), canonical_context(&double));
}

#[test]
fn changed_members_are_named_by_pointers_and_bounded() {
    let before = object(json!({"to": {"name": "a", "a/b": 1}, "same": [1.0], "gone": 1, "kind": {"x": 1}}));
    let after = object(json!({"to": {"name": "b", "a/b": 2}, "same": [1], "kind": [], "new": null}));
    assert_eq!(changed_members(&before, &after), ["/gone", "/kind", "/new", "/to/a~1b", "/to/name"]);
    let many: Map<String, Value> = (0..50).map(|n| (format!("f{n:02}"), json!(n))).collect();
    assert_eq!(changed_members(&Map::new(), &many).len(), MAX_CHANGED);
}

#[test]
fn changed_terms_are_a_changed_rule_that_decides_alike() {
    let (before, after) = (json!({"quorum": 1}), json!({"quorum": 2, "approvers": ["safety_owner"]}));
    let (before, after) = (bundle(Format::V1_1, vec![asking(&before)]), bundle(Format::V1_1, vec![asking(&after)]));
    assert_eq!(text_diff(&before, &after).summary, "1 rule modified, approvers changed, quorum changed");
    let rule = |source: &Source| -> Rule { source.parse_rules().bundle.rules.remove(0) };
    assert!(rule(&before).decides_like(&rule(&after)) && rule(&before) != rule(&after));
    assert!(lint(&after).passed);
}

#[test]
fn a_hundred_thousand_rules_are_read_without_digesting_those_that_ask_nobody() {
    let rules: Vec<_> = (0..100_000)
        .map(|number| {
            let effect = if number % 1000 == 0 { "needs_approval" } else { "allow" };
            asking(&json!({"id": format!("rule-{number}"), "effect": effect}))
        })
        .collect();
    let source = bundle(Format::V1_1, rules);
    let parsed = source.parse_rules();
    let started = std::time::Instant::now();
    assert_eq!(approval_rules(&source, &parsed).len(), 100);
    assert!(started.elapsed() < std::time::Duration::from_secs(1));
}
