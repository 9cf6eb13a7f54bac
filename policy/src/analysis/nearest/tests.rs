//! The nearest change compared with trying everything.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{analysis::tests::bundles, bundle::Source};

const FIELDS: [&str; 3] = ["deep.y", "s", "x"];

fn values() -> Vec<Value> {
    let values = json!([null, false, true, -0.5, 0, 0.5, 1, 1.5, 2, 3, "a", "ab", "abc", "ac", "b", "zz", []]);
    values.as_array().unwrap().clone()
}

fn set(input: &Input, field: &str, value: &Value) -> Option<Input> {
    let context = context::with(&input.context, field, (!value.is_null()).then_some(value))?;
    Some(Input { context, ..input.clone() })
}

/// The least distance of a change of `count` fields that flips the decision, found by trying every value.
fn least(prepared: &Prepared, input: &Input, wanted: Option<Effect>, count: usize) -> Option<f64> {
    let now = prepared.decide(input);
    let relevant: Vec<_> =
        prepared.rules().filter(|rule| rule.addresses(input.into())).map(|rule| rule.to_rule()).collect();
    let schema = prepared.schema().filter(|schema| schema.enforce).and_then(|schema| schema.agents.get(&input.agent));
    let space = Space::new(relevant.iter(), schema.map_or(Domain::Open, Domain::Inside))?;
    let far = |field: &str, value: &Value| {
        let scale = space.axes.iter().find(|axis| axis.field == field).map_or(1.0, scale);
        let now = lookup(&input.context, field);
        let value = match (now.and_then(Value::as_f64), value.as_f64()) {
            // From a whole number to a whole threshold, the change is a whole number of steps.
            (Some(now), Some(then)) if now.fract() == 0.0 => {
                number_value(if then < now { then.floor() } else { then.ceil() })
            }
            _ => value.clone(),
        };
        distance(now, (!value.is_null()).then_some(&value), scale)
    };
    let flips = |changed: &Input| {
        let answer = prepared.decide(changed);
        answer.status != Status::Error
            && wanted
                .map_or(now.status == Status::Error || answer.effect != now.effect, |wanted| answer.effect == wanted)
    };
    let mut least: Option<f64> = None;
    let mut note = |changed: &Input, distance: f64| {
        if flips(changed) && least.is_none_or(|least| distance < least) {
            least = Some(distance);
        }
    };
    for (at, first) in FIELDS.iter().enumerate() {
        for one in values() {
            let Some(once) = set(input, first, &one) else { continue };
            if count == 1 {
                note(&once, far(first, &one));
                continue;
            }
            for second in FIELDS.iter().skip(at + 1) {
                for two in values() {
                    if let Some(twice) = set(&once, second, &two) {
                        note(&twice, far(first, &one) + far(second, &two));
                    }
                }
            }
        }
    }
    least
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn nothing_nearer_flips(
        bundle in bundles(), at in prop::collection::vec(0_usize..17, 3), agent in 0_usize..4, wish in 0_usize..4,
    ) {
        let prepared = Prepared::new(&bundle);
        let mut input = Input {
            agent: ["in.box", "in.other", "out", "else"][agent].into(), action: "go".into(), ..Input::default()
        };
        for (field, value) in FIELDS.iter().zip(at) {
            input = set(&input, field, &values()[value]).unwrap_or(input);
        }
        let wanted = Effect::ALL.get(wish).copied();
        let now = prepared.decide(&input);
        let found = nearest_change(&prepared, &input, wanted, Meter::new(TRIES, TRIES));
        if wanted == Some(now.effect) && now.status != Status::Error {
            prop_assert_eq!(found, WhyNot::Already);
            return Ok(());
        }
        let (one, two) = (least(&prepared, &input, wanted, 1), least(&prepared, &input, wanted, 2));
        match &found {
            WhyNot::Found(change) => {
                let answer = prepared.decide(&change.input);
                prop_assert_eq!(&answer, &change.answer);
                prop_assert!(answer.status != Status::Error);
                prop_assert!(wanted.map_or(now.status == Status::Error || answer.effect != now.effect, |wanted| answer.effect == wanted));
                prop_assert_eq!(change.changes.len() == 1, one.is_some(), "{:?}", change);
                let tried = if change.changes.len() == 1 { one } else { two };
                prop_assert!(tried.is_none_or(|tried| change.distance <= tried + 1e-12), "{:?} {:?}", tried, change);
                for part in &change.changes {
                    prop_assert_eq!(lookup(&change.input.context, &part.field).cloned().unwrap_or_default(), part.to.clone());
                    prop_assert_eq!(lookup(&input.context, &part.field).cloned().unwrap_or_default(), part.from.clone());
                }
            }
            WhyNot::None => prop_assert_eq!((one, two), (None, None)),
            WhyNot::Already | WhyNot::Undecided(_) => prop_assert!(false, "{:?}", found),
        }
    }
}

fn prepared(rules: &Value) -> Prepared {
    let source: Source = Source::read(rules.clone()).unwrap();
    Prepared::new(&source.parse_rules().bundle)
}

fn input(context: &Value) -> Input {
    serde_json::from_value(json!({"agent": "inbox.triage", "action": "quarantine", "context": context})).unwrap()
}

#[test]
fn a_missed_threshold_is_the_nearest_change() {
    let prepared = prepared(&json!([{
        "id": "quarantine-high-risk", "agent": "inbox.triage", "action": "quarantine", "effect": "allow",
        "reason": "High risk mail is held", "conditions": {">=risk_score": 90, "<domain_seen_days": 30},
    }]));
    let ask = |context: &Value| nearest_change(&prepared, &input(context), None, Meter::new(TRIES, TRIES));
    let found = ask(&json!({"risk_score": 87, "domain_seen_days": 3}));
    let change = found.change().unwrap();
    assert_eq!((change.changes[0].field.as_str(), &change.changes[0].to), ("risk_score", &json!(90)));
    assert_eq!(change.answer.matched_rule.as_deref(), Some("quarantine-high-risk"));
    let found = ask(&json!({"risk_score": 87, "domain_seen_days": 30}));
    let to: Vec<Value> = found.change().unwrap().changes.iter().map(|change| change.to.clone()).collect();
    assert_eq!(to, [json!(29), json!(90)]);
    let nothing = nearest_change(&prepared, &input(&json!({})), Some(Effect::NeedsApproval), Meter::new(TRIES, TRIES));
    assert_eq!(nothing, WhyNot::None);
    let spent = nearest_change(&prepared, &input(&json!({})), None, Meter::new(2, 2));
    assert_eq!(spent, WhyNot::Undecided(None));
}
