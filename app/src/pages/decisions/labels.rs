//! Labels of a decision, and its explanation in sentences.

use lifecycle::decision::{Mode, OtherArm, Record};
use policy::{
    bundle::Effect,
    characters::write_out,
    engine::{
        Arm, EvaluationError, Status,
        evaluation::{ErrorCode, ValueType},
    },
};

use crate::components::effect_words;

/// The label of a status.
pub const fn status(status: Status) -> &'static str {
    match status {
        Status::Matched => "matched",
        Status::NoMatch => "no match",
        Status::Error => "error",
    }
}

/// The label of an arm.
pub const fn arm(arm: Arm) -> &'static str {
    match arm {
        Arm::Stable => "stable",
        Arm::Canary => "canary",
        Arm::None => "no bundle",
    }
}

/// What was out of the ordinary when a decision was answered; `None` if nothing was.
pub const fn circumstance(mode: Mode) -> Option<&'static str> {
    match mode {
        Mode::Normal | Mode::Approved => None,
        Mode::Bypass => Some("Evaluation was disabled when this was answered."),
        Mode::Degraded => Some("The database was unavailable when this was answered; it was recorded later."),
    }
}

/// The explanation of a decision, as one sentence without the reason of the rule.
pub fn explanation(record: &Record) -> String {
    let (agent, action) = (write_out(&record.agent), write_out(&record.action));
    let answer = match record.effect {
        Effect::Allow => format!("{agent} may {action}"),
        Effect::Deny => format!("{agent} may not {action}"),
        Effect::NeedsApproval => format!("{agent} must ask before {action}"),
    };
    if record.mode == Mode::Bypass {
        return format!("{answer}: evaluation was disabled, so no rule was asked.");
    }
    let Some(bundle) = &record.bundle else {
        return format!("{answer}: no bundle was live, and then everything is denied.");
    };
    let who = match record.arm {
        Arm::Canary => format!("{}, the canary", bundle.version),
        Arm::Stable | Arm::None => bundle.version.clone(),
    };
    match (record.status, &record.matched_rule) {
        (Status::Matched, Some(rule)) if record.mode == Mode::Approved => {
            format!("{answer}: in {who}, the rule {rule} asks people first, and they approved.")
        }
        (Status::Matched, Some(rule)) => format!("{answer}: in {who}, the rule {rule} was the first to match."),
        (Status::Matched, None) => format!("{answer}: {who} decided so."),
        (Status::NoMatch, _) => format!("{answer}: in {who}, no rule matched, so the default holds."),
        (Status::Error, Some(rule)) => {
            format!("{answer}: in {who}, the rule {rule} could not be decided, so the answer for errors holds.")
        }
        (Status::Error, None) => {
            format!("{answer}: the input breaks what {who} declares, so the answer for errors holds.")
        }
    }
}

/// The answer of the other arm, as one sentence.
pub fn other(record: &Record, other: &OtherArm) -> String {
    let name = match record.arm {
        Arm::Canary => format!("{}, the stable bundle,", other.bundle.version),
        Arm::Stable | Arm::None => format!("{}, the bundle beside it,", other.bundle.version),
    };
    let by = match (other.status, &other.matched_rule) {
        (Status::NoMatch, _) => "no rule matched".to_owned(),
        (Status::Error, Some(rule)) => format!("{rule} could not be decided"),
        (Status::Error, None) => "the input breaks its declared inputs".to_owned(),
        (Status::Matched, rule) => rule.clone().unwrap_or_default(),
    };
    if other.effect == record.effect {
        format!("{name} gives the same answer ({by}).")
    } else {
        format!("{name} would have answered {} ({by}).", effect_words(other.effect))
    }
}

/// An evaluation error, as one sentence.
pub fn error(error: &EvaluationError) -> String {
    let found = match error.found {
        ValueType::Missing => "nothing",
        ValueType::Boolean => "true or false",
        ValueType::Number => "a number",
        ValueType::String => "a text",
        ValueType::Array => "a list",
        ValueType::Object => "an object",
    };
    match (error.code, &error.rule) {
        (ErrorCode::InvalidName, _) => {
            format!("The {} is not {}, so no rule was asked.", error.field, error.wanted)
        }
        (ErrorCode::SchemaViolation, _) => {
            format!("{} must be {}, but the input had {found}.", error.field, error.wanted)
        }
        (ErrorCode::WrongType, Some(rule)) => {
            format!("{rule} compares {} with {}, but the input had {found}.", error.field, error.wanted)
        }
        (ErrorCode::WrongType, None) => {
            format!("{} was compared with {}, but the input had {found}.", error.field, error.wanted)
        }
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::decision::BundleRef;
    use policy::Timestamp;
    use serde_json::Map;

    use super::*;

    fn record() -> Record {
        Record {
            decision_id: "d1".into(),
            decided_at: Timestamp::EPOCH,
            agent: "inbox.triage".into(),
            action: "quarantine".into(),
            subject: "d1".into(),
            context: Map::new(),
            effect: Effect::Allow,
            status: Status::Matched,
            matched_rule: Some("high-risk".into()),
            reason: String::new(),
            budget: None,
            bundle: Some(BundleRef { id: 1, version: "2.3.0".into(), digest: String::new() }),
            arm: Arm::Stable,
            mode: Mode::Normal,
            errors: vec![],
            other_arm: None,
            outcome: None,
            asked_by: None,
        }
    }

    #[test]
    fn every_kind_of_decision_has_its_explanation() {
        let record = record();
        assert_eq!(
            explanation(&record),
            "inbox.triage may quarantine: in 2.3.0, the rule high-risk was the first to match."
        );
        let no_match = Record {
            effect: Effect::Deny,
            status: Status::NoMatch,
            matched_rule: None,
            arm: Arm::Canary,
            ..record.clone()
        };
        assert_eq!(
            explanation(&no_match),
            "inbox.triage may not quarantine: in 2.3.0, the canary, no rule matched, so the default holds."
        );
        assert_eq!(
            explanation(&Record { mode: Mode::Approved, ..record.clone() }),
            "inbox.triage may quarantine: in 2.3.0, the rule high-risk asks people first, and they approved."
        );
        assert!(explanation(&Record { mode: Mode::Bypass, ..record.clone() }).contains("disabled"));
        assert!(explanation(&Record { bundle: None, ..record }).contains("no bundle was live"));
    }

    #[test]
    fn the_other_arm_is_compared() {
        let record = record();
        let canary = OtherArm {
            bundle: BundleRef { id: 2, version: "2.4.0".into(), digest: String::new() },
            effect: Effect::Deny,
            status: Status::NoMatch,
            matched_rule: None,
        };
        assert_eq!(other(&record, &canary), "2.4.0, the bundle beside it, would have answered deny (no rule matched).");
    }
}
