//! Pictures compared with the evaluator.

use proptest::{prelude::*, sample::select};
use serde_json::json;

use super::*;
use crate::{
    bundle::{Effect, Source},
    engine::arbitrary,
};

fn bundle(rules: Value) -> Bundle {
    Source::read(json!({ "rules": rules })).unwrap().parse_rules().bundle
}

fn rule(id: &str, effect: &str, priority: u32, conditions: Value) -> Value {
    json!({"id": id, "agent": "inbox.triage", "action": "quarantine", "effect": effect, "priority": priority,
           "conditions": conditions, "reason": "because it is a test"})
}

fn draw(bundle: &Bundle, stable: Option<&Bundle>, x: &str, y: &str) -> Result<PolicyMap, NoMap> {
    let (draft, before) = (Prepared::new(bundle), stable.map(Prepared::new));
    let before = stable.zip(before.as_ref()).map(|(bundle, prepared)| Side { bundle, prepared });
    let view = View { agent: "inbox.triage", action: "quarantine", x, y, fixed: &Map::new() };
    map(Side { bundle, prepared: &draft }, before, view)
}

#[test]
fn edges_are_where_the_conditions_say() {
    let stable =
        bundle(json!([rule("high", "allow", 90, json!({">=risk_score": 90, "category": ["phishing", "malware"]})),]));
    let draft =
        bundle(json!([rule("high", "allow", 90, json!({">=risk_score": 85, "category": ["phishing", "malware"]})),]));
    let map = draw(&draft, Some(&stable), "risk_score", "category").unwrap();
    let words = |bands: &[Band]| bands.iter().map(|band| band.words.clone()).collect::<Vec<_>>();
    assert_eq!(words(&map.columns), ["absent", "< 85", "≥ 85 and < 90", "≥ 90"]);
    assert_eq!(words(&map.rows), ["absent", "malware or phishing", "any other text"]);
    let changed: Vec<(usize, usize)> = (0..3)
        .flat_map(|row| (0..4).map(move |column| (column, row)))
        .filter(|(column, row)| map.area(*column, *row).unwrap().changed())
        .collect();
    assert_eq!(changed, [(2, 1)]);
    let area = map.area(2, 1).unwrap();
    assert_eq!((area.outcome.effect, area.rule.as_deref()), (Effect::Allow, Some("high")));
    let Value::Object(input) = json!({"risk_score": 87, "category": "phishing"}) else { unreachable!() };
    assert_eq!(map.locate(&input), Some((2, 1)));
}

#[test]
fn what_cannot_be_drawn_has_a_reason() {
    let bundle = bundle(json!([rule("one", "allow", 1, json!({">=risk_score": 1}))]));
    assert_eq!(draw(&bundle, None, "risk_score", "risk_score"), Err(NoMap::SameField));
    assert_eq!(draw(&bundle, None, "risk_score", "risk_score.deep"), Err(NoMap::SameField));
    assert_eq!(draw(&bundle, None, "risk_score", "category"), Err(NoMap::NotAsked));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_area_answers_as_the_evaluator_does(
        draft in arbitrary::bundle(0..8), stable in arbitrary::bundle(0..8),
        inputs in prop::collection::vec(arbitrary::input(), 1..12),
        x in select(arbitrary::FIELDS.to_vec()), y in select(arbitrary::FIELDS.to_vec()),
    ) {
        let (now, before) = (Prepared::new(&draft), Prepared::new(&stable));
        for input in &inputs {
            let view = View { agent: &input.agent, action: &input.action, x, y, fixed: &input.context };
            let sides = (Side { bundle: &draft, prepared: &now }, Side { bundle: &stable, prepared: &before });
            let Ok(map) = map(sides.0, Some(sides.1), view) else { continue };
            prop_assert_eq!(map.areas.len(), map.columns.len() * map.rows.len());
            let Some((column, row)) = map.locate(&input.context) else { continue };
            let area = map.area(column, row).unwrap();
            let (outcome, rule) = answer(&now, input.into());
            prop_assert_eq!(area.outcome, outcome);
            prop_assert_eq!(&area.rule, &rule);
            prop_assert_eq!(area.before, Some(answer(&before, input.into()).0));
        }
    }
}
