//! The workspace's invariants, proven on a bundle.

use super::{Code, Finding};
use crate::{
    analysis::{
        findings::{describe_input, input_to_json},
        invariants::{InvariantProof, prove},
    },
    bundle::{Bundle, Invariant},
    engine::Prepared,
};

/// A finding for every invariant that does not hold or could not be decided.
pub fn check(bundle: &Bundle, invariants: &[Invariant]) -> Vec<Finding> {
    if invariants.is_empty() {
        return Vec::new();
    }
    let prepared = Prepared::new(bundle);
    invariants.iter().filter_map(|invariant| finding(bundle, &prepared, invariant)).collect()
}

fn finding(bundle: &Bundle, prepared: &Prepared, invariant: &Invariant) -> Option<Finding> {
    let id = &invariant.id;
    let statement = match invariant.parse() {
        Ok(statement) => statement,
        Err(faults) => {
            let what = faults.first().map(|fault| format!("{}: {}", fault.pointer, fault.detail)).unwrap_or_default();
            let message = format!("The invariant `{id}` of the workspace cannot be read ({what}).");
            let finding = Finding::new(Code::Invariant, "/default_effect", message);
            return Some(finding.suggest("An administrator can correct it under Settings, Invariants."));
        }
    };
    match prove(bundle, &statement) {
        InvariantProof::Holds => None,
        InvariantProof::Undecided => {
            let message = format!(
                "Whether the invariant `{id}` ({statement}) holds could not be decided within the work budget."
            );
            let finding = Finding::new(Code::Undecided, "/default_effect", message);
            Some(finding.suggest("Split the bundle, or declare a schema that narrows its fields."))
        }
        InvariantProof::Violated(witness) => {
            let answer = prepared.decide(&witness);
            let rule = answer.matched_rule.as_deref();
            let position = rule.and_then(|id| bundle.rules.iter().find(|rule| rule.id == id)).map(|rule| rule.position);
            let by = rule.map_or_else(|| "no rule, so the default".to_owned(), |rule| format!("`{rule}`"));
            let message = format!(
                "This breaks the invariant `{id}` ({statement}): when {}, {by} answers {}.",
                describe_input(&witness),
                answer.effect
            );
            let path = position.map_or_else(|| "/default_effect".to_owned(), |at| format!("/rules/{at}"));
            let mut finding = Finding::new(Code::Invariant, path, message).about(rule).suggest(
                "Narrow what decides there. The invariant itself is changed by an administrator under Settings.",
            );
            finding.witness = Some(input_to_json(&witness));
            Some(finding)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        bundle::{Invariant, Source},
        lint::{Code, Severity, lint, lint_against},
    };

    #[test]
    fn a_broken_invariant_is_an_error_with_a_witness() {
        let source = Source::read(json!([
            {"id": "allow-risky", "agent": "inbox.triage", "action": "quarantine", "conditions": {">=risk_score": 15},
             "effect": "allow", "reason": "Risky mail is put aside", "priority": 80},
        ]))
        .unwrap();
        let invariant: Invariant = serde_json::from_value(json!({
            "id": "keep-low-risk", "agent": "inbox.triage", "action": "quarantine", "never": "allow",
            "when": {"<risk_score": 20},
        }))
        .unwrap();
        assert!(lint(&source).passed);
        let report = lint_against(&source, std::slice::from_ref(&invariant));
        let error = report.errors.first().unwrap();
        assert_eq!((error.code, error.severity), (Code::Invariant, Severity::Error));
        assert_eq!((error.rule_id.as_deref(), error.path.as_str()), (Some("allow-risky"), "/rules/0"));
        let risk = error.witness.as_ref().unwrap()["context"]["risk_score"].as_f64().unwrap();
        assert!((15.0..20.0).contains(&risk), "{risk}");
        let tighter = Invariant { when: json!({"<risk_score": 15}).as_object().unwrap().clone(), ..invariant };
        assert!(lint_against(&source, &[tighter]).passed);
    }
}
