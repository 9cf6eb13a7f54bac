//! Fields inside each other, nested and flat: every reader of a context finds the same value, and the analysis knows which
//! combinations no context can have.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is its job")]
#![expect(clippy::indexing_slicing, reason = "a test that panics has failed, which is its job")]

use std::{collections::BTreeSet, sync::Arc};

use policy::{
    analysis::{Meter, analyse, semantic_diff},
    bundle::{Bundle, Source},
    engine::{Input, Prepared, Status},
    random::Random,
    replay::{Case, Columnar, Dataset, Replay, learn},
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const PATHS: [&str; 5] = ["a", "a.b", "a.b.c", "a.d", "b.c"];

/// The contract: a member named by the first segment, null included, is followed; only without it the flat key is read.
fn read<'a>(context: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let steps: Vec<&str> = path.split('.').collect();
    if !context.contains_key(steps[0]) {
        return context.get(path).filter(|value| !value.is_null());
    }
    let mut here = context.get(steps[0])?;
    for step in &steps[1..] {
        here = here.as_object()?.get(*step)?;
    }
    Some(here).filter(|value| !value.is_null())
}

fn bundle(rules: Value, schema: Value) -> Bundle {
    let document = json!({"rules": rules, "schema": schema, "default_effect": "deny", "on_error": "needs_approval"});
    let parsed = Source::read(document).unwrap().parse_rules();
    assert!(parsed.skipped.is_empty(), "{:?}", parsed.faults);
    parsed.bundle
}

fn value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth < 3 { 12 } else { 8 }) {
        0 => Value::Null,
        1 => json!([]),
        2 => json!(true),
        3..5 => json!(random.below(3)),
        5..8 => ["x", "y", "z"][random.below(3)].into(),
        _ => {
            let mut members = Map::new();
            for key in ["b", "c", "d"] {
                if random.chance(45) {
                    members.insert(key.to_owned(), value(random, depth + 1));
                }
            }
            members.into()
        }
    }
}

fn context(random: &mut Random) -> Map<String, Value> {
    let mut context = Map::new();
    for key in ["a", "a.b", "a.b.c", "a.d", "b", "b.c", "other"] {
        if random.chance(45) {
            context.insert(key.to_owned(), value(random, usize::from(key.contains('.')) * 2));
        }
    }
    context
}

fn case(context: Map<String, Value>) -> Case {
    Case { case_id: String::new(), agent: "ab".into(), action: "act".into(), context, expected_effect: None }
}

/// `context` as JSON in which keys are written with escapes, so that the quick reader leaves it to the other one.
fn escaped(context: &Map<String, Value>) -> String {
    let members: Vec<String> =
        context.iter().map(|(key, value)| format!("\"\\u{:04x}{}\":{value}", key.as_bytes()[0], &key[1..])).collect();
    format!("{{{}}}", members.join(","))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_reader_finds_the_same_value(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let cases: Vec<Case> = (0..40).map(|_| case(context(&mut random))).collect();
        let corpus = Arc::new(Columnar::of_cases(Dataset::Custom, &cases).unwrap());
        let corpus = Arc::new(Columnar::decode(&corpus.encode().unwrap()).unwrap());
        for path in PATHS {
            let condition = |key: String, value: Value| json!([{"id": "the-rule", "agent": "*", "action": "*",
                "effect": "allow", "reason": "for the test", "conditions": {key: value}}]);
            let declared = json!({"agents": {"ab": {"fields": {path: {"type": "string", "required": true}}}}});
            for (rules, schema) in [
                (condition(format!("?{path}"), json!(true)), Value::Null),
                (condition(path.to_owned(), json!(["x", 1])), Value::Null),
                (json!([]), declared),
            ] {
                let bundle = bundle(rules.clone(), schema.clone());
                let prepared = Arc::new(Prepared::new(&bundle));
                let replayed = Replay::run(Arc::clone(&prepared), Arc::clone(&corpus));
                for (row, case) in cases.iter().enumerate() {
                    let found = read(&case.context, path);
                    let wanted = match (&schema, rules.pointer("/0/conditions")) {
                        (Value::Null, Some(tests)) if tests.get(path).is_none() => {
                            if found.is_some() { Status::Matched } else { Status::NoMatch }
                        }
                        (Value::Null, _) => match found {
                            Some(value) if *value == json!("x") || *value == json!(1) => Status::Matched,
                            None | Some(Value::String(_) | Value::Number(_)) => Status::NoMatch,
                            Some(_) => Status::Error,
                        },
                        _ => if found.is_some_and(Value::is_string) { Status::NoMatch } else { Status::Error },
                    };
                    let text = Value::from(case.context.clone()).to_string();
                    let body = format!("{{\"agent\":\"ab\",\"action\":\"act\",\"context\":{text}}}");
                    prop_assert_eq!(prepared.decide(&case.input()).status, wanted, "{} in {}", path, text);
                    prop_assert_eq!(prepared.verdict(case.into()).status, wanted, "{} in {}", path, text);
                    for written in [&text, &escaped(&case.context)] {
                        let verdict = prepared.verdict_json("ab", "act", written.as_bytes()).unwrap();
                        prop_assert_eq!(verdict.status, wanted, "{} in {}", path, written);
                    }
                    prop_assert_eq!(prepared.decide_request(body.as_bytes()).unwrap().1.status, wanted, "{} in {}", path, text);
                    prop_assert_eq!(replayed.verdict(row).unwrap().status, wanted, "{} in {}", path, text);
                }
            }
        }
        // What is learned from decisions refuses none of them.
        let empty = bundle(json!([]), Value::Null);
        if let Some(mut learned) = learn::schema(&corpus, &empty) {
            learned["enforce"] = true.into();
            let prepared = Prepared::new(&bundle(json!([]), learned.clone()));
            for case in &cases {
                prop_assert_eq!(prepared.verdict(case.into()).status, Status::NoMatch, "{:?} under {}", case.context, learned);
            }
        }
    }
}

/// Every context that matters to conditions over `a`, `a.b` and `a.b.c` with the values below.
fn all_contexts() -> Vec<Map<String, Value>> {
    // Those that conditions name, and one more of each kind.
    let leaves =
        [json!(0), json!(1), json!(2), json!("x"), json!("y"), json!("z"), json!(true), json!(false), json!([])];
    let mut inner: Vec<Option<Value>> = vec![None];
    inner.extend(leaves.iter().cloned().map(Some));
    let of = |members: Vec<(&str, &Option<Value>)>| -> Map<String, Value> {
        members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?))).collect()
    };
    let mut all = Vec::new();
    // Without a member `a` every field is a key of its own.
    for b in &inner {
        for c in &inner {
            all.push(of(vec![("a.b", b), ("a.b.c", c)]));
        }
    }
    for a in &inner[1..] {
        all.push(of(vec![("a", a), ("a.b", &Some(json!("x")))]));
    }
    for b in inner.iter().cloned().chain(inner.iter().map(|c| Some(of(vec![("c", c)]).into()))) {
        all.push(of(vec![("a", &Some(of(vec![("b", &b)]).into()))]));
    }
    all
}

fn conditions(random: &mut Random) -> Value {
    let mut conditions = Map::new();
    for path in ["a", "a.b", "a.b.c"] {
        if random.chance(60) {
            let (key, value) = match random.below(7) {
                0 => (format!("?{path}"), json!(true)),
                1 => (format!("?{path}"), json!(false)),
                2 => (format!(">={path}"), json!(2)),
                3 => (path.to_owned(), json!("x")),
                4 => (path.to_owned(), json!([1, "y"])),
                5 => (format!("!={path}"), json!("x")),
                _ => (path.to_owned(), json!(true)),
            };
            conditions.insert(key, value);
        }
    }
    conditions.into()
}

fn random_bundle(random: &mut Random, count: usize) -> Bundle {
    let effects = ["allow", "deny", "needs_approval"];
    let rules: Vec<Value> = (0..count)
        .map(|number| {
            json!({"id": format!("rule-{number}"), "agent": "ab", "action": "act", "priority": random.below(3),
                "effect": effects[random.below(3)], "reason": "for the test",
                "conditions": conditions(random)})
        })
        .collect();
    bundle(json!(rules), Value::Null)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Analysis and diff say what trying every context says.
    #[test]
    fn the_analysis_agrees_with_every_context(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let (before, after) = (random_bundle(&mut random, 5), random_bundle(&mut random, 5));
        let contexts = all_contexts();
        let analysis = analyse(&before, Meter::default());
        prop_assert!(analysis.undecided.is_empty() && analysis.undecided_gaps.is_empty());
        let prepared = Prepared::new(&before);
        let ask = |prepared: &Prepared, context: &Map<String, Value>| {
            let input = Input { agent: "ab".into(), action: "act".into(), context: context.clone() };
            let answer = prepared.decide(&input);
            (answer.effect, answer.status, answer.matched_rule)
        };
        let answers: Vec<_> = contexts.iter().map(|context| ask(&prepared, context)).collect();
        let reached: BTreeSet<&str> = answers
            .iter()
            .filter(|(_, status, _)| *status == Status::Matched)
            .filter_map(|(_, _, rule)| rule.as_deref())
            .collect();
        let unreachable: BTreeSet<&str> = analysis.unreachable.iter().map(|found| found.rule.as_str()).collect();
        for rule in &before.rules {
            let id = rule.id.as_str();
            prop_assert_ne!(reached.contains(id), unreachable.contains(id), "{}: {:?}", id, before.rules);
        }
        let gap = answers.iter().any(|(_, status, _)| *status == Status::NoMatch);
        prop_assert_eq!(gap, !analysis.gaps.is_empty());
        let diff = semantic_diff(&before, &after, Meter::default());
        prop_assert!(diff.complete);
        let prepared = Prepared::new(&after);
        let differs = contexts.iter().zip(&answers).any(|(context, (effect, status, _))| {
            let (now, then, _) = ask(&prepared, context);
            now != *effect || (then == Status::Error) != (*status == Status::Error)
        });
        prop_assert_eq!(differs, !diff.regions.is_empty(), "{:?} {:?}", before.rules, after.rules);
        for region in &diff.regions {
            let was = ask(&Prepared::new(&before), &region.witness.context);
            let is = ask(&prepared, &region.witness.context);
            prop_assert_eq!((was.0, is.0), (region.before.effect, region.after.effect), "{:?}", region.witness);
        }
    }
}
