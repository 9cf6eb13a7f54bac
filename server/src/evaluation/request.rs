//! One question, answered from memory.

use std::convert::Infallible;

use lifecycle::{
    decision::{BundleRef, Mode, OtherArm, Record},
    problem::{Code, Problem},
};
use policy::{
    Fault, Timestamp,
    bundle::{Budget, Effect},
    engine::{Answer, Arm, EvaluationError, Input, Prepared, Status},
    limits::MAX_STRING_BYTES,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{
    pending_decision::Made,
    serving::{ArmInService, Serving},
};

/// Most bytes of a decision's id.
pub(super) const MAX_ID_BYTES: usize = 200;

/// What `POST /policy/evaluate` is asked.
#[derive(Debug, Clone, Deserialize)]
pub struct Question {
    /// Who wants to act.
    pub agent: String,
    /// What it wants to do.
    pub action: String,
    /// The facts.
    #[serde(default)]
    pub context: Map<String, Value>,
    /// What the traffic split is keyed by; the decision's id when absent.
    #[serde(default)]
    pub subject: Option<String>,
    /// The caller's name for the decision; one is made when absent.
    #[serde(default)]
    pub decision_id: Option<String>,
}

impl Question {
    /// Checks what the types do not say. `at` is the JSON Pointer of this question in the body.
    ///
    /// # Errors
    /// 422 with pointers; 413 when the context is past its limits.
    pub fn check(&self, at: &str) -> Result<(), Problem> {
        let mut faults = Vec::new();
        let mut text = |name: &str, value: Option<&str>, most: usize| {
            let Some(value) = value else { return };
            if value.is_empty() {
                faults.push(Fault::new(format!("{at}/{name}"), "must not be empty"));
            } else if value.len() > most {
                faults.push(Fault::new(format!("{at}/{name}"), format!("may hold at most {most} bytes")));
            } else if value.contains('\0') {
                faults.push(Fault::new(format!("{at}/{name}"), "contains the character U+0000, which cannot be kept"));
            }
        };
        text("agent", Some(&self.agent), MAX_STRING_BYTES);
        text("action", Some(&self.action), MAX_STRING_BYTES);
        text("subject", self.subject.as_deref(), MAX_STRING_BYTES);
        text("decision_id", self.decision_id.as_deref(), MAX_ID_BYTES);
        if let Some(pointer) = unkeepable(&self.context) {
            let detail = "contains the character U+0000, which cannot be kept";
            faults.push(Fault::new(format!("{at}/context{pointer}"), detail));
        }
        if faults.is_empty() { Ok(()) } else { Err(Problem::invalid_fields(faults)) }
    }

    /// Splits off what the engine looks at, within its limits.
    fn into_parts(self) -> (Input, Option<String>, Option<String>) {
        (Input { agent: self.agent, action: self.action, context: self.context }, self.subject, self.decision_id)
    }
}

/// The place of a NUL character, which Postgres cannot store.
fn unkeepable(context: &Map<String, Value>) -> Option<String> {
    fn look(value: &Value) -> Option<String> {
        match value {
            Value::String(text) => text.contains('\0').then(String::new),
            Value::Array(items) => {
                items.iter().enumerate().find_map(|(index, item)| look(item).map(|below| format!("/{index}{below}")))
            }
            Value::Object(members) => unkeepable(members),
            _ => None,
        }
    }
    context.iter().find_map(|(key, value)| {
        let escaped = key.replace('~', "~0").replace('/', "~1");
        if key.contains('\0') { Some(String::new()) } else { look(value).map(|below| format!("/{escaped}{below}")) }
    })
}

/// Decides `question` by both arms and makes the record of it.
///
/// # Errors
/// See [`Question::check`].
pub fn decide(serving: &Serving, question: Question, at: &str, now: Timestamp) -> Result<Made, Problem> {
    question.check(at)?;
    let (input, subject, id) = question.into_parts();
    input.check_limits().map_err(|over| {
        Problem::new(Code::TooLarge, over.to_string())
            .with("pointer", format!("{at}{}", over.pointer))
            .with("limit", over.name)
    })?;
    let about = About { agent: &input.agent, action: &input.action, subject, id };
    let asked = record(serving, about, now, |prepared| Ok::<_, Infallible>(prepared.decide(&input)));
    match asked {
        Ok(record) => Ok(Record { context: input.context, ..record }.into()),
        Err(never) => match never {},
    }
}

/// What a question says beside its context.
pub(super) struct About<'a> {
    pub agent: &'a str,
    pub action: &'a str,
    pub subject: Option<String>,
    pub id: Option<String>,
}

/// The record of a question, without its context, answered by the arms that `ask` asks.
pub(super) fn record<E>(
    serving: &Serving,
    about: About<'_>,
    now: Timestamp,
    ask: impl Fn(&Prepared) -> Result<Answer, E>,
) -> Result<Record, E> {
    let decision_id = about.id.unwrap_or_else(|| new_id(now));
    let subject = about.subject.unwrap_or_else(|| decision_id.clone());
    let (mode, arm, served, other) = if serving.enabled {
        let (arm, served, other) = serving.arms(&subject);
        (Mode::Normal, arm, served, other)
    } else {
        (Mode::Bypass, Arm::None, None, None)
    };
    let answer = match (served, mode) {
        (Some(arm), _) => ask(&arm.prepared)?,
        (None, Mode::Bypass) => without_bundle(
            serving.bypass_effect,
            format!("Evaluation is disabled; every question is answered {}.", serving.bypass_effect),
        ),
        (None, _) => without_bundle(Effect::Deny, "No bundle is live, so everything is denied.".to_owned()),
    };
    let other_arm = match other {
        Some(other) => Some(other_arm(other, ask(&other.prepared)?)),
        None => None,
    };
    Ok(Record {
        decision_id,
        decided_at: now,
        agent: about.agent.to_owned(),
        action: about.action.to_owned(),
        subject,
        context: Map::new(),
        effect: answer.effect,
        status: answer.status,
        matched_rule: answer.matched_rule,
        reason: answer.reason,
        budget: answer.budget,
        bundle: served.map(|arm| arm.bundle.clone()),
        arm,
        mode,
        errors: answer.errors,
        other_arm,
        outcome: None,
    })
}

/// A version-7 UUID: ids that are made one after the other lie together in the index of the log.
fn new_id(now: Timestamp) -> String {
    let millis = u64::try_from(OffsetDateTime::from(now).unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    let id = uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid();
    id.hyphenated().to_string()
}

fn other_arm(arm: &ArmInService, answer: Answer) -> OtherArm {
    OtherArm {
        bundle: arm.bundle.clone(),
        effect: answer.effect,
        status: answer.status,
        matched_rule: answer.matched_rule,
    }
}

fn without_bundle(effect: Effect, reason: String) -> Answer {
    Answer { effect, status: Status::NoMatch, matched_rule: None, reason, budget: None, errors: Vec::new() }
}

/// What `POST /policy/evaluate` answers.
#[derive(Debug, Serialize)]
pub struct Reply<'a> {
    decision_id: &'a str,
    effect: Effect,
    status: Status,
    matched_rule: Option<&'a str>,
    reason: &'a str,
    budget: Option<Budget>,
    bundle: Option<&'a BundleRef>,
    arm: Arm,
    mode: Mode,
    errors: &'a [EvaluationError],
    /// Whether evaluation was on.
    enabled: bool,
    /// Whether a safety pause was in force.
    paused: bool,
}

impl<'a> Reply<'a> {
    /// The answer out of a record, given while `serving` is in service.
    pub fn new(record: &'a Record, serving: &Serving) -> Self {
        Self {
            decision_id: &record.decision_id,
            effect: record.effect,
            status: record.status,
            matched_rule: record.matched_rule.as_deref(),
            reason: &record.reason,
            budget: record.budget,
            bundle: record.bundle.as_ref(),
            arm: record.arm,
            mode: record.mode,
            errors: &record.errors,
            // Of the decision: when the question was asked before, that may have changed since.
            enabled: record.mode != Mode::Bypass,
            paused: serving.paused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(body: Value) -> Question {
        serde_json::from_value(body).unwrap()
    }

    const NOTHING: Serving =
        Serving { enabled: true, bypass_effect: Effect::Allow, paused: false, stable: None, canary: None };

    #[test]
    fn without_a_live_bundle_everything_is_denied() {
        let asked = question(serde_json::json!({"agent": "a", "action": "b"}));
        let record = decide(&NOTHING, asked, "", Timestamp::EPOCH).unwrap().record;
        assert_eq!((record.effect, record.status, record.arm), (Effect::Deny, Status::NoMatch, Arm::None));
        assert_eq!(record.subject, record.decision_id);
    }

    #[test]
    fn while_disabled_the_bypass_effect_answers() {
        let asked = question(serde_json::json!({"agent": "a", "action": "b", "decision_id": "d-1"}));
        let record = decide(&Serving { enabled: false, ..NOTHING }, asked, "", Timestamp::EPOCH).unwrap().record;
        assert_eq!((record.effect, record.mode, record.decision_id.as_str()), (Effect::Allow, Mode::Bypass, "d-1"));
    }

    #[test]
    fn what_cannot_be_kept_is_refused_with_its_place() {
        let asked = question(serde_json::json!({"agent": "", "action": "b", "context": {"x/y": [1, {"z": "a\u{0}"}]}}));
        let problem = decide(&NOTHING, asked, "/requests/2", Timestamp::EPOCH).unwrap_err();
        let pointers: Vec<_> = problem.errors.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/requests/2/agent", "/requests/2/context/x~1y/1/z"]);
    }
}
