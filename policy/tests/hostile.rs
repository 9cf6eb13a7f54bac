//! Hostile input ends in bounded time and memory, with a clear answer. Without the bounds, these tests would run for
//! years.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed, which is its job")]

use std::collections::BTreeSet;

use policy::{
    analysis::{Meter, analyse, semantic_diff},
    bundle::{
        ActionPattern, AgentPattern, ApprovalTerms, Bundle, Condition, Effect, Invariant, Rule, Scalar, Source, Test,
    },
    engine::{Input, Prepared, Status},
    lint::{self, Code, Report},
    random::Random,
};
use serde_json::{Map, Value, json};

fn rule(number: usize, agent: AgentPattern, conditions: Vec<Condition>) -> Rule {
    Rule {
        id: format!("rule-{number:06}"),
        agent,
        action: ActionPattern::Any,
        conditions,
        effect: Effect::ALL[number % 3],
        reason: "built to hurt".to_owned(),
        priority: 50,
        budget: None,
        approval: ApprovalTerms::default(),
        enabled: true,
        tags: if number.is_multiple_of(7) { BTreeSet::from(["guardrail".to_owned()]) } else { BTreeSet::new() },
        position: number,
    }
}

fn bundle(rules: Vec<Rule>) -> Bundle {
    Bundle { rules, default_effect: Effect::Deny, on_error: Effect::Deny, schema: None }
}

/// 100,000 rules for all agents, each with three bounds of its own, all at one priority, so that every pair overlaps.
fn overlapping(seed: u64, count: usize) -> Bundle {
    let mut random = Random::new(seed);
    let bound = |random: &mut Random, number: usize| {
        let at = f64::from(u32::try_from(number).unwrap()) + random.unit();
        let test = if random.chance(50) { Test::AtLeast(at) } else { Test::AtMost(at) };
        Condition::new(format!("f{}", random.below(24)), test)
    };
    bundle(
        (0..count)
            .map(|number| rule(number, AgentPattern::Any, (0..3).map(|_| bound(&mut random, number)).collect()))
            .collect(),
    )
}

#[test]
fn a_hundred_thousand_overlapping_rules_end_undecided() {
    let one = overlapping(1, 100_000);
    let analysis = analyse(&one, Meter::new(4_000_000, 200_000));
    assert!(analysis.too_large || analysis.undecided.len() == 100_000, "{}", analysis.undecided.len());
    let diff = semantic_diff(&one, &overlapping(2, 100_000), Meter::new(4_000_000, 200_000));
    assert!(!diff.complete);
    let prepared = Prepared::new(&one);
    let mut random = Random::new(3);
    for _ in 0..200 {
        let context: Map<String, Value> =
            (0..24).map(|field| (format!("f{field}"), json!(random.unit() * 200_000.0 - 50_000.0))).collect();
        let input = Input { agent: "a".into(), action: "b".into(), context };
        assert!(prepared.decide(&input).status != Status::Error);
    }
}

#[test]
fn hundreds_of_tangled_rules_end_within_their_budget() {
    let one = overlapping(4, 600);
    let analysis = analyse(&one, Meter::new(2_000_000, 100_000));
    assert!(!analysis.undecided.is_empty());
    semantic_diff(&one, &overlapping(5, 600), Meter::new(1_000_000, 100_000));
}

#[test]
fn a_hundred_thousand_agents_are_distinguished() {
    let agents = (0..100_000).map(|number| rule(number, AgentPattern::Exact(format!("agent{number}")), Vec::new()));
    let many = bundle(agents.collect());
    let analysis = analyse(&many, Meter::new(4_000_000, 200_000));
    assert_eq!(analysis.unreachable, Vec::new());
    // Only rules that answer like the default can be left out.
    let like_default = |id: &String| many.rules.iter().any(|rule| rule.id == *id && rule.effect == many.default_effect);
    assert!(analysis.redundant.iter().take(100).all(like_default));
    let input = Input { agent: "agent99999".into(), action: "x".into(), context: Map::new() };
    assert_eq!(Prepared::new(&many).decide(&input).matched_rule.as_deref(), Some("rule-099999"));
}

#[test]
fn deep_nesting_is_refused_or_read() {
    let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    assert!(Source::parse(nested(100_000).as_bytes()).is_err());
    let bundle = format!(r#"{{"rules":[],"metadata":{}}}"#, nested(90));
    assert!(Source::parse(bundle.as_bytes()).is_ok());
    let path = vec!["a"; 60].join(".");
    let rule = rule(1, AgentPattern::Any, vec![Condition::new(path, Test::In(vec![Scalar::Number(1.0)]))]);
    let context: Map<String, Value> = serde_json::from_str(&nested(60)).unwrap();
    let answer =
        Prepared::new(&self::bundle(vec![rule])).decide(&Input { agent: "a".into(), action: "b".into(), context });
    assert_eq!(answer.status, Status::Matched);
    let request = |depth| format!(r#"{{"agent":"a","action":"b","context":{{"x":{}}}}}"#, nested(depth));
    let prepared = Prepared::new(&self::bundle(Vec::new()));
    let verdict = |depth| prepared.verdict_json("a", "b", nested(depth).as_bytes());
    assert_eq!(verdict(120).unwrap().status, Status::NoMatch);
    for depth in [200, 100_000] {
        assert_eq!(verdict(depth).unwrap_err(), policy::json::parse(nested(depth).as_bytes()).unwrap_err());
    }
    assert_eq!(prepared.decide_request(request(99).as_bytes()).unwrap().1.status, Status::NoMatch);
    for depth in [100, 200, 100_000] {
        assert!(prepared.decide_request(request(depth).as_bytes()).is_none());
    }
}

#[test]
fn huge_numbers_and_texts_that_look_like_numbers_are_distinguished() {
    let rules = |conditions: &str| {
        format!(
            r#"[{{"id":"one","agent":"*","action":"*","effect":"allow","reason":"for the test","conditions":{conditions}}}]"#
        )
    };
    assert!(Source::parse(rules(r#"{">=n":1e400}"#).as_bytes()).is_err());
    assert!(Source::parse(rules(r#"{">=n":NaN}"#).as_bytes()).is_err());
    let source = Source::parse(rules(r#"{">=n":1.7976931348623157e308}"#).as_bytes()).unwrap();
    let bundle = source.parse_rules().bundle;
    let prepared = Prepared::new(&bundle);
    let ask = |n: Value| {
        let context = Map::from_iter([("n".to_owned(), n)]);
        prepared.decide(&Input { agent: "a".into(), action: "b".into(), context }).status
    };
    assert_eq!(ask(json!(f64::MAX)), Status::Matched);
    assert_eq!(ask(json!(u64::MAX)), Status::NoMatch);
    for text in ["NaN", "Infinity", "1e308", "0x10", ""] {
        assert_eq!(ask(json!(text)), Status::Error, "{text}");
    }
    let analysis = analyse(&bundle, Meter::default());
    assert!(analysis.unreachable.is_empty() && analysis.undecided.is_empty());
    for text in ["NaN", "Infinity", "-Infinity"] {
        let rule = rules(&format!(r#"{{">=n":"{text}"}}"#));
        let understood = Source::parse(rule.as_bytes()).unwrap().parse_rules();
        assert!(understood.bundle.rules.is_empty() && !understood.faults.is_empty(), "{text}");
    }
}

#[test]
fn strings_of_a_mebibyte_are_refused_by_name() {
    let long = "x".repeat(1 << 20);
    let rule = json!([{"id": "one", "agent": "*", "action": "*", "effect": "allow", "reason": "for the test",
        "conditions": {"text": long}}]);
    let refused = match Source::read(rule) {
        Err(faults) => format!("{faults:?}"),
        Ok(source) => format!("{:?}", source.parse_rules().faults),
    };
    assert!(refused.contains("1024"), "{}", &refused[..refused.len().min(400)]);
    let context = Map::from_iter([("text".to_owned(), Value::from(long.clone()))]);
    let input = Input { agent: "a".into(), action: "b".into(), context };
    assert_eq!(input.check_limits().unwrap_err().name, "context_bytes");
    let rule = self::rule(1, AgentPattern::Any, vec![Condition::new("text", Test::StartsWith("xx".to_owned()))]);
    assert_eq!(Prepared::new(&bundle(vec![rule])).decide(&input).status, Status::Matched);
    let context = json!({"text": long}).to_string();
    let request = format!(r#"{{"agent":"a","action":"b","context":{context}}}"#);
    let rule = self::rule(1, AgentPattern::Any, vec![Condition::new("text", Test::StartsWith("xx".to_owned()))]);
    let prepared = Prepared::new(&bundle(vec![rule]));
    assert_eq!(prepared.verdict_json("a", "b", context.as_bytes()).unwrap().status, Status::Matched);
    assert!(prepared.decide_request(request.as_bytes()).is_none());
    let input = Input { agent: long, ..Input::default() };
    assert_eq!(input.check_limits().unwrap_err().name, "string_bytes");
}

/// The budget alone decides how far an analysis goes, so two runs stop at the same place.
#[test]
fn equal_budgets_give_equal_results() {
    let (one, two) = (overlapping(6, 300), overlapping(7, 300));
    for total in [0, 1, 100, 10_000, 300_000] {
        let meter = || Meter::new(total, total / 4);
        assert_eq!(analyse(&one, meter()), analyse(&one, meter()), "{total}");
        assert_eq!(semantic_diff(&one, &two, meter()), semantic_diff(&one, &two, meter()), "{total}");
    }
}

/// Every rule has the default priority and every pair overlaps: more conflicts than any report could list.
#[test]
fn thousands_of_rules_at_one_priority_end_within_their_budget() {
    let rules = (0..4_000).map(|number| {
        let at = f64::from(u32::try_from(number).unwrap());
        rule(number, AgentPattern::Any, vec![Condition::new("n", Test::AtLeast(at))])
    });
    let analysis = analyse(&bundle(rules.collect()), Meter::new(2_000_000, 100_000));
    assert!(!analysis.undecided.is_empty());
}

/// Prefixes that are prefixes of each other, a thousand deep.
#[test]
fn nested_prefixes_are_distinguished() {
    let rules: Vec<Rule> = (1..=1_000)
        .map(|length| {
            let mut rule =
                rule(length, AgentPattern::Any, vec![Condition::new("t", Test::StartsWith("a".repeat(length)))]);
            rule.priority = 1;
            rule.effect = Effect::Allow;
            rule
        })
        .collect();
    // The shortest prefix comes first and takes everything that the other rules would match.
    let analysis = analyse(&bundle(rules), Meter::default());
    assert_eq!((analysis.unreachable.len(), analysis.undecided.len()), (999, 0));
    assert!(analysis.unreachable.iter().all(|dead| dead.covered_by == ["rule-000001"]));
}

/// Lists of hundreds of values, and as many conditions as a rule may have.
#[test]
fn long_lists_and_many_conditions_end_within_their_budget() {
    let list = |from: usize| Test::In((from..from + 300).map(|n| Scalar::String(format!("value-{n}"))).collect());
    let rules = (0..30).map(|number| {
        let conditions = (0..64).map(|field| Condition::new(format!("f{field}"), list(number * 10 + field)));
        rule(number, AgentPattern::Any, conditions.collect())
    });
    let one = bundle(rules.collect());
    let analysis = analyse(&one, Meter::new(4_000_000, 200_000));
    assert!(analysis.too_large || analysis.unreachable.is_empty());
    // Comparing each value of a list with every other value takes the square of the list's length, which is charged in
    // advance.
    let list = (0..200_000).map(|n| Scalar::Number(f64::from(n))).collect();
    let endless = bundle(vec![rule(1, AgentPattern::Any, vec![Condition::new("n", Test::In(list))])]);
    assert!(analyse(&endless, Meter::default()).too_large);
    assert!(!semantic_diff(&endless, &one, Meter::default()).complete);
}

/// The report of the quick checks about rules with these conditions.
fn quickly(conditions: impl IntoIterator<Item = Value>) -> Report {
    let rules = conditions.into_iter().enumerate().map(|(number, conditions)| {
        json!({"id": format!("rule-{number:06}"), "agent": "a", "action": "b", "effect": "deny",
            "reason": "built to hurt", "conditions": conditions})
    });
    let source = Source::read(Value::Array(rules.collect())).unwrap();
    lint::quick(&source)
}

fn count(report: &Report, code: Code) -> usize {
    report.all().filter(|finding| finding.code == code).count()
}

#[test]
fn long_lists_of_odd_values_are_one_finding() {
    let texts: Vec<Value> = (10_000..110_000).map(|number| json!(number.to_string())).collect();
    let report = quickly([json!({ "customer": texts })]);
    assert_eq!(count(&report, Code::SuspiciousText), 1);
    assert!(report.warnings[0].message.ends_with("So are 99999 more here."), "{}", report.warnings[0].message);
    let numbers: Vec<Value> = (0..100_000_u64).map(|number| json!((1_u64 << 60) + 2 * number + 1)).collect();
    assert_eq!(count(&quickly([json!({ "n": numbers })]), Code::InexactNumber), 1);
    let invisible: Vec<Value> = (0..50_000).map(|number| json!(format!("a{number}\u{200b}"))).collect();
    let report = quickly([json!({ "t": invisible })]);
    assert_eq!(count(&report, Code::InvisibleText), 20);
    assert!(report.warnings.iter().any(|finding| finding.message.ends_with("So have 49980 more texts here.")));
    let doubles: Vec<Value> = (0..50_000).flat_map(|n| [json!(format!("x{n}")), json!(format!("X{n}"))]).collect();
    assert_eq!(count(&quickly([json!({ "t": doubles })]), Code::Lookalike), 1);
    let same: Vec<Value> = (0..100_000).map(|number| json!(format!("v{number}"))).collect();
    assert_eq!(count(&quickly([json!({"t": same, "!=t": same})]), Code::Contradiction), 1);
}

#[test]
fn a_hundred_thousand_odd_rules_end_soon() {
    let report = quickly((0..100_000).map(|_| json!({"vip": "true"})));
    assert_eq!(count(&report, Code::SuspiciousText), 100_000);
}

#[test]
fn long_names_and_many_names_are_compared_within_a_budget() {
    let long = |number: usize| format!("{}{number:05}", "n".repeat(1_000));
    let report = quickly((0..3_000).map(|number| json!({ long(number): 1 })));
    assert_eq!(count(&report, Code::Undecided), 0);
    let name =
        |number: usize| format!("{}{}", char::from(b'a' + (number % 26) as u8), "x".repeat(40 + number / 26 % 20));
    let fields = (0..60_000).map(|number| format!("{}{number:05}", name(number)));
    let twice = fields.flat_map(|field| [json!({ field.clone(): 1 }), json!({ field: 2 })]);
    let report = quickly(
        twice.chain((0..100).map(|number| json!({ format!("slip{number:04}xxxxxxxxxxxxxxxxxx"): 1 }))).take(100_000),
    );
    assert!(count(&report, Code::Undecided) <= 1);
    let unknown: Map<String, Value> = (0..200_000).map(|number| (format!("member{number}"), json!(1))).collect();
    let source = Source::read(json!({"rules": [unknown], "metadata": {}})).unwrap();
    assert_eq!(count(&lint::quick(&source), Code::UnknownMember), 20);
}

/// Fields inside each other, hundreds deep, with thousands of fields in the innermost one.
#[test]
fn deeply_nested_fields_end_within_their_budget() {
    let path = |depth: usize| vec!["a"; depth].join(".");
    let mut fields: Vec<String> = (1..400).map(path).collect();
    fields.extend((0..5_000).map(|number| format!("{}.leaf{number}", path(400))));
    let rules = fields.chunks(64).enumerate().map(|(number, fields)| {
        let conditions = fields.iter().map(|field| (field.clone(), json!(1)));
        json!({"id": format!("rule-{number:06}"), "agent": "*", "action": "*", "effect": "allow",
            "reason": "built to hurt", "conditions": conditions.collect::<Map<String, Value>>()})
    });
    let source = Source::read(Value::Array(rules.collect())).unwrap();
    let invariant: Invariant =
        serde_json::from_value(json!({"id": "never", "agent": "*", "action": "*", "never": "allow"})).unwrap();
    let report = lint::lint_against(&source, &[invariant]);
    assert!(count(&report, Code::Undecided) > 0);
}

/// Many rules, each of which has something to prove.
#[test]
fn many_proofs_end_within_their_budget() {
    let rules = (0..3_000).map(|number| {
        json!({"id": format!("rule-{number:06}"), "agent": "*", "action": "*", "effect": "deny",
            "reason": "built to hurt", "conditions": {"!=region": format!("r{number}"), ">=n": number}})
    });
    let all = json!({"id": "everything", "agent": "*", "action": "*", "effect": "deny", "priority": 900,
        "reason": "built to hurt", "conditions": {}});
    let bundle = Source::read(Value::Array(rules.chain([all]).collect())).unwrap().parse_rules().bundle;
    let findings = lint::behaviour::check(&bundle, &[]);
    assert!(findings.iter().all(|finding| finding.code == Code::Undecided), "{findings:?}");
}
