//! The decoder compared with the JSON parser.

use std::cell::Cell;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Request;
use crate::{
    bundle::{Bundle, Effect, Source},
    engine::{
        Prepared, Question, arbitrary,
        arbitrary_json::{ODD, broken, write_string, write_value},
    },
    json::parse,
    random::Random,
};

/// A request as serde reads it into a tree.
#[derive(Debug, Deserialize)]
struct TreeRequest {
    agent: String,
    action: String,
    #[serde(default)]
    context: Map<String, Value>,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    decision_id: Option<String>,
}

impl TreeRequest {
    fn question(&self) -> Question<'_> {
        Question { agent: &self.agent, action: &self.action, context: &self.context }
    }
}

/// Fails unless the decoder either gives up on `body`, or reads and decides the same request as the JSON parser.
/// Returns whether the decoder took the body.
fn agree(prepared: &Prepared, body: &[u8]) -> Result<bool, TestCaseError> {
    let tree = parse(body).map_err(|malformed| malformed.to_string());
    let tree = tree.and_then(|tree| serde_json::from_value::<TreeRequest>(tree).map_err(|error| error.to_string()));
    match (prepared.decide_request(body), tree) {
        (None, _) => Ok(false),
        (Some((request, verdict)), Ok(tree)) => {
            prop_assert_eq!((request.agent, request.action), (tree.agent.as_str(), tree.action.as_str()));
            prop_assert_eq!(request.subject, tree.subject.as_deref());
            prop_assert_eq!(request.decision_id, tree.decision_id.as_deref());
            prop_assert_eq!(&serde_json::from_str::<Map<String, Value>>(request.context).unwrap(), &tree.context);
            prop_assert_eq!(verdict, prepared.verdict(tree.question()));
            let answer = prepared.answer(tree.question());
            prop_assert_eq!(&prepared.explain(verdict, &request).unwrap(), &answer);
            prop_assert_eq!(&prepared.answer_request(&request).unwrap(), &answer);
            Ok(true)
        }
        (taken, Err(error)) => {
            prop_assert!(false, "{:?} is taken, but {}: {}", taken, error, String::from_utf8_lossy(body));
            Ok(true)
        }
    }
}

/// The text of a request, with members in any order, missing, unknown, repeated or of a wrong type, and with escapes in
/// keys and texts.
fn write_request(random: &mut Random) -> String {
    let input = arbitrary::quick_input(random);
    let mut members = vec![("agent", Value::from(input.agent)), ("action", Value::from(input.action))];
    if random.chance(90) {
        members.push(("context", Value::Object(input.context)));
    }
    for (name, value) in [("subject", "s-1"), ("decision_id", "d \u{fc}")] {
        if random.chance(30) {
            members.push((name, value.into()));
        }
    }
    match random.below(12) {
        0 => members.push(("unknown", Value::from(1))),
        1 => drop(members.swap_remove(random.below(members.len()))),
        2 => members.push(members[random.below(members.len())].clone()),
        3 => {
            let at = random.below(members.len());
            members[at].1 =
                [Value::Null, Value::from(1), Value::from(""), Value::from("a\u{0}")][random.below(4)].clone();
        }
        _ => {}
    }
    for at in (1..members.len()).rev() {
        members.swap(at, random.below(at + 1));
    }
    let odd = random.chance(20);
    let mut body = String::from("{");
    for (at, (name, value)) in members.iter().enumerate() {
        body.push_str(if at == 0 { " " } else { ",\n" });
        match (name, value) {
            (_, _) if odd && random.chance(10) => {
                body.push_str(&format!("\"{name}\":{}", ODD[random.below(ODD.len())]))
            }
            (&"context", _) => {
                body.push_str("\"context\" : ");
                write_value(value, random, &mut body);
            }
            (_, Value::String(text)) if odd => {
                body.push_str(&format!("{}: {}", write_string(name, random), write_string(text, random)));
            }
            _ => body.push_str(&format!("\"{name}\":{value}")),
        }
    }
    body + "}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_the_decoder_takes_is_read_and_decided_as_by_the_parser(
        bundle in arbitrary::bundle(0..30), seed in any::<u64>(),
    ) {
        let prepared = Prepared::new(&bundle);
        let mut random = Random::new(seed);
        let taken = Cell::new(0);
        for _ in 0..60 {
            let body = write_request(&mut random);
            taken.set(taken.get() + i32::from(agree(&prepared, body.as_bytes())?));
            agree(&prepared, &broken(&body, &mut random))?;
        }
        prop_assert!(taken.get() > 10, "the decoder took {} of 60 requests", taken.get());
    }
}

fn prepared() -> Prepared {
    let rules = serde_json::json!({"rules": [
        {"id": "nested-low", "agent": "*", "action": "c", "effect": "allow", "reason": "Somewhere deep is low",
         "conditions": {"<deep.down": 3, "name": ["x", "y\u{e9}"]}},
    ]});
    let source: Source = serde_json::from_value(rules).unwrap();
    Prepared::new(&source.parse_rules().bundle)
}

#[test]
fn the_members_of_an_ordinary_request_are_found_in_any_order() {
    let prepared = prepared();
    let expected = Request {
        agent: "a.b",
        action: "c",
        subject: Some("s"),
        decision_id: Some("d-1"),
        context: r#"{ "deep" : {"down":2}, "name":"y\u00e9" }"#,
    };
    let context = format!(r#""context": {}"#, expected.context);
    let others = r#" "decision_id":"d-1" , "agent":"a.b", "subject":"s","action":"c""#;
    for body in [format!("{{{others},{context}}}"), format!(" {{{context} ,{others}}}\n")] {
        let (request, verdict) = prepared.decide_request(body.as_bytes()).unwrap();
        assert_eq!(request, expected);
        assert_eq!(verdict.rule.unwrap().id(), "nested-low", "an escape in a text that a rule looks at is resolved");
        assert!(agree(&prepared, body.as_bytes()).unwrap());
    }
    let (request, _) = prepared.decide_request(br#"{"action":"c","agent":"q"}"#).unwrap();
    assert_eq!((request.context, request.subject, request.decision_id), ("{}", None, None));
}

#[test]
fn bodies_out_of_the_ordinary_are_left_to_the_parser() {
    let prepared = prepared();
    let with = |context: &str| format!(r#"{{"agent":"a","action":"c","context":{context}}}"#);
    let taken = |body: &str| prepared.decide_request(body.as_bytes()).is_some();
    let members = |count| format!("{{{}}}", (0..count).map(|n| format!("\"f{n}\":1")).collect::<Vec<_>>().join(","));
    let nested = |levels: usize| format!("{}{}", r#"{"deep":"#.repeat(levels - 1), "{}") + &"}".repeat(levels - 1);
    let lists = |levels: usize| format!("{{\"x\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    let long = |bytes: usize| format!("{{\"x\":\"{}\"}}", "x".repeat(bytes - 8));
    for (most, more) in [
        (members(512), members(513)),
        (nested(100), nested(101)),
        (lists(100), lists(101)),
        (long(8 * 1024), long(8 * 1024 + 1)),
    ] {
        assert!(taken(&with(&most)) && !taken(&with(&more)), "{most}");
    }
    for context in [
        r#"{"x":1e999}"#,
        r#"{"x":"\ud800"}"#,
        r#"{"name":"\ud800"}"#,
        r#"{"x":"a\u0000"}"#,
        r#"{"name":"a\u0000"}"#,
        r#"{"x":{"\u0000":1}}"#,
        r#"{"x":01}"#,
        r#"{"x":]}"#,
        r#"{"x" 1}"#,
        r#"{"x":1,}"#,
        "[]",
        "null",
        r#"{"x":1}}"#,
        r#"{"x":{}"#,
        r#"{"x":1,"x":1}"#,
        r#"{"x":1,"\u0078":1}"#,
        r#"{"name":"x","name":"x"}"#,
        r#"{"x":[{"y":{"z":1,"z":1}}]}"#,
        r#"{"deep":{"down":1,"down":2}}"#,
        r#"{"deep":{"x":1},"deep":{}}"#,
    ] {
        assert!(!taken(&with(context)), "{context}");
    }
    assert!(taken(&with(r#"{"x":"\ud83d\ude00","name":"\ud83d\ude00"}"#)));
    for (member, most) in [("subject", 1024), ("decision_id", 200)] {
        let body = |bytes| format!(r#"{{"agent":"a","action":"b","{member}":"{}"}}"#, "x".repeat(bytes));
        assert!(taken(&body(most)) && !taken(&body(most + 1)) && !taken(&body(0)), "{member}");
    }
    for body in [
        "",
        "{}",
        "[]",
        r#"{"agent":"a"}"#,
        r#"{"agent":"a","action":"b"} x"#,
        r#"{"agent":"","action":"b"}"#,
        r#"{"agent":"a","agent":"a","action":"b"}"#,
        r#"{"agent":"a\n","action":"b"}"#,
        r#"{"\u0061gent":"a","action":"b"}"#,
        r#"{"agent":"a","action":"b","x":1}"#,
        r#"{"agent":"a","action":"b","subject":null}"#,
        r#"{"agent":"a","action":3}"#,
        r#"{"agent":"a","action":"b","context":{},"context":{}}"#,
    ] {
        assert!(!taken(body), "{body}");
    }
    let nothing = Bundle { rules: Vec::new(), default_effect: Effect::Deny, on_error: Effect::Deny, schema: None };
    assert!(Prepared::new(&nothing).decide_request(b"{\"agent\":\"\xff\",\"action\":\"b\"}").is_none());
}
