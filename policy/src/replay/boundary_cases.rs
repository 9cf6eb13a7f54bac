//! Test cases for one rule, generated so that an author can accept them with a click: for each condition of the rule,
//! an input just below, at and just above the threshold (each listed value and another one, present and absent), with
//! everything else as the rule requires. The evaluator's answer becomes the expectation.

use serde::{Deserialize, Serialize};

use super::{Case, boundary::named_variants};
use crate::{
    analysis::{Meter, space::context, witness},
    bundle::{Bundle, Rule},
    engine::{Prepared, Status, schema::admits},
};

/// One proposed test case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoundaryCase {
    /// The case, with the bundle's present answer as its expectation.
    pub case: Case,
    /// The condition whose threshold the case tests, as its key is written; `None` for the rule as a whole.
    pub condition: Option<String>,
    /// The tested value, in words: `risk_score just below 90`.
    pub about: String,
    /// The rule that decides the case today; `None` for the default.
    pub decided_by: Option<String>,
}

/// The boundary cases of the enabled rule `rule`; empty when there is no such rule or when the rule matches no input.
/// Inputs that equal the input of an `existing` case or of an earlier proposal are left out, and so are inputs that are
/// in error.
pub fn boundary_cases(bundle: &Bundle, rule: &str, existing: &[Case]) -> Vec<BoundaryCase> {
    let Some(rule) = bundle.rules.iter().find(|other| other.id == rule) else { return Vec::new() };
    let Some(base) = witness(bundle, &rule.id, Meter::default()) else { return Vec::new() };
    let prepared = Prepared::new(bundle);
    let mut tests: Vec<BoundaryCase> = Vec::new();
    let mut propose = |condition: Option<&str>, name: String, about: String, facts| {
        let mut case = Case {
            case_id: name,
            agent: base.agent.clone(),
            action: base.action.clone(),
            context: facts,
            expected_effect: None,
        };
        let verdict = prepared.verdict((&case).into());
        let asked =
            |other: &Case| other.agent == case.agent && other.action == case.action && other.context == case.context;
        if verdict.status == Status::Error || existing.iter().any(asked) || tests.iter().any(|test| asked(&test.case)) {
            return;
        }
        case.expected_effect = Some(verdict.effect);
        let decided_by = verdict.rule.map(|rule| rule.id().to_owned());
        tests.push(BoundaryCase { case, condition: condition.map(str::to_owned), about, decided_by });
    };
    for condition in &rule.conditions {
        let declared = bundle
            .schema
            .as_ref()
            .and_then(|schema| Some((schema.enforce, schema.agents.get(&base.agent)?.fields.get(&condition.field)?)));
        let kind = declared.map(|(_, field)| field.kind);
        for (which, value) in named_variants(condition, kind) {
            if declared.is_some_and(|(enforced, field)| enforced && !admits(field, value.as_ref())) {
                continue;
            }
            let Some(facts) = context::with(&base.context, &condition.field, value.as_ref()) else { continue };
            let name = format!("{} · {} {which}", rule.id, condition.key);
            propose(Some(&condition.key), name, about(rule, &condition.field, &which), facts);
        }
    }
    if rule.conditions.is_empty() {
        propose(
            None,
            format!("{} · always", rule.id),
            "an input that the rule speaks about".to_owned(),
            base.context.clone(),
        );
    }
    tests
}

fn about(rule: &Rule, field: &str, which: &str) -> String {
    let others = rule.conditions.iter().filter(|condition| condition.field != field).count();
    if others == 0 { format!("{field} {which}") } else { format!("{field} {which}, all else as the rule wants it") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        bundle::{Effect, Source},
        engine::arbitrary,
    };

    #[test]
    fn a_threshold_is_tried_from_both_sides() {
        let rules = json!([{
            "id": "quarantine-high-risk", "agent": "inbox.triage", "action": "quarantine", "effect": "allow",
            "reason": "High risk mail is held", "conditions": {">=risk_score": 90, "category": ["phishing", "malware"]},
        }]);
        let bundle = Source::read(rules.clone()).unwrap().parse_rules().bundle;
        let tests = boundary_cases(&bundle, "quarantine-high-risk", &[]);
        let described: Vec<(String, Value, Option<Effect>)> = tests
            .iter()
            .filter(|test| test.condition.as_deref() == Some(">=risk_score"))
            .map(|test| (test.about.clone(), test.case.context["risk_score"].clone(), test.case.expected_effect))
            .collect();
        let as_wanted = ", all else as the rule wants it";
        assert_eq!(
            described,
            [
                (format!("risk_score just below 90{as_wanted}"), json!(89), Some(Effect::Deny)),
                (format!("risk_score at 90{as_wanted}"), json!(90), Some(Effect::Allow)),
                (format!("risk_score just above 90{as_wanted}"), json!(91), Some(Effect::Allow)),
            ]
        );
        let saved: Vec<Case> = tests.iter().map(|test| test.case.clone()).collect();
        assert!(boundary_cases(&bundle, "quarantine-high-risk", &saved).is_empty());
        assert!(boundary_cases(&bundle, "no-such-rule", &[]).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn what_is_expected_is_what_the_bundle_answers(bundle in arbitrary::bundle(1..8)) {
            let prepared = Prepared::new(&bundle);
            for rule in &bundle.rules {
                let tests = boundary_cases(&bundle, &rule.id, &[]);
                let distinct: BTreeSet<String> = tests.iter().map(|test| json!(test.case.context).to_string()).collect();
                prop_assert_eq!(distinct.len(), tests.len());
                let names: BTreeSet<&str> = tests.iter().map(|test| test.case.case_id.as_str()).collect();
                prop_assert_eq!(names.len(), tests.len());
                for test in tests {
                    let answer = prepared.decide(&test.case.input());
                    prop_assert_eq!(Some(answer.effect), test.case.expected_effect);
                    prop_assert_eq!(answer.matched_rule, test.decided_by);
                    prop_assert!(answer.status != Status::Error);
                }
            }
        }
    }
}
