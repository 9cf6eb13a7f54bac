//! One request, decided in memory by both arms.

use std::{convert::Infallible, ptr};

use lifecycle::{
    decision::{Mode, OtherArm, Record},
    problem::{Code, Problem},
};
use policy::{
    Timestamp,
    bundle::{Effect, name::recorded},
    engine::{Evaluation, Prepared, Status, names},
};
use serde_json::Map;
use time::OffsetDateTime;

use super::{
    pending_decision::PendingDecision,
    request_tree::EvaluationRequest,
    serving::{LiveBundle, Serving, Split},
};

/// Decides the request in `body` from its bytes, and records its context as the text that came. None for a body that is out
/// of the ordinary (see [`policy::engine::request`]), and while no bundle serves: then [`decide_tree`] has to see its tree.
pub fn decide_body(serving: &Serving, body: &[u8], now: Timestamp) -> Option<PendingDecision> {
    if !serving.enabled {
        return None;
    }
    let decoding = &*serving.stable.as_ref().or(serving.canary.as_ref())?.prepared;
    let (request, verdict) = decoding.decide_request(body)?;
    let head = RequestHead {
        agent: request.agent,
        action: request.action,
        subject: request.subject.map(str::to_owned),
        decision_id: request.decision_id.map(str::to_owned),
    };
    let answer = |prepared: &Prepared| {
        // The bundle that the body was decoded for already has its verdict.
        if ptr::eq(prepared, decoding) {
            prepared.explain(verdict, &request)
        } else {
            prepared.answer_request(&request)
        }
    };
    let record = decide_with(serving, head, now, answer).ok()?;
    Some(PendingDecision::with_context_text(record, request.context))
}

/// Decides `request`, whose JSON Pointer in the body is `at`.
///
/// # Errors
/// 422 with pointers for members that make no sense; 413 when the context is past its limits.
pub fn decide_tree(
    serving: &Serving,
    request: EvaluationRequest,
    at: &str,
    now: Timestamp,
) -> Result<PendingDecision, Problem> {
    request.check(at)?;
    let (input, subject, decision_id) = request.into_parts();
    input.check_limits().map_err(|over| {
        Problem::new(Code::TooLarge, over.to_string())
            .with("pointer", format!("{at}{}", over.pointer))
            .with("limit", over.name)
    })?;
    let head = RequestHead { agent: &input.agent, action: &input.action, subject, decision_id };
    match decide_with(serving, head, now, |prepared| Ok::<_, Infallible>(prepared.decide(&input))) {
        Ok(record) => Ok(Record { context: input.context, ..record }.into()),
        Err(never) => match never {},
    }
}

/// A request without its context.
struct RequestHead<'a> {
    agent: &'a str,
    action: &'a str,
    subject: Option<String>,
    decision_id: Option<String>,
}

/// The record of a decision, without its context. `answer` asks one bundle.
fn decide_with<E>(
    serving: &Serving,
    head: RequestHead<'_>,
    now: Timestamp,
    answer: impl Fn(&Prepared) -> Result<Evaluation, E>,
) -> Result<Record, E> {
    let decision_id = head.decision_id.unwrap_or_else(|| new_decision_id(now));
    let subject = head.subject.unwrap_or_else(|| decision_id.clone());
    let (mode, split) =
        if serving.enabled { (Mode::Normal, serving.split(&subject)) } else { (Mode::Bypass, Split::default()) };
    let answered = match (split.serves, mode) {
        (Some(serves), _) => answer(&serves.prepared)?,
        // Bypass answers before anything is looked at, names included.
        (None, Mode::Bypass) => without_bundle(
            serving.bypass_effect,
            format!("Evaluation is disabled; every question is answered {}.", serving.bypass_effect),
        ),
        (None, _) => names::refusal(head.agent, head.action)
            .unwrap_or_else(|| without_bundle(Effect::Deny, "No bundle is live, so everything is denied.".to_owned())),
    };
    let other_arm = match split.other {
        Some(other) => Some(other_arm(other, answer(&other.prepared)?)),
        None => None,
    };
    Ok(Record {
        decision_id,
        decided_at: now,
        agent: recorded(head.agent).into_owned(),
        action: recorded(head.action).into_owned(),
        subject,
        context: Map::new(),
        effect: answered.effect,
        status: answered.status,
        matched_rule: answered.matched_rule,
        reason: answered.reason,
        budget: answered.budget,
        bundle: split.serves.map(|serves| serves.bundle.clone()),
        arm: split.arm,
        mode,
        errors: answered.errors,
        other_arm,
        outcome: None,
        asked_by: None,
    })
}

/// A version-7 UUID: ids drawn one after the other are neighbours in the index of the log.
fn new_decision_id(now: Timestamp) -> String {
    let millis = u64::try_from(OffsetDateTime::from(now).unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    let id = uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid();
    id.hyphenated().to_string()
}

fn other_arm(other: &LiveBundle, answer: Evaluation) -> OtherArm {
    OtherArm {
        bundle: other.bundle.clone(),
        effect: answer.effect,
        status: answer.status,
        matched_rule: answer.matched_rule,
    }
}

fn without_bundle(effect: Effect, reason: String) -> Evaluation {
    Evaluation { effect, status: Status::NoMatch, matched_rule: None, reason, budget: None, errors: Vec::new() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lifecycle::decision::BundleRef;
    use policy::engine::{Arm, evaluation::ErrorCode};
    use serde_json::Value;

    use super::*;

    fn serving() -> Serving {
        let rules = serde_json::json!({"rules": [
            {"id": "high-risk", "agent": "a.b", "action": "*", "effect": "deny", "reason": "Risk is too high here",
             "conditions": {">=risk": 50}},
            {"id": "nested-low", "agent": "*", "action": "c", "effect": "allow", "reason": "Somewhere deep is low",
             "conditions": {"<deep.down": 3, "name": ["x", "y\u{e9}"]}},
        ]});
        let source: policy::bundle::Source = serde_json::from_value(rules).unwrap();
        let live = |id, percent| LiveBundle {
            bundle: BundleRef { id, version: "1.0.0".into(), digest: "sha256:00".into() },
            percent,
            prepared: Arc::new(Prepared::from(source.clone().parse_rules().bundle)),
            held: Arc::default(),
        };
        Serving {
            enabled: true,
            bypass_effect: Effect::Allow,
            paused: false,
            stable: Some(live(1, 100)),
            canary: Some(live(2, 50)),
            previous: None,
        }
    }

    /// The record of `body` parsed into a tree.
    fn by_tree(body: &str) -> Option<Record> {
        let request: EvaluationRequest = serde_json::from_str(body).ok()?;
        Some(decide_tree(&serving(), request, "", Timestamp::EPOCH).ok()?.to_record().unwrap().into_owned())
    }

    /// The record of `body` decided from its bytes.
    fn by_bytes(body: &str) -> Option<Record> {
        Some(decide_body(&serving(), body.as_bytes(), Timestamp::EPOCH)?.to_record().unwrap().into_owned())
    }

    #[test]
    fn a_body_decided_from_its_bytes_is_recorded_as_from_its_tree() {
        let id = r#""decision_id":"d-1""#;
        for context in [
            r#"{}"#,
            r#"{"risk":51}"#,
            r#" { "risk" : 5.1e1 , "other" : 3 } "#,
            r#"{"risk":"high","x":[1,{"y":"}]{["}]}"#,
            r#"{"deep":{"down":-0.0},"name":"y\u00e9","big":123456789012345678901234567890}"#,
            r#"{"name":"ünï\"code\\","deep":{"down":1E2}}"#,
        ] {
            let body = format!(r#"{{"agent":"a.b", "action":"c","context":{context},"subject":"s",{id}}}"#);
            let (bytes, tree) = (by_bytes(&body), by_tree(&body));
            assert!(bytes.is_some(), "{body}");
            assert_eq!(bytes, tree, "{body}");
        }
        assert_eq!(
            by_bytes(&format!(r#"{{"action":"c","agent":"q",{id}}} "#)),
            by_tree(&format!(r#"{{"action":"c","agent":"q",{id}}}"#))
        );
    }

    #[test]
    fn bodies_that_are_wrong_or_out_of_the_ordinary_are_left_to_the_tree() {
        let many = format!("{{{}}}", (0..513).map(|n| format!("\"f{n}\":1")).collect::<Vec<_>>().join(","));
        let deep = format!("{{\"x\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        let long = format!("{{\"x\":\"{}\"}}", "x".repeat(10_000));
        for context in [
            &many,
            &deep,
            &long,
            r#"{"x":1e999}"#,
            r#"{"x":"\ud800"}"#,
            r#"{"x":"a\u0000"}"#,
            r#"{"x":01}"#,
            r#"{"x":]}"#,
            r#"{"x":tru}"#,
            r#"{"x" 1}"#,
            r#"{"x":1,}"#,
            "[]",
            "null",
            "{\"x\":\"\n\"}",
            r#"{"x":1}}"#,
            r#"{"x":{}"#,
            r#"{"risk":51,"risk":3}"#,
            r#"{"x":1,"\u0078":1}"#,
        ] {
            assert_eq!(by_bytes(&format!(r#"{{"agent":"a.b","action":"c","context":{context}}}"#)), None, "{context}");
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
            r#"{"agent":"a","action":"b","x":1}"#,
            r#"{"agent":"a","action":"b","subject":null}"#,
            r#"{"agent":"a","action":"b",}"#,
            r#"{"agent":"a" "action":"b"}"#,
            r#"{"agent":"a","action":3}"#,
            r#"{"agent":"a","action":"b","context":{},"context":{}}"#,
        ] {
            assert_eq!(by_bytes(body), None, "{body}");
        }
        let long_id = format!(r#"{{"agent":"a","action":"b","decision_id":"{}"}}"#, "x".repeat(201));
        assert_eq!(by_bytes(&long_id), None);
    }

    fn request(body: Value) -> EvaluationRequest {
        serde_json::from_value(body).unwrap()
    }

    const NOTHING: Serving = Serving {
        enabled: true,
        bypass_effect: Effect::Allow,
        paused: false,
        stable: None,
        canary: None,
        previous: None,
    };

    #[test]
    fn the_bundle_before_is_evaluated_beside_a_fresh_one_and_serves_nobody() {
        let both = serving();
        let fresh = Serving { previous: both.canary.clone(), canary: None, ..both.clone() };
        for subject in 0..50 {
            let split = fresh.split(&subject.to_string());
            assert_eq!(split.arm, Arm::Stable);
            assert_eq!(split.serves.map(|live| live.bundle.id), Some(1));
            assert_eq!(split.other.map(|live| live.bundle.id), Some(2));
        }
        // A canary takes the place.
        let third = LiveBundle { bundle: BundleRef { id: 3, ..live_reference(&both) }, ..both.canary.clone().unwrap() };
        let canary = Serving { previous: Some(third), ..both };
        let others: Vec<_> =
            (0..50).map(|subject| canary.split(&subject.to_string()).other.map(|live| live.bundle.id)).collect();
        assert!(!others.contains(&Some(3)), "{others:?}");
    }

    fn live_reference(serving: &Serving) -> BundleRef {
        serving.canary.as_ref().unwrap().bundle.clone()
    }

    #[test]
    fn without_a_live_bundle_everything_is_denied() {
        let asked = request(serde_json::json!({"agent": "a", "action": "b"}));
        let record = decide_tree(&NOTHING, asked, "", Timestamp::EPOCH).unwrap().record;
        assert_eq!((record.effect, record.status, record.arm), (Effect::Deny, Status::NoMatch, Arm::None));
        assert_eq!(record.subject, record.decision_id);
    }

    #[test]
    fn while_disabled_the_bypass_effect_answers() {
        let asked = request(serde_json::json!({"agent": "a", "action": "b", "decision_id": "d-1"}));
        let record = decide_tree(&Serving { enabled: false, ..NOTHING }, asked, "", Timestamp::EPOCH).unwrap().record;
        assert_eq!((record.effect, record.mode, record.decision_id.as_str()), (Effect::Allow, Mode::Bypass, "d-1"));
    }

    #[test]
    fn what_is_no_name_is_denied_and_recorded_so_that_it_can_be_seen() {
        let long = "a".repeat(300);
        for (agent, recorded) in [
            ("", ""),
            ("a.b\u{200b}", "a.b<U+200B>"),
            ("a\u{430}", "a<U+0430>"),
            ("a\u{0}", "a<U+0000>"),
            (long.as_str(), &format!("{}…", "a".repeat(255))),
        ] {
            let asked =
                || request(serde_json::json!({"agent": agent, "action": "c", "context": {"deep": {"down": 1}}}));
            for serving in [serving(), NOTHING] {
                let record = decide_tree(&serving, asked(), "", Timestamp::EPOCH).unwrap().record;
                assert_eq!((record.effect, record.status, record.matched_rule), (Effect::Deny, Status::Error, None));
                assert_eq!((record.agent.as_str(), record.action.as_str()), (recorded, "c"));
                assert_eq!(record.errors[0].code, ErrorCode::InvalidName);
            }
            // Bypass answers first.
            let bypassed = Serving { enabled: false, ..serving() };
            let record = decide_tree(&bypassed, asked(), "", Timestamp::EPOCH).unwrap().record;
            assert_eq!((record.effect, record.mode, record.agent.as_str()), (Effect::Allow, Mode::Bypass, recorded));
        }
        let body = "{\"agent\":\"a.b\u{200b}\",\"action\":\"c\",\"decision_id\":\"d\",\"subject\":\"s\"}";
        assert_eq!(by_bytes(body), by_tree(body));
        assert_eq!(by_bytes(body).unwrap().agent, "a.b<U+200B>");
    }

    #[test]
    fn an_empty_subject_and_a_nul_are_refused_with_their_places() {
        let context = serde_json::json!({"x/y": [1, {"z": "a\u{0}"}]});
        let asked = request(serde_json::json!({"agent": "a", "action": "b", "subject": "", "context": context}));
        let problem = decide_tree(&NOTHING, asked, "/requests/2", Timestamp::EPOCH).unwrap_err();
        let pointers: Vec<_> = problem.errors.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/requests/2/subject", "/requests/2/context/x~1y/1/z"]);
    }
}
