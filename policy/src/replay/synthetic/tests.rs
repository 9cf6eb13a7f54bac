//! Generated cases compared with thresholds, seeds and schemas.

use proptest::prelude::*;

use super::*;
use crate::{
    bundle::{ApprovalTerms, Condition, Effect, Test},
    engine::{Prepared, Status, arbitrary, condition::lookup},
};

fn one(conditions: Vec<(&str, Test)>) -> Bundle {
    let rule = Rule {
        id: "one".into(),
        agent: NamePattern::Exact("inbox.triage".into()),
        action: NamePattern::Exact("quarantine".into()),
        conditions: conditions
            .into_iter()
            .map(|(field, test)| Condition { key: field.into(), field: field.into(), test })
            .collect(),
        effect: Effect::Allow,
        reason: "for the test".into(),
        priority: 50,
        budget: None,
        approval: ApprovalTerms::default(),
        enabled: true,
        tags: BTreeSet::new(),
        position: 0,
    };
    Bundle { rules: vec![rule], default_effect: Effect::Deny, on_error: Effect::Deny, schema: None }
}

#[test]
fn every_threshold_is_met_just_below_at_and_just_above() {
    let phishing = Test::In(vec![Scalar::String("phishing".into())]);
    let bundle = one(vec![("risk", Test::AtLeast(85.0)), ("category", phishing)]);
    let made = cases(&bundle, 5, 1);
    let risks: Vec<Value> = made.iter().map(|case| case.context["risk"].clone()).collect();
    assert_eq!(risks[..3], [Value::from(84), Value::from(85), Value::from(86)]);
    let prepared = Prepared::new(&bundle);
    let effects: Vec<Effect> = made.iter().map(|case| prepared.verdict(case.into()).effect).collect();
    use Effect::{Allow, Deny};
    assert_eq!(effects, [Deny, Allow, Allow, Allow, Deny]);
}

#[test]
fn small_limits_step_in_hundredths_and_paths_nest() {
    let bundle = one(vec![("sender.reputation", Test::Below(0.5))]);
    let made = cases(&bundle, 3, 1);
    let found: Vec<f64> =
        made.iter().map(|case| lookup(&case.context, "sender.reputation").unwrap().as_f64().unwrap()).collect();
    assert_eq!(found, [0.49, 0.5, 0.51]);
    assert!(made[0].context["sender"].is_object());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_same_seed_gives_the_same_cases(bundle in arbitrary::bundle(0..8), seed in any::<u64>(), count in 0_usize..120) {
        let made = cases(&bundle, count, seed);
        prop_assert_eq!(made.len(), count);
        prop_assert_eq!(&made, &cases(&bundle, count, seed));
        let mut reversed = bundle.clone();
        reversed.rules.reverse();
        prop_assert_eq!(&made, &cases(&reversed, count, seed));
    }

    #[test]
    fn an_enforced_schema_is_respected(mut bundle in arbitrary::bundle(0..8), schema in arbitrary::schema(), seed in any::<u64>()) {
        // No value can satisfy a field that admits nothing.
        let schema = Schema { enforce: true, agents: schema.agents.into_iter().map(|(name, mut agent)| {
            agent.fields.values_mut().for_each(|field| field.allowed = None);
            agent.fields.remove("sender");
            agent.fields.remove("sender.domain");
            (name, agent)
        }).collect() };
        for rule in &mut bundle.rules {
            rule.conditions.retain(|condition| !condition.field.starts_with("sender"));
        }
        bundle.schema = Some(schema);
        let prepared = Prepared::new(&bundle);
        for case in cases(&bundle, 60, seed) {
            let verdict = prepared.verdict((&case).into());
            prop_assert!(verdict.status != Status::Error || verdict.rule.is_some(), "{:?}", case);
        }
    }
}
